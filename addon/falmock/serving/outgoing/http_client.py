"""Sends one request over a connection of its own, and reads its answer. It follows no redirects and reads no cookies."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import httptools

from falmock.serving.http_reader import as_bytes
from falmock.wire.message import Header

_PIECE = 64 * 1024
_CLOSING = 1.0
"""How long (seconds) is waited for the end of a connection that was aborted: usually one turn of the event loop."""
_MAX_HEAD = 256 * 1024
"""How many bytes may come before an answer's body."""


class Answered(NamedTuple):
    """An answer: its status, its headers, and as much of its body as was asked for."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class NoAnswer(Exception):
    """There was no complete answer; the text says why."""


class Proxy(NamedTuple):
    """A proxy to go through. `credentials` are `name:password`, or ""."""

    scheme: str
    host: str
    port: int
    credentials: str = ""

    @property
    def headers(self) -> tuple[Header, ...]:
        """What it is sent besides the headers of a request."""
        if not self.credentials:
            return ()
        return ((b"Proxy-Authorization", b"Basic " + base64.b64encode(self.credentials.encode())),)


class Destination(NamedTuple):
    """Where a request goes: the first of `addresses` that accepts. `name` is what TLS verifies, which `tls` is for."""

    addresses: Sequence[str]
    port: int
    name: str
    tls: ssl.SSLContext | None = None
    proxy: Proxy | None = None

    @property
    def authority(self) -> str:
        """Host and port, as CONNECT names them."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class _Reader:
    """Reads one final answer with httptools."""

    def __init__(self, limit: int) -> None:
        self.status = 0
        self.fields: list[Header] = []
        self.is_complete = self.is_framed = False
        self.body: list[bytes] = []
        self.left = limit
        self.parser = httptools.HttpResponseParser(self)

    @property
    def has_enough(self) -> bool:
        return self.is_complete or self.left <= 0

    def on_message_begin(self) -> None:
        self.fields, self.status, self.is_framed = [], 0, False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            self.fields.append((name, value))
            self.is_framed = self.is_framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.body.append(data[: max(self.left, 0)])
        self.left -= len(data)

    def on_message_complete(self) -> None:
        self.is_complete = self.status >= 200


def request_bytes(method: str, target: str, headers: Sequence[Header], body: bytes = b"") -> bytes:
    """A request that closes its connection. `headers` are complete but for framing."""
    lines = b"".join(b"%s: %s\r\n" % field for field in headers)
    framing = b"Content-Length: %d\r\n" % len(body) if body or method in ("POST", "PUT", "PATCH") else b""
    start = as_bytes(f"{method} {target} HTTP/1.1\r\n")
    return start + lines + framing + b"Connection: close\r\n\r\n" + body


async def fetch(destination: Destination, data: bytes, limit: int, seconds: float) -> Answered:
    """The answer to a request (see `request_bytes`). Reading stops after `limit` bytes of its body, which is enough.

    Raises NoAnswer, also if it takes longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connected(destination)
            try:
                return await _exchange(reader, writer, data, limit)
            finally:
                writer.transport.abort()
                # Else asyncio reports the end of a connection that was reset as an exception that nobody looked at.
                with suppress(OSError):
                    async with asyncio.timeout(_CLOSING):
                        await writer.wait_closed()
    except TimeoutError:
        raise NoAnswer(f"no answer within {seconds:.3g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"Certificate verify failed: {error.verify_message}") from None
    except OSError as error:
        raise NoAnswer(error.strerror or str(error) or type(error).__name__) from None


async def _connected(to: Destination) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises OSError, NoAnswer."""
    problem: OSError | None = None
    proxy = to.proxy
    addresses, port = (to.addresses, to.port) if proxy is None else ((proxy.host,), proxy.port)
    for address in addresses:
        try:
            if proxy is not None:
                outer = ssl.create_default_context() if proxy.scheme == "https" else None
                reader, writer = await asyncio.open_connection(address, port, ssl=outer)
                if to.tls is not None:
                    await _tunnel(reader, writer, to, proxy)
                return reader, writer
            name = to.name if to.tls is not None else None
            return await asyncio.open_connection(address, port, ssl=to.tls, server_hostname=name)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            problem = problem or error
    raise problem or OSError("it has no address")


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Destination, proxy: Proxy) -> None:
    """Have the proxy connect, and begin TLS through it."""
    lines = b"".join(b"%s: %s\r\n" % field for field in ((b"Host", to.authority.encode()), *proxy.headers))
    writer.write(b"CONNECT %s HTTP/1.1\r\n%s\r\n" % (to.authority.encode(), lines))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = b""
    status = head.partition(b"\r\n")[0].split(b" ")[1:2]
    if status != [b"200"]:
        writer.transport.abort()
        raise NoAnswer(f"the upstream proxy answered {(status or [b'nothing'])[0].decode('latin-1')}")
    await writer.start_tls(to.tls or ssl.create_default_context(), server_hostname=to.name)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, limit: int) -> Answered:
    found, size = _Reader(limit), 0
    writer.write(data)
    while not found.has_enough:
        piece = b""
        with suppress(ConnectionResetError):
            piece = await reader.read(_PIECE)
        size += len(piece)
        if not piece:
            if found.status >= 200 and not found.is_framed:
                break  # the end of the connection is that of the body
            raise NoAnswer("the connection ended before the answer did")
        try:
            found.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            break
        except httptools.HttpParserError as error:
            raise NoAnswer(f"the answer is no HTTP: {error}") from None
        if not found.status and size > _MAX_HEAD:
            raise NoAnswer(f"the answer's headers have more than {_MAX_HEAD} bytes")
    return Answered(found.status, tuple(found.fields), b"".join(found.body))
