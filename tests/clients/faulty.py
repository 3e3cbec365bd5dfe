"""What the tests of faults have in common: rules in a file, and calls that ask for a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

ANY: dict[str, Any] = {"match": {"model": "acme/*"}, "response": {"json": {"ok": True}}, "queue": {"completed": 0}}
"""A fixture for whatever is called."""


def write_rules(path: Path, *rules: Any, seed: int = 0) -> str:
    """Write a file of rules; the option that names it."""
    path.write_text(json.dumps({"seed": seed, "faults": rules}), "utf-8")
    return f"fal_faults={path}"


def asked(fault: Any) -> dict[str, str]:
    """The header that asks for a fault."""
    return {"x-falmock-fault": fault if isinstance(fault, str) else json.dumps(fault)}


def run(client: httpx.Client, model: str, fault: Any = None, host: str = "fal.run") -> httpx.Response:
    return client.post(f"https://{host}/{model}", json={}, headers={} if fault is None else asked(fault))
