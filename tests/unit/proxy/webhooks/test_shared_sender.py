"""Webhooks of a store that are flows in mitmproxy."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import pytest
from mitmproxy import http

from falmock.app import App
from falmock.proxy.webhooks import sender
from falmock.proxy.webhooks.sender import Webhooks
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.apps import TestEdge
from unit.engine.calls import index_of
from unit.proxy.loopback import until
from unit.proxy.mitm import mitmproxy

QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {}}}


def test_its_flow_says_what_became_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flows: list[http.HTTPFlow] = []

    async def replay(flow: http.HTTPFlow, *_: object) -> None:
        flows.append(flow)
        flow.response = http.Response.make(204)

    monkeypatch.setattr(sender, "_replay", replay)
    edge = TestEdge()
    monkeypatch.setattr(edge, "now", time.time)

    async def story() -> None:
        posting = Webhooks(lambda: app.engines)
        posting._confdir = lambda: tmp_path
        app = App(edge, lambda now: uuid7(now, secrets.randbits(74)), b"secret", {}, posting)
        app.engines.use_fixtures(index_of(QUICK))
        app.share(MemoryStore(), b"x" * 32)
        query = "fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook"
        await app.answer(Request("POST", "queue.fal.run", "/acme/quick", query, {}, b"{}"))
        await until(lambda: bool(flows) and "delivered" in flows[0].comment)
        assert flows[0].comment.endswith("delivered (status 204)")
        await app.leave()
        posting.stop()
        app.stop()

    with mitmproxy():
        asyncio.run(story())
