"""One request over a connection of its own."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
from collections.abc import Awaitable
from collections.abc import Callable

import pytest

from clients.upstream import certificates
from falmock.serving.outgoing import http_client
from falmock.serving.outgoing.http_client import Answered
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.outgoing.http_client import request_bytes

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = request_bytes("POST", "/hook", [(b"Host", b"x")], b"body")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: 1\r\n\r\nhi"


def fetched(
    serve: Serve,
    *,
    limit: int = 1000,
    seconds: float = 20,
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
    addresses: tuple[str, ...] = ("127.0.0.1",),
    proxy: Proxy | None = None,
    name: str = "localhost",
) -> Answered:
    async def run() -> Answered:
        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=(tls and proxy is None and tls[0]) or None)
        port = server.sockets[0].getsockname()[1]
        via = proxy._replace(port=port) if proxy else None
        try:
            to = Destination(addresses, port, name, tls and tls[1], via)
            return await http_client.fetch(to, REQUEST, limit, seconds)
        finally:
            server.close()
            await asyncio.sleep(0.01)

    return asyncio.run(run())


def answering(answer: bytes, asked: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(len(REQUEST))
        if asked is not None:
            asked.append(data)
        writer.write(answer)
        await writer.drain()
        writer.write_eof() if writer.can_write_eof() else None
        await asyncio.sleep(0.05)

    return serve


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    ca, chain = certificates.write(tmp_path_factory.mktemp("tls"), ["localhost"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cafile=str(ca))


def test_an_answer() -> None:
    asked: list[bytes] = []
    answer = fetched(answering(OK, asked))
    assert answer == Answered(200, ((b"Content-Length", b"2"), (b"X", b"1")), b"hi")
    assert asked == [b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"hi"),
        (b"HTTP/1.0 200 OK\r\n\r\nall that comes", b"all that comes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 5000, b"x" * 1000),
    ],
)
def test_bodies_end_as_they_say_and_are_read_within_a_bound(answer: bytes, body: bytes) -> None:
    assert fetched(answering(answer)).body == body


@pytest.mark.parametrize("status", [204, 302, 500])
def test_every_status_is_an_answer(status: int) -> None:
    assert fetched(answering(b"HTTP/1.1 %d X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n" % status)).status == status


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "ended before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "ended before the answer"),
        (b"220 mail.example ESMTP\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000, "headers have more than|no HTTP"),
    ],
)
def test_what_is_no_answer(answer: bytes, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        fetched(answering(answer))


def test_one_that_does_not_come() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001
        await reader.read()

    with pytest.raises(NoAnswer, match=r"no answer within 0\.1 s"):
        fetched(silent, seconds=0.1)


def test_the_next_address_is_tried_and_the_first_problem_told() -> None:
    assert fetched(answering(OK), addresses=("127.9.9.9", "127.0.0.1")).status == 200
    with pytest.raises(NoAnswer, match=r"(?i)refused|connect call failed"):
        fetched(answering(OK), addresses=("127.9.9.9",))
    with pytest.raises(NoAnswer, match="no address"):
        fetched(answering(OK), addresses=())


def test_tls_is_verified_by_the_name(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    assert fetched(answering(OK), tls=tls).status == 200
    with pytest.raises(NoAnswer, match="Certificate verify failed: Hostname mismatch"):
        fetched(answering(OK), tls=tls, name="other.test")
    with pytest.raises(NoAnswer, match="Certificate verify failed: "):
        fetched(answering(OK), tls=(tls[0], ssl.create_default_context()))


PROXY = Proxy("http", "127.0.0.1", 0, "me:secret")


def test_plain_http_through_a_proxy() -> None:
    assert fetched(answering(OK), proxy=PROXY, addresses=()).status == 200
    assert PROXY.headers == ((b"Proxy-Authorization", b"Basic bWU6c2VjcmV0"),)
    assert PROXY._replace(credentials="").headers == ()


def test_tls_through_a_proxy(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(tls[0])
        await answering(OK)(reader, writer)

    assert fetched(serve, tls=tls, proxy=PROXY).status == 200
    assert seen[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in seen[0]


@pytest.mark.parametrize(("answer", "why"), [(b"HTTP/1.1 403 No\r\n\r\n", "403"), (b"", "nothing")])
def test_a_proxy_that_refuses(tls: tuple[ssl.SSLContext, ssl.SSLContext], answer: bytes, why: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    with pytest.raises(NoAnswer, match=f"the upstream proxy answered {why}"):
        fetched(serve, tls=tls, proxy=PROXY)


def test_the_authority_of_an_address() -> None:
    assert Destination((), 443, "::1").authority == "[::1]:443"
    assert Destination((), 80, "a.test").authority == "a.test:80"


def test_a_request_without_a_body() -> None:
    assert request_bytes("GET", "/", []) == b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"


def test_a_connection_that_is_reset_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    # As where the garbage collector finds the future of asyncio's protocol before the protocol, which looks at it in here.
    monkeypatch.delattr(asyncio.StreamReaderProtocol, "__del__", raising=False)
    reports: list[object] = []

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(REQUEST))
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        server = await asyncio.start_server(lambda *streams: _served(reset, *streams), "127.0.0.1", 0)
        to = Destination(("127.0.0.1",), server.sockets[0].getsockname()[1], "localhost", None, None)
        for _ in range(20):
            with pytest.raises(NoAnswer):
                await http_client.fetch(to, REQUEST, 1000, 20)
            gc.collect()
        server.close()

    asyncio.run(run())
    gc.collect()
    assert reports == []


async def _served(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await serve(reader, writer)
    finally:
        writer.transport.abort()
