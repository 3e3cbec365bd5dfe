"""Sockets that end within a message: byte by byte, and in real clients."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from clients import running
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

SAID = {"said": "x" * 50}
TEXT = json.dumps(SAID, separators=(",", ":")).encode()
FILM = bytes(range(256)) * 1024
"""What a fixture answers from a file: too much for one read of mitmproxy's."""
FIXTURES: list[dict[str, Any]] = [
    {"match": {"model": "acme/talks"}, "realtime": [{"json": SAID}]},
    {"match": {"model": "acme/greets", "opening": True}, "realtime": [{"json": SAID}]},
    {"match": {"model": "acme/greets"}, "realtime": []},
    {"match": {"model": "acme/film"}, "response": {"file": "film.mp4"}, "queue": {"completed": 0}},
    {
        "match": {"model": "acme/own"},
        "realtime": [{"json": SAID}],
        "fault": {"socket": {"close": 1012, "reason": "gone", "midFrame": True, "after": 1}},
    },
]
CLOSE = {"close": 1011, "reason": "gone", "midFrame": True}
CUT = {"midFrame": True}
RESET = {"midFrame": True, "reset": True}
CLOSED = b"\x88\x06\x03\xf3gone"
MESSAGE = bytes((0x81, 0x82, 0, 0, 0, 0)) + b"{}"
"""What the clients here say: `{}`, masked by zeros."""
CLOSED_TOO = bytes((0x88, 0x80, 0, 0, 0, 0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_fixtures(tmp_path_factory.mktemp("cut") / "fixtures", *FIXTURES)
    (made / "_assets").mkdir()
    (made / "_assets" / "film.mp4").write_bytes(FILM)
    return made


@pytest.fixture(scope="module")
def mock(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    with mitmdump(confdir, "--set", "fal_pace=recorded", "--set", "flow_detail=4", fixtures=folder) as made:
        yield made
        assert not re.search("Traceback|Task exception|has crashed|never retrieved", made.output)


def asked(fault: dict[str, Any] | None) -> dict[str, str]:
    return {"Authorization": f"Key {KEY}"} | ({"x-falmock-fault": json.dumps({"socket": fault})} if fault else {})


@contextmanager
def opened(mock: Mitmdump, path: str, fault: dict[str, Any] | None, *, tls: bool) -> Iterator[Any]:
    """A socket by hand, its handshake on its way, as one that deflates where it may."""
    with socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=20) as line:
        if tls:
            line.sendall(b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run:443\r\n\r\n")
            assert b" 200 " in line.recv(65536)
            trust = ssl.create_default_context(cafile=str(mock.ca))
            line = trust.wrap_socket(line, server_hostname="fal.run")  # noqa: PLW2901
        headers = asked(fault) | {
            "Host": "fal.run",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Extensions": "permessage-deflate",
        }
        start = f"GET {'' if tls else 'http://fal.run'}{path} HTTP/1.1"
        lines = [start, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        with line:
            line.sendall("\r\n".join(lines).encode())
            yield line


def heard(line: Any, says: bytes = MESSAGE) -> tuple[bytes, bool]:
    """All that comes behind the handshake for what is said then, and whether the connection is reset."""
    came, is_reset = b"", False
    with contextlib.suppress(ConnectionResetError):
        while b"\r\n\r\n" not in came:
            came += line.recv(1)
        line.sendall(says)
        is_reset = True
        while data := line.recv(65536):
            came += data
            if came.endswith(b"gone"):
                line.sendall(CLOSED_TOO)
        is_reset = False
    head, _, rest = came.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return rest, is_reset


HEADER = b"\x81" + bytes((len(TEXT),))
BEGUN = b"\x01" + bytes((len(TEXT) // 2,)) + TEXT[: len(TEXT) // 2]
HALF = (HEADER + TEXT)[: (len(HEADER + TEXT) + 1) // 2]
FILM_HEADER = b"\x82\x7f" + len(FILM).to_bytes(8)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize(
    ("fault", "bytes_", "resets"),
    [
        (CLOSE, BEGUN + CLOSED, False),
        ({**CLOSE, "after": 1}, HEADER + TEXT + BEGUN + CLOSED, False),
        (CUT, HALF, False),
        ({**CUT, "after": 1}, HEADER + TEXT + HALF, False),
        (RESET, HALF, True),
    ],
)
def test_a_message_is_begun_and_no_more(
    mock: Mitmdump, fault: dict[str, Any], bytes_: bytes, *, resets: bool, tls: bool
) -> None:
    with opened(mock, "/acme/talks/realtime", fault, tls=tls) as line:
        came, is_reset = heard(line, MESSAGE * 2)
    assert came == bytes_
    # Python 3.11 takes the reset of a TLS connection for its end.
    assert is_reset is resets or (tls and resets)


@pytest.mark.parametrize(
    ("fault", "bytes_", "resets"),
    [
        (CLOSE, b"\x02\x7f" + (len(FILM) // 2).to_bytes(8) + FILM[: len(FILM) // 2] + CLOSED, False),
        (CUT, (FILM_HEADER + FILM)[: (len(FILM_HEADER + FILM) + 1) // 2], False),
    ],
)
def test_a_message_from_a_file(mock: Mitmdump, fault: dict[str, Any], bytes_: bytes, *, resets: bool) -> None:
    with opened(mock, "/acme/film/realtime", fault, tls=True) as line:
        assert heard(line) == (bytes_, resets)


def test_the_first_message_of_all(mock: Mitmdump) -> None:
    with opened(mock, "/acme/greets/realtime", CUT, tls=True) as line:
        assert heard(line, b"") == (HALF, False)


def test_the_fault_of_a_fixture(mock: Mitmdump) -> None:
    with opened(mock, "/acme/own/realtime", None, tls=True) as line:
        assert heard(line, MESSAGE * 2) == (HEADER + TEXT + BEGUN + b"\x88\x06\x03\xf4gone", False)


def talk(mock: Mitmdump, fault: dict[str, Any]) -> Any:
    trust = running.trust_for_sockets(mock.ca)
    url = "wss://fal.run/acme/talks/realtime"
    return connect(url, proxy=mock.proxy, ssl=trust, additional_headers=asked(fault), open_timeout=30)


@pytest.mark.parametrize(("fault", "code", "part"), [(CLOSE, 1011, TEXT[: len(TEXT) // 2]), (CUT, None, None)])
def test_websockets(mock: Mitmdump, fault: dict[str, Any], code: int | None, part: bytes | None) -> None:
    parts: list[str] = []
    with talk(mock, {**fault, "after": 1}) as client:
        assert client.ping().wait(30)
        client.send("{}")
        assert json.loads(client.recv(30)) == SAID
        client.send("{}")
        with pytest.raises(ConnectionClosedError) as caught:
            parts.extend(client.recv_streaming())
    assert (caught.value.rcvd.code if caught.value.rcvd else None) == code
    assert parts == ([part.decode()] if part else [])


@pytest.mark.parametrize(("fault", "code"), [(CLOSE, 1011), (CUT, 1006), (RESET, 1006)])
def test_node(confdir: Path, folder: Path, tmp_path: Path, fault: dict[str, Any], code: int) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"faults": [{"fault": {"socket": {**fault, "after": 1}}}]}))
    with (
        mitmdump(confdir, "--set", f"fal_faults={rules}", fixtures=folder) as mock,
        running.app(CLIENTS / "programs" / "sockets.mjs", mock) as app,
    ):
        steps = [("send", {}), ("seen", 1), ("send", {}), ("closed", 1)]
        seen = app("realtime", app="acme/talks", steps=steps, asText=True)
    assert seen["closes"] == [code]
    assert [told["result"] for told in seen["seen"] if "result" in told] == [SAID]


def test_where_mitmproxy_passes_on_whole_messages_only(confdir: Path, folder: Path) -> None:
    with mitmdump(confdir, "--set", "rawtcp=false", "--set", "fal_fast=off", fixtures=folder) as mock:
        with opened(mock, "/acme/talks/realtime", CUT, tls=True) as line:
            assert heard(line)[0] == b""
        assert "only if the option rawtcp is true" in mock.output
        with talk(mock, CLOSE) as client:
            client.send("{}")
            with pytest.raises(ConnectionClosedError, match="1011"):
                client.recv(30)


def test_no_other_addon_sees_more_than_the_handshake(confdir: Path, folder: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    options = ("-s", str(CLIENTS / "witness.py"), "--set", f"witness_file={seen}")
    with mitmdump(confdir, *options, fixtures=folder) as mock:
        for fault in (CLOSE, CUT):
            with opened(mock, "/acme/talks/realtime", fault, tls=True) as line:
                heard(line)
        mock.wait_until(lambda: mock.output.count("client disconnect") == 2)
    hooks = [json.loads(line).get("hook") for line in seen.read_text().splitlines()]
    assert [hook for hook in hooks if hook] == ["requestheaders", "request", "responseheaders", "response"] * 2
