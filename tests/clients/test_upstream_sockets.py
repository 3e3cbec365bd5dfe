"""Sockets and webhooks of the stand-in for fal, called directly: it behaves as fal is known to."""

from __future__ import annotations

import json
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import suppress
from typing import Any

import httpx
import msgpack  # type: ignore[import-untyped, unused-ignore]
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect

from clients import running
from clients import webhook_verifier
from clients.receiver import receiver
from clients.running import KEY
from clients.upstream import Answer
from clients.upstream import Upstream
from clients.upstream import upstream

AUTH = {"Authorization": f"Key {KEY}"}
REALTIME = "fal.run/test/realtime/realtime"
COUNTING = "fal.run/test/counting/realtime"


def to(fal: Upstream, url: str, headers: dict[str, str] | None = None, **more: Any) -> ClientConnection:
    """A socket to a host and path of the stand-in's."""
    context = running.trust_for_sockets(fal.ca)
    plain = socket.create_connection(("127.0.0.1", fal.port))
    host = url.partition("/")[0]
    asked = AUTH if headers is None else headers
    return connect(
        f"wss://{url}", sock=plain, ssl=context, server_hostname=host, proxy=None, additional_headers=asked, **more
    )


def rest(fal: Upstream, method: str, path: str, body: Any = None) -> httpx.Response:
    context = ssl.create_default_context(cafile=str(fal.ca))
    with httpx.Client(verify=context, headers={"Host": "rest.fal.ai", **AUTH}) as client:
        extensions = {"sni_hostname": "rest.fal.ai"}
        return client.request(method, f"https://127.0.0.1:{fal.port}{path}", json=body, extensions=extensions)


def heard(line: ClientConnection) -> Any:
    """The next message, read."""
    message = line.recv(10)
    return json.loads(message) if isinstance(message, str) else msgpack.unpackb(message)


def end(line: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        line.recv(10)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


@pytest.mark.parametrize("compression", ["deflate", None])
def test_realtime(fal: Upstream, compression: str | None) -> None:
    with to(fal, REALTIME, compression=compression) as line:
        offered = line.response.headers.get("Sec-WebSocket-Extensions") if line.response else None
        assert (offered is not None) == (compression is not None)
        for message in (msgpack.packb({"prompt": "a", "image": b"\0\1"}), json.dumps({"prompt": "b"})):
            line.send(message)
            result = heard(line)
            assert result["prompt"] in ("a", "b")
            assert result["images"][0]["content"].startswith(b"\x89PNG")
            assert heard(line)["type"] == "x-fal-message"


def test_results_follow_from_the_input(fal: Upstream) -> None:
    results = []
    for _ in range(2):
        with to(fal, REALTIME) as line:
            line.send(msgpack.packb({"prompt": "same", "bytes": 1000, "request_id": "r"}))
            results.append(heard(line))
    assert results[0] == results[1]
    assert results[0]["request_id"] == "r"
    assert len(results[0]["images"][0]["content"]) > 1000


def test_how_sessions_end(fal: Upstream) -> None:
    with to(fal, REALTIME) as line:
        line.send(msgpack.packb({"wrong": "no memory"}))
        assert heard(line) == {"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no memory"}
        assert end(line) == (1000, "")
    with to(fal, COUNTING) as line:
        line.send(b"\xc1")
        assert heard(line)["error"] == "INTERNAL_ERROR"
    with to(fal, COUNTING) as line:
        line.send(msgpack.packb({"crash": True}))
        assert end(line) == (1011, "internal error")
    fal.idle = 0.1
    with to(fal, COUNTING) as line:
        assert heard(line)["error"] == "TIMEOUT"
        assert end(line) == (1000, "")


def test_the_oldest_that_waits_is_dropped(fal: Upstream) -> None:
    with to(fal, f"{REALTIME}?max_buffering=1") as line:
        for name in "abcd":
            line.send(msgpack.packb({"prompt": name, "seconds": 0.5}))
        prompts = [message["prompt"] for message in [heard(line) for _ in range(4)] if "prompt" in message]
    assert prompts == ["a", "d"]


def test_tokens(fal: Upstream) -> None:
    def opened(token: str, url: str = COUNTING) -> Any:
        with to(fal, f"{url}?fal_jwt_token={token}", headers={}) as line:
            with suppress(ConnectionClosed):  # who is refused is so before they say a word
                line.send(msgpack.packb({"to": 1}))
            return heard(line)

    token = rest(fal, "POST", "/tokens/", {"allowed_apps": ["counting"], "token_expiration": 60}).json()
    newer = rest(fal, "POST", "/tokens/realtime", {"allowed_apps": ["test/counting/realtime"], "duration": 60}).json()
    old = rest(fal, "POST", "/tokens/", {"allowed_apps": ["counting"], "token_expiration": -1}).json()
    assert opened(token) == opened(newer["token"]) == {"number": 0, "of": ""}
    refused = {"status": "error", "error": "Unauthorized"}
    assert opened(old) == opened("made-up") == opened(token, REALTIME) == refused
    with to(fal, COUNTING, headers={}) as line:
        assert heard(line) == refused
        assert end(line) == (1000, "")


def test_a_socket_of_an_apps_own(fal: Upstream) -> None:
    with to(fal, "fal.run/test/raw/ws/deeper") as line:
        assert line.recv(10) == "hello"
        for message in ("é" * 70_000, b"\0" * 70_000, ""):
            line.send(message)
            assert line.recv(10) == message
        line.send(["in", " ", "parts"])
        assert line.recv(10) == "in parts"
        line.send("bye")
        assert end(line) == (1000, "as you wish")


def test_runs_over_a_socket(fal: Upstream) -> None:
    with to(fal, "ws.fal.run/test/echo") as line:
        for number in range(2):
            line.send(json.dumps({"n": number}))
        for number in range(2):
            start, body, stop = (json.loads(line.recv(10)) for _ in range(3))
            assert (start["type"], stop["type"], start["status"]) == ("start", "end", 200)
            assert start["request_id"] == stop["request_id"]
            assert (body["input"], body["method"]) == ({"n": number}, "POST")
    with to(fal, "ws.fal.run/test/binary") as line:
        line.send("{}")
        assert json.loads(line.recv(10))["type"] == "start"
        assert isinstance(line.recv(10), bytes)


def test_where_there_is_no_socket(fal: Upstream) -> None:
    fal.trouble("GET fal.run/test/counting/realtime", Answer(403))
    for url, status in (("fal.run/test/nowhere", 404), (COUNTING, 403)):
        with pytest.raises(InvalidStatus) as caught:
            to(fal, url)
        assert caught.value.response.status_code == status


def test_many_at_once(fal: Upstream) -> None:
    def talk(number: int) -> Any:
        with to(fal, COUNTING) as line:
            line.send(msgpack.packb({"to": 2, "name": str(number)}))
            return [heard(line)["of"] for _ in range(2)]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(talk, range(32))) == [[str(number)] * 2 for number in range(32)]


def test_it_stops_with_sockets_open() -> None:
    with ExitStack() as stack:
        with upstream() as fal:
            line = stack.enter_context(to(fal, REALTIME))
            line.send(msgpack.packb({"seconds": 3600}))
            began = time.monotonic()
        assert time.monotonic() - began < 20


def test_webhooks_are_signed_and_delivered_once_more_when_refused(fal: Upstream) -> None:
    context = ssl.create_default_context(cafile=str(fal.ca))
    with receiver() as server, httpx.Client(verify=context, headers={"Host": "queue.fal.run", **AUTH}) as client:
        hook = server.hook(500, 200)
        for app in ("test/echo", "test/fail"):
            url = f"https://127.0.0.1:{fal.port}/{app}"
            query = {"fal_webhook": hook.url}
            client.post(url, params=query, json={}, extensions={"sni_hostname": "queue.fal.run"})
        posts = hook.wait(3)
    keys = rest(fal, "GET", "/.well-known/jwks.json").json()
    told = {}
    for post in posts:
        webhook_verifier.verify(post.headers, post.body, keys, post.at)
        body = json.loads(post.body)
        assert list(body) == ["error", "gateway_request_id", "payload", "payload_error", "request_id", "status"]
        told[body["status"]] = body["error"]
    assert told == {"OK": None, "ERROR": "Invalid status code: 422"}
    assert sorted(attempt.status for attempt in fal.webhooks.attempts) == [200, 200, 500]
