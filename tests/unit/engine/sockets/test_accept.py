from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.sockets.accept import names_of
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.wire.endpoint import parse
from falmock.wire.handshake import BadHandshake
from falmock.wire.message import Request
from unit.engine.calls import Client
from unit.engine.talks import UPGRADE
from unit.engine.talks import Talk
from unit.engine.talks import frames
from unit.engine.talks import packed


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("a/b/realtime", ("a/b/realtime", "a/b")),
        ("a/b/c/realtime", ("a/b/c/realtime", "a/b/c")),
        ("a/b/ws", ("a/b/ws",)),
        ("a/b", ("a/b",)),
        ("a/realtime", ("a/realtime",)),
        ("a/b/surrealtime", ("a/b/surrealtime",)),
        ("workflows/a/b/realtime", ("workflows/a/b/realtime", "workflows/a/b")),
    ],
)
def test_the_ids_that_a_socket_goes_by(name: str, names: tuple[str, ...]) -> None:
    assert names_of(parse(name)) == names


@pytest.mark.parametrize(
    ("fixture", "path", "is_played"),
    [
        (frames("a/b", {"msgpack": 1}), "fal.run/a/b/realtime", True),
        (frames("a/b/realtime", {"msgpack": 1}), "fal.run/a/b/realtime", True),
        (frames("a/b", {"text": ""}, opening=True), "fal.run/a/b/realtime", True),
        (frames("a/*", {"msgpack": 1}), "fal.run/a/b/realtime", True),
        (frames("a/b/realtime", {"msgpack": 1}), "fal.run/a/b", False),
        (frames("a/c", {"msgpack": 1}), "fal.run/a/b/realtime", False),
        ({"match": {"model": "a/b"}, "response": {"json": 1}}, "fal.run/a/b/realtime", False),
        ({"match": {"model": "a/b"}, "response": {"json": 1}}, "ws.fal.run/a/b", True),
        (frames("a/b", {"msgpack": 1}), "ws.fal.run/a/b", False),
    ],
)
def test_in_auto_a_socket_is_played_where_a_fixture_is_for_it(
    *, fixture: dict[str, Any], path: str, is_played: bool
) -> None:
    effect = Client(fixture, mode=Mode.AUTO).effect("GET", f"https://{path}", None, UPGRADE)
    assert isinstance(effect, Socket if is_played else Forward)


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.PASSTHROUGH])
def test_where_nothing_is_answered_sockets_go_on(mode: Mode) -> None:
    client = Client(frames("a/b", {"msgpack": 1}), mode=mode)
    assert isinstance(client.effect("GET", "https://fal.run/a/b/realtime", None, UPGRADE), Forward)


def test_new_fixtures_hold_for_sockets_that_are_open() -> None:
    client = Client()
    talk = Talk(client)
    assert (talk >> {}).error()["error"] == "MISS"
    client.engine.use_fixtures(Client(frames("fal-ai/lcm", {"msgpack": 1})).engine.index)
    talk >> {} << packed(1)


def test_what_does_not_count_in_inputs_does_not_count_in_messages() -> None:
    client = Client(
        frames("fal-ai/lcm", {"msgpack": 1}, input={"prompt": "a", "seed": 1}, exact=True),
        ignore=Ignores([parse_ignore("seed")]),
    )
    Talk(client) >> {"prompt": "a", "seed": 2} << packed(1)


def test_plain_http_on_the_host_of_sockets() -> None:
    reply = Client().send("POST", "https://ws.fal.run/a/b", {})
    assert reply.status == 426
    assert {(b"Sec-WebSocket-Version", b"13"), (b"Upgrade", b"websocket")} <= set(reply.headers)


@pytest.mark.parametrize("host", ["fal.run", "ws.fal.run"])
def test_a_bad_handshake_is_refused(host: str) -> None:
    client = Client({"match": {"model": "a/b"}, "response": {"json": 1}})
    bad = BadHandshake(426, "expected 13")
    request = Request("GET", host, "/a/b", "", {"upgrade": "websocket"}, b"", bad_handshake=bad)
    reply = client.engine.handle(request, client.now)
    assert isinstance(reply, Reply)
    assert (reply.status, json.loads(reply.body)["detail"]) == (
        426,
        "This is not a valid WebSocket handshake: expected 13",
    )
    assert (b"Sec-WebSocket-Version", b"13") in reply.headers
    assert [entry.status for entry in client.engine.scope.journal] == [426]


@pytest.mark.parametrize("host", ["fal.run", "ws.fal.run"])
def test_fal_judges_a_handshake_that_goes_to_it(host: str) -> None:
    client = Client(mode=Mode.AUTO)
    bad = BadHandshake(400, "no key")
    request = Request("GET", host, "/a/b", "", {"upgrade": "websocket"}, b"", bad_handshake=bad)
    assert isinstance(client.engine.handle(request, client.now), Forward)
