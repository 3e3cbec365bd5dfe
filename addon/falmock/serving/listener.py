"""The listener without mitmproxy: answers calls to fal's hosts, and passes everything else on untouched.

Nothing ever connects to a host of fal's. Hosts that fal shares with others are decrypted, since only a path says whether
a request is for fal; what is not goes on to them over TLS of falmock's own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from falmock.app import App
from falmock.edge import ForwardedCall
from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.serving import server_context
from falmock.serving.call_handler import CallHandler
from falmock.serving.call_handler import CallServer
from falmock.serving.call_handler import caller_of
from falmock.serving.call_lines import CallLines
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.gate import user_in
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.http_reader import as_text
from falmock.serving.http_session import HttpSession
from falmock.serving.outgoing import http_client
from falmock.serving.outgoing import names
from falmock.serving.outgoing import relay
from falmock.serving.outgoing.first_request import FirstRequest
from falmock.serving.outgoing.first_request import Passing
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.names import ForbiddenName
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.request_parts import Head
from falmock.serving.sightings import Sightings
from falmock.serving.targets import claimed
from falmock.serving.targets import target_of
from falmock.serving.targets import tunnel_host
from falmock.serving.tls_session import TlsFailure
from falmock.serving.trust import RefusalLog
from falmock.serving.trust import is_refusal
from falmock.serving.tunnel_session import TunnelSession
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.hosts import named
from falmock.wire.message import Request
from falmock.wire.message import header_map

logger = logging.getLogger(__name__)
BACKLOG = 4096
_SECONDS = 30.0
"""How long another host may take to accept a connection, or to answer a forwarded call."""
_MAX_BODY = 64 * 1024 * 1024
"""How many bytes of the answer to a forwarded call are kept."""
_OF_FRAMING = (b"content-length", b"transfer-encoding", b"connection", b"keep-alive")


class Listener:
    """Listens on a port; see `Gate`. `confdir` is the folder of the CA, `called` hears of each tunnel to a host of fal's.

    `leads_out` is false in a network where all hosts that fal shares with others are falmock's.
    """

    def __init__(
        self,
        app: App,
        uploads: SpoolFolder,
        confdir: Path,
        lines: CallLines,
        called: Callable[[str], None],
        *,
        leads_out: bool = True,
    ) -> None:
        self.server = CallServer(app, uploads, self, time.time)
        self._app = app
        self._confdir = confdir
        self._lines = lines
        self._called = called
        self._leads_out = leads_out
        self.sightings: Sightings | None = None
        """Hears of each client, if somebody wants to know."""
        self._refusals = RefusalLog(lambda: confdir)
        self._tls: ssl.SSLContext | None = None
        self._tls_to_others: ssl.SSLContext | None = None
        self._listening: list[asyncio.Server] = []

    # life

    async def start(self, host: str, port: int) -> list[tuple[str, int]]:
        """Listen; returns the addresses. Raises OSError, also if there is no CA and none can be made."""
        self.tls()
        loop = asyncio.get_running_loop()
        self._listening = [await loop.create_server(self._connected, host, port, backlog=BACKLOG)]
        return self._addresses()

    async def start_on(self, sockets: Sequence[socket.socket]) -> list[tuple[str, int]]:
        """Listen on bound sockets; else as `start`."""
        self.tls()
        loop = asyncio.get_running_loop()
        for each in sockets:
            self._listening.append(await loop.create_server(self._connected, sock=each, backlog=BACKLOG))
        return self._addresses()

    def _addresses(self) -> list[tuple[str, int]]:
        return [each.getsockname()[:2] for server in self._listening for each in server.sockets]

    def _connected(self) -> Connection:
        return Connection(self.server, self._session)

    def stop(self) -> None:
        """Listen no more, and end all connections."""
        for server in self._listening:
            server.close()
        self._listening.clear()
        self.server.stop()
        self._lines.flush()

    def _session(self, connection: Connection) -> FirstRequest:
        caller = caller_of(connection)
        if caller.peer:
            self._app.redactor.learn_peer(caller.peer)
        if self.sightings is not None:
            self.sightings.connected(caller, connection.transport.get_extra_info("sockname")[1], is_past=False)
        inner = HttpSession(self.server.handler(connection))
        return FirstRequest(connection, inner, lambda head: self._passing(head, connection))

    # other hosts

    def _passing(self, head: Head, connection: Connection, tunnel: str = "", port: int = 80) -> Passing | None:
        """Where a request to a proxy, or through a tunnel to a shared host, is passed on to; None for no other host."""
        target = None if head.method == "CONNECT" else target_of(head, named(header_map(head.fields).get("host", "")))
        if target is None or not (target.is_absolute or tunnel) or claimed(self._app.config.hosts, target, tunnel):
            return None
        is_tls = bool(tunnel) or head.target[:3].lower() == b"wss" or head.target[:5].lower() == b"https"
        host = tunnel or target.host
        authority = (_authority(head) if target.is_absolute else as_text(head.get(b"host"))) or host
        number = port if tunnel else _port_in(authority, 443 if is_tls else 80)
        tls = self._to_others() if is_tls else None
        return Passing(authority, target.path, self._reached(connection, host, number, tls))

    async def elsewhere(self, head: Head, connection: Connection) -> Reply | Tunnel:
        """See `Gate`."""
        host = tunnel_host(head)
        port = _port_in(as_text(head.target), 443)
        if self._app.config.hosts.role(host) is None:
            return await self._reached(connection, host, port)
        caller = caller_of(connection)._replace(
            user=user_in(head.get(b"proxy-authorization").decode("latin-1")),
            agent=head.get(b"user-agent").decode("latin-1"),
        )
        return Tunnel(self.opened(host, port, caller, connection))

    def opened(self, host: str, port: int, caller: Caller, connection: Connection) -> TunnelSession:
        """The session of a client that takes falmock for a host ("" if it does not say for which): what is not for fal is passed on."""
        inner = HttpSession(CallHandler(self.server, connection, caller, host))
        first = FirstRequest(connection, inner, lambda request: self._passing(request, connection, host, port))
        return TunnelSession(self.tls(), first, lambda failure: self.tls_failed(host, caller, failure))

    async def _reached(
        self, connection: Connection, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> Reply | Tunnel:
        hosts = self._app.config.hosts
        if not self._leads_out and hosts.role(host) is not None:
            return _no_way_to(host)

        def forbids(data: bytes) -> bool | None:
            is_for_fal = names.are_for_fal(hosts, data) if tls is None else False
            if is_for_fal:
                logger.warning("falmock refused a tunnel to %s: what came through it was for fal", host[:100])
            return is_for_fal

        try:
            name = names.checked(hosts, host)
            return Tunnel(await relay.connect(connection, name, port, _SECONDS, tls, forbids))
        except ForbiddenName as error:
            return replies.problem(502, f"falmock refused a connection: {error}", "refused")
        except TimeoutError:
            why = f"it did not answer within {_SECONDS:g} s"
        except (OSError, UnicodeError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
        return replies.problem(502, f"falmock cannot connect to {host[:100]}:{port}: {why}", "no connection")

    def _to_others(self) -> ssl.SSLContext:
        if self._tls_to_others is None:
            self._tls_to_others = ssl.create_default_context()
        return self._tls_to_others

    async def forward(self, call: ForwardedCall) -> Reply:
        """See `Gate`: the call is to a host that is not fal's, and small."""
        request = call.request
        if not self._leads_out:
            return _no_way_to(request.host)
        try:
            name = names.checked(self._app.config.hosts, request.host)
            found = await names.addresses_of(name, 443, _SECONDS)
            to = Destination(found, 443, name, self._to_others())
            answered = await http_client.fetch(to, _as_sent(request), _MAX_BODY, _SECONDS)
        except (ForbiddenName, UnresolvedName, NoAnswer) as error:
            return replies.problem(502, f"falmock cannot forward this call to {request.host}: {error}", "no forwarding")
        headers = tuple(field for field in answered.headers if field[0].lower() not in _OF_FRAMING)
        return Reply(answered.status, headers, answered.body, call.forward.why)

    # the gate

    def tunnel(self, head: Head, host: str) -> Reply | str:
        """See `Gate`."""
        self._called(host)
        return user_in(head.get(b"proxy-authorization").decode("latin-1"))

    def tls(self) -> ssl.SSLContext:
        """See `Gate`. Raises leaf.NoCertificate."""
        if self._tls is None:
            self._tls = server_context.made(self._confdir, self._app.config.hosts.names, time.time())
        return self._tls

    def tls_failed(self, host: str, caller: Caller, failure: TlsFailure) -> None:
        """See `Gate`."""
        if self.sightings is not None and is_refusal(failure):
            self.sightings.refused(caller, host, () if failure.hello is None else failure.hello.ciphers)
        if failure.is_h2_only:
            logger.warning(
                "falmock: a client of %s was refused: %s, and falmock serve speaks HTTP/1.1: use mitmdump for it",
                host,
                failure,
            )
        else:
            self._refusals.failed(host, caller.agent, failure)

    def answered(self, caller: Caller, request: Request, play: Play) -> None:
        """See `Gate`."""
        if isinstance(play, Tunnel):
            return
        self._lines.answered(caller, request, play)
        if self.sightings is not None and not request.peer:
            agent = request.headers.get("user-agent", caller.agent)
            self.sightings.answered(caller, request.host, agent, is_socket="sec-websocket-key" in request.headers)


def _no_way_to(host: str) -> Reply:
    """The answer to a request that falmock does not answer, where the host's name leads to falmock alone."""
    text = f"falmock has no answer of {host} to this request, and nothing leads out of this network"
    return replies.problem(502, text, "no connection")


def _authority(head: Head) -> str:
    """Host and port in an absolute target."""
    rest = as_text(head.target).partition("://")[2]
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2]


def _port_in(authority: str, default: int) -> int:
    """The port behind a host; one that cannot be is 0, to which nothing connects."""
    port = authority.rpartition("]")[2].partition(":")[2]
    if not port:
        return default
    return int(port) if port.isdecimal() and port.isascii() and int(port[:6]) < 65536 else 0


def _as_sent(request: Request) -> bytes:
    """A request without what is between a client and its proxy."""
    dropped = {name.decode() for name in _OF_FRAMING} | {"host", "proxy-authorization", "proxy-connection"}
    headers = [(b"host", request.host.encode())]
    headers += [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
        if name not in dropped
    ]
    target = request.path + (f"?{request.query}" if request.query else "")
    return http_client.request_bytes(request.method, target, headers, request.body)
