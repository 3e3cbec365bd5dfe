"""Calls to fal's hosts and to falmock itself, answered from an app over a session without a network."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from falmock.app import App
from falmock.app import ForwardedCall
from falmock.engine import replies
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.serving import memory_sink
from falmock.serving.call_handler import CallServer
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.gate import user_in
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.http_session import HttpSession
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.serving.tls_session import TlsFailure
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.message import Request
from unit.apps import TestEdge
from unit.apps import app_of

FIXTURE = {"match": {"model": "a/b", "input": {"prompt": "hi"}}, "response": {"json": {"seed": 1}}}
HI = b'{"prompt":"hi"}'


class Gate:
    """A gate that lets everybody in but `mallory`."""

    def __init__(self) -> None:
        self.answers: list[tuple[Caller, Request, Play]] = []
        self.failures: list[tuple[str, str, TlsFailure]] = []

    def tunnel(self, head: Head, host: str) -> Reply | str:  # noqa: ARG002
        user = user_in(head.get(b"proxy-authorization").decode())
        return replies.problem(407, "not you", "no") if user == "mallory" else user

    async def elsewhere(self, head: Head, connection: Connection) -> Reply:  # noqa: ARG002
        return replies.problem(502, "no way out", "elsewhere")

    async def forward(self, call: ForwardedCall) -> Reply:
        return replies.problem(502, call.forward.why, "no forwarding")

    def tls(self) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def tls_failed(self, host: str, caller: Caller, failure: TlsFailure) -> None:
        self.failures.append((host, caller.agent, failure))

    def answered(self, caller: Caller, request: Request, play: Play) -> None:
        self.answers.append((caller, request, play))


class Carrier:
    """A connection without a network, for one session."""

    def __init__(self) -> None:
        self.coming: list[tuple[Later, Awaitable[Play]]] = []
        self.transport = SimpleNamespace(is_closing=lambda: False, get_extra_info=lambda _: ("127.0.0.1", 5000))

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:
        self.coming.append((session, coming))

    def wake(self) -> None:
        """Nothing is woken here."""


class AppClient:
    """A client of an app, over one connection."""

    def __init__(
        self, *fixtures: dict[str, Any], folder: Path | None = None, app: App | None = None, **config: Any
    ) -> None:
        self.app = app or app_of(*(fixtures or (FIXTURE,)), edge=TestEdge(folder), **config)
        self.gate = Gate()
        self.carrier: Any = Carrier()
        self.server = CallServer(self.app, SpoolFolder(), self.gate, lambda: 0.0)
        self.session = HttpSession(self.server.handler(self.carrier))

    def call(self, data: bytes) -> bytes:
        self.session.receive(data, 0.0)
        while self.carrier.coming:
            session, coming = self.carrier.coming.pop()
            asyncio.run(self._play(session, coming))
        self.session.wake(0.0)
        return self.session.take()

    async def _play(self, session: Later, coming: Awaitable[Play]) -> None:
        session.play(await coming, 0.0)

    def tunnel(self, host: str = "fal.run", headers: bytes = b"") -> bytes:
        return self.call(b"CONNECT %s:443 HTTP/1.1\r\n%s\r\n" % (host.encode(), headers))


def request(line: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{line} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def content(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_a_call_through_a_tunnel() -> None:
    caller = AppClient()
    assert caller.tunnel().startswith(b"HTTP/1.1 200 Connection established")
    answer = caller.call(request("POST /a/b", HI, Host="fal.run"))
    assert (status(answer), content(answer)) == (200, {"seed": 1})
    [(who, asked, play)] = caller.gate.answers
    assert who == Caller("127.0.0.1", 5000)
    assert (asked.host, asked.path, asked.body, asked.peer) == ("fal.run", "/a/b", HI, "")
    assert isinstance(play, Reply)
    assert caller.session.ending is Ending.OPEN


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("POST /a/b", {"Host": "fal.run"}),
        ("POST /a/b", {"Host": "FAL.RUN.:443"}),
        ("POST http://fal.run/a/b", {"Host": "example.com"}),
        ("POST http://user:password@fal.run:80/a/b", {}),
    ],
)
def test_without_a_tunnel(line: str, headers: dict[str, str]) -> None:
    caller = AppClient()
    answer = caller.call(request(line, HI, **headers))
    assert content(answer) == {"seed": 1}
    # What comes next through a proxy may be for any host.
    assert (caller.session.ending is Ending.CLOSE) is ("http:" in line)


def test_a_tunnel_says_where_a_call_goes_if_its_host_header_does_not() -> None:
    caller = AppClient()
    caller.tunnel()
    assert content(caller.call(request("POST /a/b", HI, Host="localhost:8080"))) == {"seed": 1}


def test_the_host_header_wins_over_the_tunnel() -> None:
    caller = AppClient()
    caller.tunnel("queue.fal.run")
    assert content(caller.call(request("POST /a/b", HI, Host="fal.run"))) == {"seed": 1}


def test_another_hosts_request_is_misdirected() -> None:
    assert status(AppClient().call(request("GET http://example.com/a"))) == 421


def test_no_host() -> None:
    assert status(AppClient().call(request("GET /a/b"))) == 400
    assert status(AppClient().call(request("GET ftp://fal.run/a", Host="x"))) == 400


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("GET /ready HTTP/1.0", 200),
        ("HEAD /health HTTP/1.0", 200),
        ("GET /ready HTTP/1.1", 400),
        ("GET /__falmock/journal HTTP/1.0", 400),
        ("GET /a/b HTTP/1.0", 400),
    ],
)
def test_a_health_check_of_http_1_0_needs_no_host(line: str, code: int) -> None:
    caller = AppClient()
    assert status(caller.call(f"{line}\r\n\r\n".encode())) == code
    assert caller.session.ending is (Ending.OPEN if line.endswith("1.1") else Ending.CLOSE)


def test_a_tunnel_elsewhere_is_up_to_the_gate() -> None:
    answer = AppClient().tunnel("example.com")
    assert (status(answer), content(answer)["detail"]) == (502, "no way out")


def test_a_tunnel_in_a_tunnel() -> None:
    caller = AppClient()
    caller.tunnel()
    assert status(caller.tunnel()) == 421


def test_the_gate_may_refuse() -> None:
    caller = AppClient()
    assert status(caller.tunnel(headers=b"Proxy-Authorization: Basic bWFsbG9yeTp4\r\n")) == 407
    assert caller.tunnel().startswith(b"HTTP/1.1 200 ")


def test_the_user_of_a_tunnel_names_the_scope() -> None:
    caller = AppClient()
    caller.tunnel(headers=b"Proxy-Authorization: Basic bXktdGVzdDp4\r\nUser-Agent: me/1\r\n")
    caller.call(request("POST /a/b", HI, Host="fal.run"))
    [(who, asked, _)] = caller.gate.answers
    assert (who.user, who.agent, asked.scope) == ("my-test", "me/1", "my-test")
    caller.call(request("POST /a/b", HI, Host="fal.run", x_falmock_scope="other"))
    assert caller.gate.answers[1][1].scope == "other"


def test_a_direct_request_is_for_a_door() -> None:
    caller = AppClient()
    answer = caller.call(request("GET /health", Host="127.0.0.1:8080"))
    assert status(answer) == 200
    [(_, asked, _)] = caller.gate.answers
    assert asked.peer == "127.0.0.1"
    answer = caller.call(request("GET /nothing", Host="127.0.0.1:8080"))
    assert (status(answer), "falmock has nothing at GET /nothing" in content(answer)["detail"]) == (404, True)


def test_encoded_bodies() -> None:
    caller = AppClient()
    sent = request("POST /a/b", gzip.compress(HI), Host="fal.run", Content_Encoding="gzip")
    assert content(caller.call(sent)) == {"seed": 1}
    for encoding in ("gzip", "rot13"):
        assert status(caller.call(request("POST /a/b", HI, Host="fal.run", Content_Encoding=encoding))) == 400
    assert status(caller.call(request("POST /__falmock/reset", HI, Host="x", Content_Encoding="gzip"))) < 500


def test_an_upload_goes_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    caller = AppClient(folder=tmp_path)
    begun = content(caller.call(request("POST /storage/upload/initiate", b'{"file_name":"a.bin"}', Host="rest.fal.ai")))
    host, _, path = begun["upload_url"].removeprefix("https://").partition("/")
    body = bytes(3 * 1024 * 1024)
    caller.session.receive(request(f"PUT /{path}", body, Host=host)[:-10], 0.0)
    assert any(file.stat().st_size > 1024 * 1024 for file in tmp_path.rglob("*.tmp"))
    assert status(caller.call(body[-10:])) == 200
    assert caller.gate.answers[-1][1].content is not None
    bad = request(f"PUT /{path}", body, Host=host, Content_Encoding="gzip")
    assert status(caller.call(bad)) == 400
    caller.server.uploads.stop()


def test_an_upload_without_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    caller = AppClient()
    caller.call(request("PUT /files/b/0/x.bin", bytes(2 * 1024 * 1024), Host="v3b.fal.media"))
    assert "kept in memory" in caplog.text


def test_a_body_in_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_sink, "MAX_BODY", 100)
    assert status(AppClient().call(request("POST /a/b", bytes(200), Host="fal.run"))) == 413


def failing(app: App, monkeypatch: pytest.MonkeyPatch, *, late: bool) -> None:
    def fail(*_: object) -> Any:
        if not late:
            raise RuntimeError("oh")

        async def later() -> Any:
            raise RuntimeError("oh")

        return later()

    monkeypatch.setattr(app, "_answer_call", fail)
    monkeypatch.setattr(app, "_answer_at_door", fail)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("host", ["fal.run", "127.0.0.1"])
def test_falmock_fails(
    host: str, *, late: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caller = AppClient()
    failing(caller.app, monkeypatch, late=late)
    answer = caller.call(request("POST /a/b", HI, Host=host))
    assert status(answer) == 500
    assert "its log has the details" in content(answer)["detail"]
    assert "RuntimeError: oh" in caplog.text


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("oh")


@pytest.mark.parametrize("host", ["fal.run", "127.0.0.1"])
@pytest.mark.parametrize("place", ["senders.scopes.named", "call_handler.CallHandler._with_body"])
def test_falmock_fails_while_it_reads_a_request(
    host: str, place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(f"falmock.serving.{place}", broken)
    caller = AppClient()
    answer = caller.call(request("POST /a/b", HI, Host=host))
    assert (status(answer), "its log has the details" in content(answer)["detail"]) == (500, True)
    assert "RuntimeError: oh" in caplog.text


def test_falmock_fails_to_forward(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caller = AppClient()
    forwarded = ForwardedCall(Forward("why"), Request("GET", "x", "/", "", {}, b""))
    monkeypatch.setattr(caller.app, "answer_soon", lambda *_: forwarded)
    monkeypatch.setattr(caller.gate, "forward", broken)
    assert status(caller.call(request("POST /a/b", HI, Host="fal.run"))) == 500
    assert "RuntimeError: oh" in caplog.text


@pytest.mark.parametrize("is_soon", [True, False])
def test_what_may_leave_is_forwarded_by_the_gate(monkeypatch: pytest.MonkeyPatch, is_soon: bool) -> None:  # noqa: FBT001
    caller = AppClient()
    forwarded = ForwardedCall(Forward("why"), Request("GET", "x", "/", "", {}, b""))

    async def later(*_: object) -> ForwardedCall:
        return forwarded

    monkeypatch.setattr(caller.app, "answer_soon", (lambda *_: forwarded) if is_soon else later)
    answer = caller.call(request("POST /a/b", HI, Host="fal.run"))
    assert (status(answer), content(answer)["detail"]) == (502, "why")


@pytest.mark.parametrize(
    "host", [{}, {"Host": ""}, {"Host": ":443"}, {"Host": "fal.run\x7f"}, {"Host": "other.test"}], ids=str
)
@pytest.mark.parametrize("target", ["", "https://fal.run", "http://fal.run", "https://other.test", "wss://fal.run"])
def test_a_tunnel_says_what_a_request_does_not(host: dict[str, str], target: str) -> None:
    caller = AppClient()
    caller.tunnel()
    for _ in range(2):
        answer = caller.call(request(f"POST {target}/a/b", HI, **host))
        assert (status(answer), content(answer)) == (200, {"seed": 1})
        assert b"Connection: close" not in answer


def test_a_refusal_is_of_no_earlier_call() -> None:
    caller = AppClient()
    caller.tunnel()
    assert status(caller.call(request("POST /a/b", HI, Host="fal.run"))) == 200
    assert status(caller.call(b"POST / HTTP/1.1\r\nX : a\r\n\r\n")) == 400
    assert len(caller.gate.answers) == 1


def test_what_is_no_request() -> None:
    answer = AppClient().call(b"GET / HTTP/1.1\r\nx y: z\r\n\r\n")
    assert (status(answer), "falmock cannot read this request" in content(answer)["detail"]) == (400, True)
    client = AppClient()
    assert status(client.call(b"NONSENSE / HTTP/1.1\r\n\r\n")) == 501
    client = AppClient()
    assert client.call(b"nonsense\r\n\r\n") == b""
    assert client.session.ending is Ending.CLOSE


def test_what_is_no_request_in_a_tunnel_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caller = AppClient()
    caller.tunnel("queue.fal.run")
    assert caller.call(b"nonsense\r\n\r\n") == b""
    assert "falmock refused a connection to queue.fal.run: in replay nothing is sent to fal" in caplog.text


def test_a_stream_is_woken() -> None:
    caller = AppClient(pace=parse_pace("manual"))
    caller.tunnel("queue.fal.run")
    job = content(caller.call(request("POST /a/b", HI, Host="queue.fal.run")))["request_id"]
    woken: list[bool] = []
    caller.carrier.wake = lambda: woken.append(True)
    first = caller.call(request(f"GET /a/b/requests/{job}/status/stream", Host="queue.fal.run"))
    assert b"IN_QUEUE" in first
    caller.server.wake(job)
    assert woken == [True]
    caller.session.gone()
    caller.server.wake(job)
    assert woken == [True]
