"""Bytes in JSON, as apps are given them and tell of them: `{"$bytes": base64}`."""

from __future__ import annotations

import base64
from typing import Any


def with_bytes(value: Any) -> Any:
    """What an app was given, with the bytes that are meant."""
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {key: with_bytes(item) for key, item in value.items()}
    return [with_bytes(item) for item in value] if isinstance(value, list) else value


def as_json(value: bytes) -> dict[str, str]:
    """What bytes are told as."""
    return {"$bytes": base64.b64encode(value).decode()}
