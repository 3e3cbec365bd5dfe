"""Slow and hostile clients at the fast lane and at `falmock serve`: they get an end, others get answers, nothing is left."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.parity import odd
from clients.parity import wire
from clients.parity.odd import Odd
from clients.parity.wire import Line
from clients.parity.wire import connected
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import write_fixtures
from clients.test_bombs import memory

MIB = 1024 * 1024
FILE = 48 * MIB
READERS = 12
GROWTH = 48 * MIB
"""By how much the process may grow (bytes) while nobody reads files that are much larger together."""
FIXTURES = [
    {"match": {"model": "acme/plain"}, "response": {"json": {"ok": True}}},
    {"match": {"model": "acme/film"}, "response": {"json": {"video": {"url": {"$file": "film.bin"}}}}},
]
RUN = b"POST /acme/plain HTTP/1.1\r\nHost: fal.run\r\nContent-Length: 2\r\n\r\n{}"
UPLOAD = b"POST /files/upload HTTP/1.1\r\nHost: v3.fal.media\r\nContent-Type: video/mp4\r\nContent-Length: "
NEXT = b"GET /acme/hidden HTTP/1.1\r\nHost: {host}\r\n\r\n"
"""A request behind another one, which must not be seen."""
READABLE = {
    "CONNECT in a tunnel": "it is answered with 421",
    "an absolute target without a host": "the tunnel says the host",
    "two spaces": "httptools takes them for one, as mitmproxy does",
    "a target of other letters": "it has one meaning only",
    "a control character in a value": "it has one meaning only",
}
"""Requests that mitmproxy or RFC 9112 may refuse, and that are answered."""
AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: the connection is reset when it is closed."""
IMPATIENT = str(CLIENTS / "impatient.py")


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_fixtures(tmp_path_factory.mktemp("hostile") / "fixtures", *FIXTURES)
    (folder / "_assets").mkdir()
    with (folder / "_assets" / "film.bin").open("wb") as film:
        film.truncate(FILE)
    return folder


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module", params=["mitmdump", "serve"])
def mock(request: pytest.FixtureRequest, confdir: Path, fixtures: Path, temporary: Path) -> Iterator[Mitmdump]:
    """A falmock that loses its patience after a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        with (
            running.mitmdump(confdir, "-s", IMPATIENT, "--set", "fal_fast=on", fixtures=fixtures)
            if request.param == "mitmdump"
            else running.serve(confdir, fixtures=fixtures, program=(sys.executable, IMPATIENT))
        ) as mock:
            with connected(mock, "v3.fal.media") as line:  # makes the folder of uploads
                line.send(UPLOAD + b"9000000\r\n\r\n1")
                mock.wait_until(lambda: bool(files_in(temporary)))
            mock.wait_until(lambda: not files_in(temporary))
            yield mock
    assert "Traceback" not in mock.output
    assert "Task exception" not in mock.output


@pytest.fixture(autouse=True)
def _nothing_is_left(mock: Mitmdump, temporary: Path) -> Iterator[None]:
    """After each test, the process has no more open files than before, and no file of an upload."""
    before, uploads = open_files(mock), files_in(temporary)
    yield
    mock.wait_until(lambda: open_files(mock) <= before, 30, "files or sockets are still open")
    mock.wait_until(lambda: files_in(temporary) == uploads, 30, "a file is left")


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def open_files(mock: Mitmdump) -> int:
    folder = Path(f"/proc/{mock.process.pid}/fd")
    if not folder.exists():
        running.lacking("open files are counted in /proc")
    return len(list(folder.iterdir()))


def is_served(mock: Mitmdump) -> bool:
    """Whether another client gets an answer."""
    with connected(mock, "fal.run") as line:
        line.send(RUN)
        return line.answer("POST").status == "HTTP/1.1 200 OK"


# what can be read in two ways


@pytest.mark.parametrize("name", [name for name in odd.REFUSED if name not in READABLE])
def test_what_can_be_read_in_two_ways_is_refused(mock: Mitmdump, name: str) -> None:
    asked = odd.REFUSED[name]
    with connected(mock, asked.host) as line:
        line.send((asked.data + NEXT).replace(b"{host}", asked.host.encode()))
        answer = line.answer(asked.method)
        assert answer.status[9:12] in ("", "400", "501", "505")
        assert answer.status == "" or answer.get("connection") == "close"
        assert line.rest() == b""
        line.send(RUN)
        assert line.rest() == b""
    assert "/acme/hidden" not in httpx.get(f"{mock.proxy}/__falmock/journal", trust_env=False).text


@pytest.mark.parametrize("name", READABLE)
def test_what_is_only_odd_is_answered(mock: Mitmdump, name: str) -> None:
    asked: Odd = odd.REFUSED[name]
    with connected(mock, asked.host) as line:
        line.send(asked.data.replace(b"{host}", asked.host.encode()) + RUN)
        assert line.answer(asked.method).status[9:12] in ("200", "404", "421")
        assert line.answer("POST").status == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "start",
    [
        b"POST /" + b"a" * MIB,
        b"POST /acme/plain HTTP/1.1\r\nHost: fal.run\r\nX-Long: " + b"a" * MIB,
        b"POST /acme/plain HTTP/1.1\r\nHost: fal.run\r\n" + b"X-Many: a\r\n" * (MIB // 11),
    ],
    ids=["target", "header", "headers"],
)
@pytest.mark.parametrize("host", ["fal.run", ""])
def test_a_head_of_a_mebibyte_is_refused(mock: Mitmdump, start: bytes, host: str) -> None:
    with connected(mock, host) as line:
        if not host and "serve" not in mock.process.args:
            line.send(RUN)  # what begins with half a head is for mitmproxy
            line.answer("POST")
        line.send(start)
        assert line.answer("POST").status[9:12] in ("431", "400")
        assert line.rest() == b""
    assert is_served(mock)


# those who take their time


def begun(mock: Mitmdump, stack: ExitStack, host: str, data: bytes) -> Line:
    line = stack.enter_context(connected(mock, host))
    line.send(data)
    return line


def test_what_does_not_go_on_comes_to_an_end(mock: Mitmdump) -> None:
    growing = RUN.partition(b"Content-Length")[0] + b"X-Long: "
    with ExitStack() as stack:
        slow = [begun(mock, stack, "fal.run", growing) for _ in range(20)]
        lines = [begun(mock, stack, "fal.run", RUN[:size]) for size in range(1, len(RUN), 5)]
        lines.append(begun(mock, stack, "v3.fal.media", UPLOAD + b"9\r\n\r\n1"))
        if "serve" in mock.process.args:
            lines.append(begun(mock, stack, "", RUN[:9]))
        later = [begun(mock, stack, "fal.run", RUN + RUN[:size]) for size in (1, 60)]
        hellos = [stack.enter_context(connected(mock, "fal.run", is_tls=False)) for _ in range(4)]
        for line in hellos:
            line.send(b"\x16\x03\x01")
        waiting, until = slow, time.monotonic() + wire.SECONDS
        while waiting:  # they send a byte again and again
            assert time.monotonic() < until
            for line in waiting:
                line.send(b"a")
            time.sleep(0.1)
            assert is_served(mock)
            waiting = [line for line in waiting if not line.has_answer()]
        for line in later:
            assert line.answer("POST").status == "HTTP/1.1 200 OK"
        for line in (*slow, *lines, *later):
            assert line.answer().status == "HTTP/1.1 408 Request Timeout"
            assert line.rest() == b""
        for line in hellos:
            assert line.rest() == b""


def test_connections_that_are_kept_alive_have_no_end(mock: Mitmdump) -> None:
    with connected(mock, "fal.run") as line:
        for _ in range(2):
            line.send(RUN)
            assert line.answer("POST").status == "HTTP/1.1 200 OK"
            time.sleep(1.5)  # longer than a head may take
        line.send(RUN)
        assert line.answer("POST").status == "HTTP/1.1 200 OK"


def test_those_who_do_not_read_cost_little_memory(mock: Mitmdump) -> None:
    with connected(mock, "fal.run") as line:
        line.send(b"POST /acme/film HTTP/1.1\r\nHost: fal.run\r\nContent-Length: 0\r\n\r\n")
        url = httpx.URL(json.loads(line.answer("POST").body)["video"]["url"])
    get = f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode()
    with ExitStack() as stack:
        before = memory(mock, "VmRSS")
        lines = [begun(mock, stack, url.host, get) for _ in range(READERS)]
        for line in lines:
            assert line.connection.recv(5) == b"HTTP/"
        for _ in range(20):
            assert is_served(mock)
            assert memory(mock, "VmRSS") - before < GROWTH
        digest, size = hashlib.sha256(), 0
        reader = lines[0].connection
        while (came := reader.recv(65536)).partition(b"\r\n\r\n")[1] == b"":
            assert came
        piece = came.partition(b"\r\n\r\n")[2]
        while piece:
            digest.update(piece)
            size += len(piece)
            piece = reader.recv(min(65536, FILE - size)) if size < FILE else b""
        assert memory(mock, "VmRSS") - before < GROWTH
    assert (size, digest.hexdigest()) == (FILE, hashlib.sha256(bytes(FILE)).hexdigest())


# those who vanish


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("framing", [b"Content-Length: 9000000", b"Transfer-Encoding: chunked"])
def test_clients_that_vanish_in_a_body(mock: Mitmdump, temporary: Path, framing: bytes, *, is_reset: bool) -> None:
    before = files_in(temporary)
    head = UPLOAD.replace(b"Content-Length: ", framing) + b"\r\n\r\n"
    part = b"%x\r\n%s" % (2 * MIB, bytes(MIB)) if b"chunked" in framing else bytes(MIB)
    with ExitStack() as stack:
        lines = [begun(mock, stack, "v3.fal.media", head + part) for _ in range(5)]
        mock.wait_until(lambda: len(files_in(temporary) - before) == len(lines))
        for line in lines:
            if is_reset:
                line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            line.connection.close()
    assert is_served(mock)


# pieces


def bytewise(connection: socket.socket, data: bytes, first: int = 1) -> None:
    """Send bytes one by one, but for the first ones."""
    connection.sendall(data[:first])
    for at in range(first, len(data)):
        connection.sendall(data[at : at + 1])


@pytest.mark.parametrize("is_whole", [True, False], ids=["hello", "CONNECT and hello"])
def test_what_comes_byte_by_byte_is_answered(mock: Mitmdump, *, is_whole: bool) -> None:
    connect = b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run:443\r\n\r\n"
    with socket.create_connection(("127.0.0.1", mock.ports[0]), wire.SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(connect) if is_whole else bytewise(connection, connect)
        assert Line(connection).answer("CONNECT").status.startswith("HTTP/1.1 200 ")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = wire.trust(mock.ca).wrap_bio(incoming, outgoing, server_hostname="fal.run")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                # Where flows have the connection, fewer than three bytes at first are not taken for TLS.
                bytewise(connection, outgoing.read(), 1 if is_whole else 3)
                incoming.write(connection.recv(65536))
        # And what begins with a part of a line is taken for raw TCP.
        for piece in (RUN[at : at + 1] for at in range(len(RUN))) if is_whole else (RUN,):
            tls.write(piece)
            bytewise(connection, outgoing.read())
        answer = b""
        while b'{"ok":true}' not in answer:
            with suppress(ssl.SSLWantReadError):
                answer += tls.read(65536)
                continue
            incoming.write(connection.recv(65536))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
