"""Odd handshakes of WebSockets, and odd header values over HTTP/2: what HTTP cannot carry never comes back."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import Upstream
from clients.upstream import recording

GOOD = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Authorization": f"Key {KEY}",
}
START = "GET {} HTTP/1.1"
FIXTURES = [
    {"match": {"model": "acme/talk"}, "realtime": [{"json": {"a": 1}}]},
    {"match": {"model": "acme/run"}, "response": {"json": {"a": 1}}},
    {"match": {"model": "acme/events"}, "stream": {"events": [{"json": {"a": 1}}]}},
]
SOCKETS = ("fal.run/acme/talk/realtime", "ws.fal.run/acme/run", "fal.run/acme/talk/own")
ODD = {
    "no key": (400, START, {"Sec-WebSocket-Key": None}),
    "a short key": (400, START, {"Sec-WebSocket-Key": "short"}),
    "a key of other bytes": (400, START, {"Sec-WebSocket-Key": "é" * 24}),
    "two keys": (400, START, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x"}),
    "version 12": (426, START, {"Sec-WebSocket-Version": "12"}),
    "no version": (426, START, {"Sec-WebSocket-Version": None}),
    "two versions": (426, START, {"Sec-WebSocket-Version": "13\r\nSec-WebSocket-Version: 8"}),
    "protocols of other bytes": (400, START, {"Sec-WebSocket-Protocol": "é"}),
    "empty protocols": (400, START, {"Sec-WebSocket-Protocol": "a,,b"}),
    "bad extensions": (400, START, {"Sec-WebSocket-Extensions": "permessage-deflate; =, é"}),
    "a body": (400, START, {"Content-Length": "5"}),
    "a body in chunks": (400, START, {"Transfer-Encoding": "chunked"}),
    "HTTP/1.0": (400, "GET {} HTTP/1.0", {}),
    "POST": (400, "POST {} HTTP/1.1", {"Content-Length": "0"}),
    "several protocols": (400, START, {"Upgrade": "h2c, websocket"}),
    "several upgrades": (400, START, {"Upgrade": "h2c\r\nUpgrade: websocket"}),
    "Connection: keep-alive": (400, START, {"Connection": "keep-alive"}),
    "no Connection": (400, START, {"Connection": None}),
}
FINE = {
    "other bytes elsewhere": {"X-Any": "é\x01", "User-Agent": "é"},
    "bad parameters of compression": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=abc"},
    "a long header": {"X-Any": "x" * 60_000},
}


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("handshakes") / "fixtures", *FIXTURES)
    with mitmdump(confdir, fixtures=folder) as mock:
        yield mock
        assert not re.search("Traceback|Task exception|has crashed|never retrieved", mock.output)


@pytest.fixture(scope="module")
def flows(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    """For a client that speaks HTTP/2 alone, which the fast lane does not."""
    folder = write_fixtures(tmp_path_factory.mktemp("handshakes") / "fixtures", *FIXTURES)
    with mitmdump(confdir, "--set", "fal_fast=off", fixtures=folder) as mock:
        yield mock
        assert not re.search("Traceback|Task exception|has crashed|never retrieved", mock.output)


def connected(mock: Mitmdump, host: str, trust: ssl.SSLContext) -> ssl.SSLSocket:
    line = socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=20)
    line.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    assert b" 200 " in line.recv(65536)
    return trust.wrap_socket(line, server_hostname=host)


def shaken(mock: Mitmdump, url: str, start: str, more: dict[str, str | None], body: bytes = b"") -> bytes:
    """The head of the answer to a handshake."""
    host, _, path = url.partition("/")
    headers = {"Host": host, **GOOD, **more}
    lines = [start.format(f"/{path}"), *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    came = b""
    with connected(mock, host, ssl.create_default_context(cafile=str(mock.ca))) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        with suppress(ConnectionError):
            while b"\r\n\r\n" not in came and (data := line.recv(65536)):
                came += data
    return came.partition(b"\r\n\r\n")[0]


def body_of(more: dict[str, str | None]) -> bytes:
    if "Transfer-Encoding" in more:
        return b"5\r\nhello\r\n0\r\n\r\n"
    return b"hello" if more.get("Content-Length") == "5" else b""


@pytest.mark.parametrize("url", SOCKETS)
@pytest.mark.parametrize(("status", "start", "more"), ODD.values(), ids=ODD)
def test_an_odd_handshake_is_refused(
    mock: Mitmdump, url: str, status: int, start: str, more: dict[str, str | None]
) -> None:
    head = shaken(mock, url, start, more, body_of(more))
    assert re.match(rb"HTTP/1\.[01] %d " % status, head), head
    assert b"\r\nsec-websocket-version: 13" in head.lower()


@pytest.mark.parametrize("url", SOCKETS)
@pytest.mark.parametrize("more", FINE.values(), ids=FINE)
def test_what_does_not_matter_to_a_handshake(mock: Mitmdump, url: str, more: dict[str, str | None]) -> None:
    assert shaken(mock, url, START, more).startswith(b"HTTP/1.1 101 ")


def test_a_stream_is_answered_whatever_its_headers_and_path(mock: Mitmdump) -> None:
    plain: dict[str, str | None] = dict.fromkeys(GOOD) | {"Content-Length": "2", "X-Any": "a\x01é", "Accept": "\x7f"}
    head = shaken(mock, "fal.run/acme/events/stream?é=\x01", "POST {} HTTP/1.1", plain, b"{}")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert b"text/event-stream" in head


@pytest.mark.parametrize("host", ["fal.run\r\nHost: fal.run", None, "fal.run\x7f"], ids=["two", "none", "unsendable"])
def test_a_stream_is_answered_whatever_its_host_header(mock: Mitmdump, host: str | None) -> None:
    plain: dict[str, str | None] = dict.fromkeys(GOOD) | {"Content-Length": "2", "Host": host}
    head = shaken(mock, "fal.run/acme/events/stream", "POST {} HTTP/1.1", plain, b"{}")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert b"text/event-stream" in head


def test_plain_http_to_a_host_of_sockets_names_the_version(mock: Mitmdump) -> None:
    head = shaken(mock, "ws.fal.run/acme/run", START, dict.fromkeys(GOOD))
    assert head.startswith(b"HTTP/1.1 426 ")
    assert b"sec-websocket-version: 13" in head.lower()


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_fal_judges_handshakes_that_go_to_fal(confdir: Path, tmp_path: Path, fal: Upstream, mode: str) -> None:
    with recording(confdir, fal, tmp_path / "fixtures", mode=mode) as mock:
        head = shaken(mock, "fal.run/test/realtime/realtime", START, {"Sec-WebSocket-Version": "12"})
        assert re.match(rb"HTTP/1\.1 \d{3} ", head), head
        assert b" 502 " not in head
        assert any("test/realtime" in asked.line for asked in fal.seen)
        assert "Traceback" not in mock.output


# over HTTP/2


def asked_over_http2(mock: Mitmdump, host: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of the answer to a request with these headers, as the bytes that came; none if mitmproxy refuses them."""
    config = h2.config.H2Configuration(
        client_side=True,
        header_encoding=None,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
    )
    line = h2.connection.H2Connection(config)
    trust = ssl.create_default_context(cafile=str(mock.ca))
    trust.set_alpn_protocols(["h2"])
    with connected(mock, host, trust) as wire:
        line.initiate_connection()
        line.send_headers(1, headers, end_stream=True)
        wire.sendall(line.data_to_send())
        while data := wire.recv(65536):
            for event in line.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return [(bytes(name), bytes(value)) for name, value in event.headers]
                if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    assert event.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR
                    return []
            wire.sendall(line.data_to_send())
    raise AssertionError("no answer")


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run", "rest.fal.ai", "v3.fal.media"])
@pytest.mark.parametrize("method", [b"OPTIONS", b"GET"])
def test_what_is_reflected_has_no_control_characters(flows: Mitmdump, host: str, method: bytes) -> None:
    odd = b"x-a\r\nset-cookie: b\x00\x7f\x1b"
    asked = [
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", host.encode()),
        (b":path", b"/acme/run"),
        (b"origin", b"https://a" + odd),
        (b"cookie", b"a=b"),
        (b"access-control-request-headers", odd),
        (b"x-fal-request-id", odd),
    ]
    answered = asked_over_http2(flows, host, asked)
    assert [name for name, value in answered if re.search(rb"[\x00-\x08\n-\x1f\x7f]", value)] == []
    assert b"set-cookie" not in dict(answered)
