"""Answers the requests of one connection from the app: calls to fal's hosts, and to falmock itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from collections.abc import Callable

from falmock.app import App
from falmock.edge import Answer
from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.gateway import door
from falmock.serving import bodies
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.gate import Gate
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.handler import Sink
from falmock.serving.handler import Tunnel
from falmock.serving.http_reader import as_text
from falmock.serving.http_session import HttpSession
from falmock.serving.memory_sink import Memory
from falmock.serving.outgoing.names import NOTHING_SENT
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import Head
from falmock.serving.senders import KEPT_FORMS
from falmock.serving.senders import Known
from falmock.serving.senders import Sender
from falmock.serving.senders import Senders
from falmock.serving.senders import may_be_remembered
from falmock.serving.senders import parts_of
from falmock.serving.targets import claimed
from falmock.serving.targets import is_bare_check
from falmock.serving.targets import target_of
from falmock.serving.targets import tunnel_host
from falmock.serving.tls_session import TlsFailure
from falmock.serving.tunnel_session import TunnelSession
from falmock.serving.upload_spool import SpooledUpload
from falmock.serving.upload_spool import SpoolFolder
from falmock.serving.waiting_streams import WaitingStreams
from falmock.wire import handshake
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
UPLOADING = ("POST", "PUT")
"""The methods of requests whose bodies may be files."""
OURS = "/__"
"""The prefix of paths that no app and no endpoint of fal's uses."""
SMALL_BODY = 1024 * 1024
"""Every host and every door takes a body of this many bytes."""
_OF_FAL = Client()
"""The client of a call to one of fal's hosts: it is not asked whether it is there."""


class CallHandler:
    """See `Handler`. `host` is that of the tunnel that the requests come through, "" for none."""

    def __init__(self, server: CallServer, connection: Connection, caller: Caller, host: str = "") -> None:
        self.closes = False
        self._server = server
        self._connection = connection
        self._caller = caller
        self._host = host
        self._request: Request | None = None
        self._poll: tuple[Sender, bytes] | None = None
        """What sends the request under way, and its target, if it may be remembered."""
        self._is_direct = False
        self._senders = Senders(caller.user)
        self._hosts: Hosts | None = None
        self._is_shared = False
        """Whether the connection is a tunnel to a host that fal shares with others, by `_hosts`."""

    # requests

    def begins(self, head: Head, now: float) -> Sink | Play | None:  # noqa: ARG002
        """See `Handler`."""
        self.closes = False
        self._request = self._poll = None
        try:
            return self._begun(head)
        except Exception:
            logger.exception("falmock: the head of a request could not be read")
            return door.failed(as_text(head.target).partition("?")[0], is_direct=False)

    def _begun(self, head: Head) -> Sink | Play:
        if head.method == "CONNECT":
            return Memory()
        sender = self._senders.of(head.fields)
        if sender.known and head.method == "GET":
            reply = self._again(head.target, sender)
            if reply is not None:
                return reply
        headers = sender.headers
        target = target_of(head, sender.host)
        if target is None or not (target.host or self._host or is_bare_check(head)):
            return replies.problem(400, "The request does not say which host it is for", "no host")
        hosts = self._server.app.config.hosts
        host = claimed(hosts, target, self._host)
        if hosts is not self._hosts:
            self._hosts, self._is_shared = hosts, bool(self._host and not hosts.owns(self._host))
        # A proxy, and a tunnel to a host that fal shares with others, may get a request next that is not answered here.
        self.closes = self._is_shared if self._host else target.is_absolute
        if self._caller.own and target.path.startswith(OURS):  # no endpoint id begins like this
            host, headers = "", {**headers, "host": self._caller.own}
            target = target._replace(host="")
            self._is_direct = True
        else:
            self._is_direct = not host and not self._host and not target.is_absolute
        if not host and not self._is_direct:
            text = f"This connection is to {self._host or 'fal'}, the request is to {target.host[:100]}"
            return replies.problem(421, text, "misdirected request")
        path, _, query = target.path.partition("?")
        peer = self._caller.peer if self._is_direct else ""
        bad = None
        if sender.asks_for_socket:
            bad = handshake.problem(head.method, "HTTP/1.1" if head.is_http11 else "HTTP/1.0", headers)
        self._request = Request(
            head.method,
            host or target.host,
            path or "/",
            query,
            headers,
            b"",
            scope=sender.scope,
            peer=peer,
            bad_handshake=bad,
        )
        if self._senders.has_repeated(head.fields) and may_be_remembered(head):  # a connection may have one call alone
            self._poll = sender, head.target
        return self._sink(self._request)

    def _again(self, target: bytes, sender: Sender) -> Reply | None:
        """The answer to a request about a job that is like one before it; None if it has to be read."""
        before, job, behind = parts_of(target)
        known = sender.known.get((before, behind))
        reply = None if known is None else self._server.app.answer_known(known.form, job.decode("latin-1"))
        if known is not None and reply is not None:
            self._request = known.request.with_path(as_text(target.partition(b"?")[0]))
        return reply

    def _remember(self, poll: tuple[Sender, bytes], request: Request, client: Client) -> None:
        """Have the next request like this one, about any job, answered without being read again."""
        sender, target = poll
        form = self._server.app.form_of(request, client) if len(sender.known) < KEPT_FORMS else None
        if form is not None:
            before, _, behind = parts_of(target)
            sender.known[before, behind] = Known(request, form)

    def _sink(self, request: Request) -> Sink:
        server = self._server
        if request.method not in UPLOADING or self._is_direct:
            return Memory()
        if server.app.engines.spools(request.method, request.host, request.path, request.headers):
            try:
                return server.uploads.upload(request.headers.get("content-encoding", ""))
            except BadEncoding:
                pass  # it is refused when it is here
            except OSError as error:
                logger.warning("falmock: an upload is kept in memory, since it cannot be kept on disk: %s", error)
        return Memory()

    def _tunnel(self, head: Head, session: Later) -> Play | None:
        server = self._server
        host = tunnel_host(head)
        if self._host:
            return replies.problem(421, "This connection is a tunnel already", "misdirected request")
        if not server.app.config.hosts.owns(host):
            self._connection.play_later(session, server.gate.elsewhere(head, self._connection))
            return None
        user = server.gate.tunnel(head, host)
        if isinstance(user, Reply):
            return user
        agent = head.get(b"user-agent").decode("latin-1")
        return Tunnel(server.tunnel(self._connection, self._caller._replace(user=user, agent=agent), host))

    def complete(self, head: Head, sink: Sink, session: Later, now: float) -> Play | None:  # noqa: ARG002
        """See `Handler`."""
        request = self._request
        if request is None:
            return self._tunnel(head, session)
        client = Client(is_direct=True, is_there=self._is_there) if self._is_direct else _OF_FAL
        try:
            answer = self._answer(request, sink, client)
        except Exception as error:  # noqa: BLE001 - a call must get an answer
            sink.drop()
            answer = self._server.app.failed(request, client, error)
        if isinstance(answer, Reply | Stream | Socket):
            if self._poll is not None and isinstance(answer, Reply):
                self._remember(self._poll, request, client)
            return answer
        self._connection.play_later(session, self._awaited(request, client, answer))
        return None

    def _answer(self, request: Request, sink: Sink, client: Client) -> Answer | Awaitable[Answer]:
        if isinstance(sink, SpooledUpload):
            content = sink.content()
            if sink.problem is not None:
                return replies.no_disk(sink.problem)
            if sink.garbled:
                return replies.badly_encoded(sink.garbled)
            too_large = sink.too_large
            request = request._replace(content=None if too_large else content, too_large=too_large)
        elif isinstance(sink, Memory) and (body := sink.data()):
            try:
                request = self._with_body(request, body)
            except BadEncoding as error:
                if not self._is_direct:
                    return replies.badly_encoded(str(error))
                # The door gets no body, and refuses it in its own words.
        self._request = request
        return self._server.app.answer_soon(request, client)

    def _with_body(self, request: Request, body: bytes) -> Request:
        """A request with its body. Raises BadEncoding."""
        if len(body) <= SMALL_BODY and "content-encoding" not in request.headers:
            return request.with_body(body)
        return bodies.with_body(request, body, self._server.app.max_body(request, is_direct=self._is_direct))

    def _is_there(self) -> bool:
        return not self._connection.transport.is_closing()

    async def _awaited(self, request: Request, client: Client, answer: ForwardedCall | Awaitable[Answer]) -> Play:
        try:
            found = await answer if isinstance(answer, Awaitable) else answer
            return await self._server.gate.forward(found) if isinstance(found, ForwardedCall) else found
        except Exception as error:  # noqa: BLE001 - as above
            found = self._server.app.failed(request, client, error)
            return door.failed(request.path, is_direct=client.is_direct) if isinstance(found, ForwardedCall) else found

    def refused(self, bad: BadRequest, now: float) -> Play | None:  # noqa: ARG002
        """See `Handler`. What does not begin like HTTP gets no answer."""
        if not bad.status:
            if self._host:
                logger.warning("falmock refused a connection to %s: %s", self._host, NOTHING_SENT)
            return None
        return replies.problem(bad.status, f"falmock cannot read this request: {bad.why}", "bad request")

    # answers

    def plays(self, play: Play) -> None:
        """See `Handler`."""
        if isinstance(play, Stream):
            self._server.listen(play.key, self._connection)

    def ended(self, play: Play) -> None:
        """See `Handler`."""
        if isinstance(play, Stream):
            self._server.stop_listening(play.key, self._connection)
        request, self._request = self._request, None
        if request is not None:
            self._server.gate.answered(self._caller, request, play)


def caller_of(connection: Connection) -> Caller:
    """The client of a connection."""
    address = connection.transport.get_extra_info("peername")
    return Caller(*address[:2]) if address else Caller()


class CallServer(WaitingStreams):
    """Answers connections from the app. `clock` returns seconds since the epoch."""

    def __init__(self, app: App, uploads: SpoolFolder, gate: Gate, clock: Callable[[], float]) -> None:
        super().__init__()
        self.app = app
        self.uploads = uploads
        self.gate = gate
        self.clock = clock
        self.connections: set[Connection] = set()

    def handler(self, connection: Connection) -> CallHandler:
        """Decides what a connection plays."""
        return CallHandler(self, connection, caller_of(connection))

    def tunnel(self, connection: Connection, caller: Caller, host: str) -> TunnelSession:
        """The session of a connection on which all calls go to this host, unless they name another one of fal's."""

        def failed(failure: TlsFailure) -> None:
            self.gate.tls_failed(host, caller, failure)

        return TunnelSession(self.gate.tls(), HttpSession(CallHandler(self, connection, caller, host)), failed)

    def stop(self) -> None:
        """End every connection."""
        for connection in tuple(self.connections):
            connection.abort()
