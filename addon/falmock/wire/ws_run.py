"""HTTP over WebSocket: the frames around each answer on `ws.fal.run` (PROTOCOL.md section 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Text
from falmock.wire.realtime import json_frame

CHUNK = 64 * 1024
"""How many bytes of a body one binary message has at most."""


def start_frame(request_id: str, status: int, headers: Mapping[str, str]) -> Text:
    """The frame before the body."""
    return json_frame({"type": "start", "request_id": request_id, "status": status, "headers": dict(headers)})


def end_frame(request_id: str, status: int, first_byte: float) -> Text:
    """The frame after the body; `first_byte` is the time to the first byte in seconds."""
    ending = {"type": "end", "request_id": request_id, "status": status, "time_to_first_byte_seconds": first_byte}
    return json_frame(ending)


def meta(text: str) -> dict[str, Any] | None:
    """The content of a text message that clients read as a start or end frame; None for a part of a body."""
    if '"type"' not in text or '"request_id"' not in text:
        return None
    value = jsontext.object_of(text)
    return value if value is not None and "type" in value and "request_id" in value else None
