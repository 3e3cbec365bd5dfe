"""Apps with OpenAI's own SDKs that call falmock, and schemas of their models."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from clients import running
from clients.running import CLIENTS
from clients.running import ROOT
from clients.running import Mitmdump

App = Callable[..., Any]
SHIPPED = ROOT / "fixtures"
ASSETS = SHIPPED / "_assets"
_PROGRAMS = CLIENTS / "programs"
OPENAIS: dict[str, Any] = {
    "background": "opaque",
    "complexity": "low",
    "frame_count": 4,
    "frame_duration_ms": 100,
    "moderation": "low",
    "output_compression": 80,
    "partial_images": 1,
    "quality": "xhigh",
    "safety_identifier": "hash-of-a-user",
    "svg": {"model": "an-author", "reasoning": {"effort": "low"}},
    "user": "me@example.com",
}
"""Parameters of OpenAI's that no model has an input for."""


def opened(
    program: str, mock: Mitmdump, key: str = "sk-anything", *, azure: bool = False
) -> AbstractContextManager[App]:
    """One of the apps, with a client of OpenAI's or of Azure's. Its only setup is the address and a key; it uses no proxy."""
    env = {"OPENAI_BASE_URL": f"{mock.proxy}/v1", "OPENAI_API_KEY": key}
    if azure:
        env = {
            "AZURE_OPENAI_ENDPOINT": mock.proxy,
            "AZURE_OPENAI_API_KEY": key,
            "OPENAI_API_VERSION": "2025-04-01-preview",
        }
    return running.app(_PROGRAMS / program, mock, NO_PROXY="*", **env)


def digest(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()


def inline(name: str) -> str:
    return "data:image/png;base64," + base64.b64encode((ASSETS / name).read_bytes()).decode()


def write_schema(folder: Path, endpoint: str, properties: dict[str, Any]) -> None:
    """Write the schema of an endpoint beside the fixtures in a folder."""
    path = folder / "_schemas" / f"{endpoint}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema_of(endpoint, properties)), "utf-8")


def schema_of(endpoint: str, properties: dict[str, Any]) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}}
    return {
        "openapi": "3.0.4",
        "paths": {f"/{endpoint}": {"post": {"requestBody": body}}},
        "components": {"schemas": {"Input": {"type": "object", "properties": properties}}},
    }
