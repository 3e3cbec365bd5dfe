from __future__ import annotations

import asyncio
import json

import pytest

from falmock.edge import Client
from falmock.engine.effects import Reply
from falmock.wire.message import Request
from unit.apps import app_of


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/health", 200, {"status": "ok"}),
        ("GET", "/ready", 200, {"status": "ready"}),
        ("POST", "/health", 404, None),
        ("GET", "/health/x", 404, None),
    ],
)
def test_health(method: str, path: str, status: int, body: object) -> None:
    request = Request(method, "127.0.0.1", path, "", {}, b"")
    reply = asyncio.run(app_of().answer(request, Client(is_direct=True)))
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, bytes)
    assert reply.status == status
    assert body is None or json.loads(reply.body) == body
