"""Which requests are direct, and what happens if the client of one disconnects."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.proxy import mode_specs
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.edge import Client
from falmock.engine.effects import Reply
from falmock.gateway import door as gateway_door
from falmock.gateway.aimock import control as aimock_control
from falmock.gateway.control import door as control_door
from falmock.gateway.door import Ask
from falmock.gateway.door import Doors
from falmock.gateway.openai import door as openai_door
from falmock.proxy.clients import Clients
from falmock.proxy.direct import DirectRequests
from falmock.wire.message import Request
from unit.apps import app_of
from unit.wire.formats.squeezing import MEBIBYTE
from unit.wire.formats.squeezing import bomb

REQUEST = Request("GET", "127.0.0.1", "/mine", "", {}, b"")
ANSWER = Reply(200, (), b"answered", "answered")


class Door:
    """A door whose answer takes time."""

    name = "the only one"

    def __init__(self, act: Callable[[], Awaitable[Reply]]) -> None:
        self._act = act

    def claims(self, request: Request) -> bool:
        return request.path in ("/mine", "/__falmock/mine")

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        return 100

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        return await self._act()


async def nobody(request: Request) -> Reply:
    raise AssertionError(request)


def behind(act: Callable[[], Awaitable[Reply]]) -> DirectRequests:
    app = app_of()
    app._doors = Doors(app.engines, [Door(act)])
    return DirectRequests(app, Clients())


Called = Callable[..., Request | None]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """What is found of a request to a path at a port of this mode, by a client that calls it by this name, if that is kept."""

    def finds(port: str, path: str, name: str = "") -> Request | None:
        monkeypatch.setattr(ctx, "options", SimpleNamespace(keep_host_header=bool(name)), raising=False)
        mode = mode_specs.ProxyMode.parse(port)
        assert isinstance(mode, mode_specs.ReverseMode)
        flow = tflow.tflow(req=tutils.treq(host=mode.address[0], port=mode.address[1], path=path.encode()))
        flow.client_conn.proxy_mode = mode
        flow.client_conn.sockname = ("127.0.0.1", 8083)
        flow.request.host_header = name or mode.address[0]
        return behind(lambda: asyncio.sleep(0, ANSWER)).finds(flow)

    return finds


def test_a_port_that_stands_for_nobody_is_falmocks_own(called: Called) -> None:
    for path in ("/mine", "/other"):
        found = called("reverse:http://falmock.invalid@8083", path, "here:8083")
        assert found is not None
        assert (found.host, found.headers["host"], found.path) == ("here", "here:8083", path)


@pytest.mark.parametrize("port", ["reverse:http://falmock.invalid@8083", "reverse:http://127.0.0.1:3000@8083"])
def test_by_which_name_it_was_called_is_not_made_up(called: Called, port: str) -> None:
    found = called(port, "/__falmock/mine")
    assert found is not None
    assert (found.host, found.headers["host"]) == ("", "127.0.0.1:8083")


@pytest.mark.parametrize(
    ("path", "is_ours"), [("/mine", False), ("/other", False), ("/__falmock/mine", True), ("/__other", False)]
)
def test_a_port_that_stands_for_an_app_is_the_apps(called: Called, path: str, *, is_ours: bool) -> None:
    assert (called("reverse:http://localhost:3000@8083", path, "here:8083") is not None) is is_ours


@pytest.mark.parametrize(
    ("path", "is_ours"), [("/mine", False), ("/other", False), ("/__falmock/mine", True), ("/__other", False)]
)
def test_a_port_that_stands_for_fal_is_fals(called: Called, path: str, *, is_ours: bool) -> None:
    assert (called("reverse:https://fal.run@8083", path, "here:8083") is not None) is is_ours


# bodies that are too large

DOORS = [
    ("/__falmock/verify", {"content-type": "application/json"}, "message", 413),
    ("/__falmock/nothing", {}, "message", 413),
    ("/__aimock/fixtures", {}, "error", 413),
    ("/v1/images/generations", {"content-type": "application/json"}, "error", 413),
    ("/v1/images/edits", {"content-type": "multipart/form-data; boundary=x"}, "error", 413),
    ("/fal/queue/submit/a/b", {"content-type": "application/json"}, "detail", 413),
    ("/api/fal/proxy", {"content-type": "application/json", "x-fal-target-url": "https://fal.run/a/b"}, "detail", 413),
    ("/nothing", {}, "detail", 404),
]
"""Paths of doors, the headers of a call to each, and what an answer to a body that is too large has."""


def sent(path: str, headers: dict[str, str], body: bytes, encoding: str) -> Reply:
    """The answer to a direct request with this body, encoded so."""
    app = app_of()
    fields = headers | ({"content-encoding": encoding} if encoding else {})
    flow = tflow.tflow(req=tutils.treq(host="127.0.0.1", port=8080, method=b"POST", path=path.encode()))
    flow.request.headers = http.Headers([(name.encode(), value.encode()) for name, value in fields.items()])
    flow.request.raw_content = body
    flow.client_conn.peername, flow.client_conn.sockname = ("127.0.0.1", 1), ("127.0.0.1", 8080)
    request = DirectRequests(app, Clients()).finds(flow)
    assert request is not None
    answer = asyncio.run(app.answer(request, Client(is_direct=True)))
    assert isinstance(answer, Reply)
    return answer


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "br", "zstd", "gzip, br"])
@pytest.mark.parametrize(("path", "headers", "key", "status"), DOORS)
def test_a_door_refuses_a_body_that_is_too_large_however_it_came(
    path: str, headers: dict[str, str], key: str, status: int, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (gateway_door, control_door, aimock_control):
        monkeypatch.setattr(module, "MAX_BODY", MEBIBYTE)
    monkeypatch.setattr(openai_door, "LIMIT", MEBIBYTE)
    for size in (MEBIBYTE + 1, 64 * MEBIBYTE):
        reply = sent(path, headers, bomb(encoding, size), encoding)
        assert reply.status == status
        assert isinstance(reply.body, bytes)
        told = str(json.loads(reply.body)[key])
        if status == 413:
            found = f"more than {MEBIBYTE} bytes in \\d+ bytes of {encoding}" if encoding else f"{size} bytes"
            assert re.search(f"{found}, expected at most {MEBIBYTE}", told)
    assert sent(path, headers, bomb(encoding, MEBIBYTE), encoding).status != 413
