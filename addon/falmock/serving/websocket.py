"""One WebSocket: connects the bytes of a connection (through wsproto) with the engine's conversation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import h11
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
from falmock.wire import handshake
from falmock.wire.formats import frames
from falmock.wire.handshake import BadHandshake
from falmock.wire.message import header_map
from falmock.wire.message import reason

logger = logging.getLogger(__name__)
MAX_UNREAD = 256 * 1024 * 1024
"""The connection is aborted if more than this (bytes) waits for the client to read it."""
CLOSE_TIMEOUT = 2.0
"""How long (seconds) to wait for the peer to answer a close, and the ping before it."""
READ_ALL = b"falmock: all read?"
"""The payload of the ping before a close. Its pong shows that the peer has read all earlier messages."""
_HANDSHAKE = ("upgrade", "connection", "sec-websocket-version", "sec-websocket-key")
_EXTENSIONS = "sec-websocket-extensions"


class WebSocketConnection:
    """Plays a Conversation, from the handshake on."""

    def __init__(self, transport: asyncio.Transport, play: Socket, clock: Callable[[], float]) -> None:
        self._transport = transport
        self._play = play
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ws = WSConnection(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._deflate = BoundedDeflate()
        self._close: frames.Close | None = None
        self._closing = False
        self._dropped = False

    def open(self, request: h11.Request) -> None:
        """Accept the handshake, or refuse it."""
        headers = header_map(request.headers)
        bad = handshake.problem(request.method.decode("latin-1"), f"HTTP/{request.http_version.decode()}", headers)
        if bad is not None:
            self._refuse(bad)
            return
        # wsproto fails at what it cannot decode in headers that do not matter here.
        fields = {name: headers[name].encode() for name in _HANDSHAKE}
        offers = handshake.deflate_offers(headers.get(_EXTENSIONS)).encode()
        extensions = [(_EXTENSIONS.encode(), offers)] if offers else []
        checked = [(name.encode(), value) for name, value in fields.items()]
        self._ws.initiate_upgrade_connection([(b"host", b"localhost"), *checked, *extensions], "/")
        self._handle()

    def _refuse(self, bad: BadHandshake) -> None:
        """Answer a bad handshake, and close the connection."""
        body = f"{bad.text}\n".encode()
        fields = [*bad.headers, (b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
        response = h11.Response(status_code=bad.status, headers=fields, reason=reason(bad.status))
        answer = h11.Connection(h11.SERVER)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self._transport.write(answer.send(event) or b"")
        self._transport.close()

    def feed(self, data: bytes) -> None:
        """Take bytes from the client, split anywhere."""
        try:
            self._ws.receive_data(data)
            self._handle()
        except RemoteProtocolError as error:
            self._end(error.event_hint or events.CloseConnection(1002, "protocol error"))

    def gone(self) -> None:
        """The connection is lost: stop."""
        self._closing = True
        self._cancel_timer()

    def _handle(self) -> None:
        for event in self._ws.events():
            if self._close is not None and isinstance(event, events.Pong) and event.payload == READ_ALL:
                self._send_close(self._close)
            if self._closing and not isinstance(event, events.CloseConnection):
                continue
            if isinstance(event, events.Request):
                if self._play.delay > 0:
                    self._timer = self._loop.call_later(self._play.delay, self._accept)
                else:
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
        self._cancel_timer()
        now = self._clock()
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
            self._timer = self._loop.call_later(max(turn.again - now, 0.0), self._due)

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
        self._cancel_timer()
        self._transport.write_eof()
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.close)

    def _begin_close(self, close: frames.Close) -> None:
        """Close the socket once the peer has read all earlier messages.

        mitmproxy disconnects right after a close, and Node's client then loses what it has not inflated yet. A pong shows
        that it has.
        """
        self._closing = True
        if not self._deflate.enabled():
            self._send_close(close)
            return
        self._cancel_timer()
        self._close = close
        self._send(events.Ping(payload=READ_ALL))
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._send_close, close)

    def _send_close(self, close: frames.Close) -> None:
        self._cancel_timer()
        self._close = None
        self._send(events.CloseConnection(code=close.code, reason=close.reason or None))
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.close)

    def _end(self, last: events.Event) -> None:
        """Answer the peer's close, or send ours, and close the connection."""
        if self._dropped:
            return
        self._closing = True
        self._cancel_timer()
        self._send(last)
        self._transport.close()

    def _send(self, event: events.Event, *, is_cut: bool = False) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_UNREAD:
            logger.warning("falmock: a WebSocket was closed because its client does not read what it is sent")
            self._closing = True
            self._transport.abort()
            return
        try:
            data = self._ws.send(event)
            self._transport.write(data[: (len(data) + 1) // 2] if is_cut else data)
        except LocalProtocolError:  # the peer closed in the meantime
            self._transport.close()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _data_of(message: frames.Binary | frames.Stored) -> bytes:
    """The content of a message. Raises OSError if its file is gone or changed."""
    if isinstance(message, frames.Binary):
        return message.data
    return bodies.read_file(FileBody(message.file, message.start, message.stop))
