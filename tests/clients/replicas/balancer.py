"""A proxy that deals each request to the next falmock, whatever connection it comes on.

It has the falmocks' CA: so it reads what is in a client's tunnel. It asks for an answer on a connection of its own, and
ends the client's connection after that, so that the next request is dealt anew. Sockets stay where they began.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import tempfile
import threading
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from mitmproxy.certs import CertStore

_BLANK = b"\r\n\r\n"
_HOP = re.compile(rb"\r\n(?:proxy-connection|connection|keep-alive):[^\r]*", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_LIMIT = 1 << 20
_ENDED = (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Balancer:
    """Deals requests to the falmocks at `ports` in turn. Those that take no connection are passed over, as a check would."""

    def __init__(self, confdir: Path, ports: Sequence[int], *, key_size: int = 2048) -> None:
        self.ports = list(ports)
        self.port = 0
        self.dealt = 0
        self._store = CertStore.from_store(confdir, "mitmproxy", key_size)
        self._trust = ssl.create_default_context(cafile=str(confdir / "mitmproxy-ca-cert.pem"))
        self._writers: set[asyncio.StreamWriter] = set()
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def serve(self, is_up: threading.Event, stop: asyncio.Event) -> None:
        """Serve at a free port until `stop`."""
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=_LIMIT, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        await stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)  # until the connections have ended

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._exchange(reader, writer)
        except _ENDED:
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_BLANK)
        port, up_reader, up = await self._next()
        # What is for this address is for that falmock.
        head = head.replace(b"127.0.0.1:%d" % self.port, b"127.0.0.1:%d" % port)
        try:
            if head.startswith(b"CONNECT "):
                up.write(head)
                answer = await up_reader.readuntil(_BLANK)
                writer.write(answer)
                if b" 200" not in answer.partition(b"\r\n")[0]:
                    await _pump(up_reader, writer)
                    return
                host = head.split(b" ", 2)[1].decode().rpartition(":")[0].strip("[]")
                await writer.start_tls(self._context(host))
                head = await reader.readuntil(_BLANK)
                await up.start_tls(self._trust, server_hostname=host)
            await _ask(head, reader, writer, up_reader, up)
        finally:
            up.transport.abort()

    async def _next(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self.ports:
            self.dealt += 1
            port = self.ports[self.dealt % len(self.ports)]
            with suppress(OSError):
                return port, *(await asyncio.open_connection("127.0.0.1", port, limit=_LIMIT))
        raise ConnectionError("no falmock takes a connection")

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            try:
                name: x509.GeneralName = x509.IPAddress(ip_address(host))
            except ValueError:
                name = x509.DNSName(host)
            entry = self._store.get_cert(host, [name])
            key = entry.privatekey.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
            context = self._contexts[host] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile() as file:
                file.write(entry.cert.to_pem() + key)
                file.flush()
                context.load_cert_chain(file.name)
        return self._contexts[host]


async def _ask(
    head: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    up_reader: asyncio.StreamReader,
    up: asyncio.StreamWriter,
) -> None:
    """Let one request through, and its answer."""
    is_upgrade = _UPGRADE.search(head) is not None
    up.write(head if is_upgrade else _ending(head))
    sending = asyncio.create_task(_pump(reader, up))
    try:
        status = b"1"
        while status.startswith(b"1") and status != b"101":
            try:
                answer = await up_reader.readuntil(_BLANK)
            except asyncio.IncompleteReadError as cut:
                writer.write(cut.partial)
                return
            status = answer.split(b" ", 2)[1]
            writer.write(answer if status.startswith(b"1") else _ending(answer))
        await _pump(up_reader, writer)
    finally:
        sending.cancel()
        with suppress(*_ENDED, asyncio.CancelledError):
            await sending


def _ending(head: bytes) -> bytes:
    """A head after whose message the connection ends."""
    return _HOP.sub(b"", head)[:-2] + b"Connection: close" + _BLANK


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        sink.write(data)
        await sink.drain()


@contextmanager
def balancing(confdir: Path, ports: Sequence[int]) -> Iterator[Balancer]:
    """A running balancer before these ports."""
    balancer = Balancer(confdir, ports)
    loop, stop, is_up = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(balancer.serve(is_up, stop))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=work, name="balancer", daemon=True)
    thread.start()
    try:
        assert is_up.wait(10), "the balancer did not start"
        yield balancer
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
