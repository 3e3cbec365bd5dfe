"""One WebSocket without I/O: connects bytes (through wsproto) with the engine's conversation."""

from __future__ import annotations

import logging
from collections.abc import Callable

from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import Extension
from wsproto.utilities import LocalProtocolError
from wsproto.utilities import RemoteProtocolError

from falmock.engine.effects import FileBody
from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.serving import bodies
from falmock.serving.deflate import MAX_MESSAGE
from falmock.serving.deflate import TOO_BIG
from falmock.serving.deflate import BoundedDeflate
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.wire import handshake
from falmock.wire.formats import frames
from falmock.wire.handshake import BadHandshake
from falmock.wire.message import header_map
from falmock.wire.message import reason

logger = logging.getLogger(__name__)
CLOSE_TIMEOUT = 2.0
"""How long (seconds) to wait for the peer to answer a close, and the ping before it."""
READ_ALL = b"falmock: all read?"
"""The payload of the ping before a close. Its pong shows that the peer has read all earlier messages."""
_HANDSHAKE = ("upgrade", "connection", "sec-websocket-version", "sec-websocket-key")
_EXTENSIONS = "sec-websocket-extensions"


class WebSocketSession:
    """Plays a Conversation, from the handshake on; see `Session`."""

    def __init__(self, play: Socket) -> None:
        self.wake_at: float | None = None
        self.ending = Ending.OPEN
        self._play = play
        self._now = 0.0
        self._out: list[bytes] = []
        self._ws = WSConnection(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._then: Callable[[], None] = self._due
        """What is done at `wake_at`."""
        self._deflate = BoundedDeflate()
        self._close: frames.Close | None = None
        self._closing = False
        self._dropped = False

    reads = is_socket = True
    successor = None

    def take(self) -> bytes:
        """See `Session`."""
        out, self._out = self._out, []
        return b"".join(out)

    def open(self, head: Head, now: float) -> None:
        """Accept the handshake in this head, or refuse it."""
        self._now = now
        headers = header_map(head.fields)
        bad = handshake.problem(head.method, "HTTP/1.1" if head.is_http11 else "HTTP/1.0", headers)
        if bad is not None:
            self._refuse(bad, has_body=head.method != "HEAD")
            return
        # wsproto fails at what it cannot decode in headers that do not matter here.
        fields = {name: headers[name].encode() for name in _HANDSHAKE}
        offers = handshake.deflate_offers(headers.get(_EXTENSIONS)).encode()
        extensions = [(_EXTENSIONS.encode(), offers)] if offers else []
        checked = [(name.encode(), value) for name, value in fields.items()]
        self._ws.initiate_upgrade_connection([(b"host", b"localhost"), *checked, *extensions], "/")
        self._handle()

    def _refuse(self, bad: BadHandshake, *, has_body: bool) -> None:
        """Answer a bad handshake, and close the connection."""
        body = f"{bad.text}\n".encode()
        lines = [*bad.headers, (b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
        fields = b"".join(b"%s: %s\r\n" % line for line in lines)
        self._out.append(
            b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (bad.status, reason(bad.status), fields, body if has_body else b"")
        )
        self._finish()

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if self.ending not in (Ending.OPEN, Ending.HALF):
            return
        self._now = now
        try:
            self._ws.receive_data(data)
            self._handle()
        except RemoteProtocolError as error:
            self._end(error.event_hint or events.CloseConnection(1002, "protocol error"))

    def wake(self, now: float) -> None:
        """See `Session`."""
        if self.wake_at is not None and now >= self.wake_at:
            self._now, self.wake_at = now, None
            self._then()

    def gone(self) -> None:
        """See `Session`."""
        self._closing = True
        self._finish(Ending.ABORT)

    def _at(self, seconds: float, then: Callable[[], None]) -> None:
        self.wake_at, self._then = self._now + seconds, then

    def _finish(self, ending: Ending = Ending.CLOSE) -> None:
        self.wake_at, self.ending = None, ending

    def _handle(self) -> None:
        for event in self._ws.events():
            if self._close is not None and isinstance(event, events.Pong) and event.payload == READ_ALL:
                self._send_close(self._close)
            if self._closing and not isinstance(event, events.CloseConnection):
                continue
            if isinstance(event, events.Request):
                self._accept()
            elif isinstance(event, events.TextMessage | events.BytesMessage):
                self._gather(event)
            elif isinstance(event, events.Ping):
                self._send(event.response())
            elif isinstance(event, events.CloseConnection):
                self._end(event.response())

    def _accept(self) -> None:
        extra = list(self._play.headers)
        # With deflate, the first part of a message would mostly be empty.
        extensions: list[Extension] = [] if self._play.exact else [self._deflate]
        self._send(events.AcceptConnection(extensions=extensions, extra_headers=extra))
        self._take_turn(self._play.conversation.opened)

    def _gather(self, event: events.TextMessage | events.BytesMessage) -> None:
        """Collect a part of a message; the last one completes it."""
        data = event.data if isinstance(event.data, str) else bytes(event.data)
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_MESSAGE:
            self._end(events.CloseConnection(TOO_BIG, f"a message of more than {MAX_MESSAGE} bytes"))
            return
        if not event.message_finished:
            return
        parts, self._parts, self._size = self._parts, [], 0
        whole: str | bytes
        if isinstance(event, events.TextMessage):
            whole = "".join(part for part in parts if isinstance(part, str))
        else:
            whole = b"".join(part for part in parts if isinstance(part, bytes))
        self._take_turn(lambda now: self._play.conversation.received(whole, now))

    def _due(self) -> None:
        self._take_turn(self._play.conversation.due)

    def _take_turn(self, next_step: Callable[[float], SocketStep]) -> None:
        """Get the conversation's next step, send its frames, and schedule the next turn."""
        self.wake_at = None
        now = self._now
        try:
            turn = next_step(now)
        except Exception:
            logger.exception("falmock: a WebSocket failed")
            self._end(events.CloseConnection(1011, "falmock failed; its log has the details"))
            return
        for frame in turn.frames:
            if self._closing:
                return
            self._send_frame(frame)
        if turn.again is not None and not self._closing:
            self.wake_at, self._then = turn.again, self._due

    def _send_frame(self, frame: frames.Frame) -> None:
        if isinstance(frame, frames.Text | frames.Binary | frames.Stored):
            self._send_message(frame)
        elif isinstance(frame, frames.Ping):
            self._send(events.Ping(payload=frame.payload))
        elif isinstance(frame, frames.Close):
            self._begin_close(frame)
        elif isinstance(frame, frames.Cut):
            self._send_message(frame.message, is_cut=True)
            self._drop()
        else:
            self._drop()

    def _send_message(self, frame: frames.Text | frames.Binary | frames.Stored, *, is_cut: bool = False) -> None:
        if isinstance(frame, frames.Text):
            self._send(events.TextMessage(data=frame.text, message_finished=frame.final), is_cut=is_cut)
            return
        try:
            data = _data_of(frame)
        except OSError:
            logger.exception("falmock: an asset of the fixtures cannot be read")
            self._end(events.CloseConnection(1011, "falmock failed; its log has the details"))
            return
        self._send(events.BytesMessage(data=data, message_finished=frame.final), is_cut=is_cut)

    def _drop(self) -> None:
        """End the connection without a close frame.

        Not at once: a connection closed with unread data may lose what was sent last.
        """
        if self._closing:
            return
        self._closing = self._dropped = True
        self.ending = Ending.HALF
        self._at(CLOSE_TIMEOUT, self._finish)

    def _begin_close(self, close: frames.Close) -> None:
        """Close the socket once the peer has read all earlier messages.

        mitmproxy disconnects right after a close, and Node's client then loses what it has not inflated yet. A pong shows
        that it has.
        """
        self._closing = True
        if not self._deflate.enabled():
            self._send_close(close)
            return
        self._close = close
        self._send(events.Ping(payload=READ_ALL))
        self._at(CLOSE_TIMEOUT, lambda: self._send_close(close))

    def _send_close(self, close: frames.Close) -> None:
        self._close = None
        self._send(events.CloseConnection(code=close.code, reason=close.reason or None))
        if self.ending is Ending.OPEN:
            self._at(CLOSE_TIMEOUT, self._finish)

    def _end(self, last: events.Event) -> None:
        """Answer the peer's close, or send ours, and close the connection."""
        if self._dropped:
            return
        self._closing = True
        self._send(last)
        self._finish()

    def _send(self, event: events.Event, *, is_cut: bool = False) -> None:
        if self.ending is not Ending.OPEN:
            return
        try:
            data = self._ws.send(event)
        except LocalProtocolError:  # the peer closed in the meantime
            self._finish()
        else:
            self._out.append(data[: (len(data) + 1) // 2] if is_cut else data)


def _data_of(message: frames.Binary | frames.Stored) -> bytes:
    """The content of a message. Raises OSError if its file is gone or changed."""
    if isinstance(message, frames.Binary):
        return message.data
    return bodies.read_file(FileBody(message.file, message.start, message.stop))
