"""One HTTP connection: reads requests with h11, and plays the effect that each one gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any
from typing import cast

import h11

from falmock.engine import replies
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.serving import tcp_reset
from falmock.serving.bodies import ReplySource
from falmock.serving.effect_source import EffectSource
from falmock.serving.effect_source import Upload
from falmock.serving.websocket import WebSocketConnection
from falmock.wire.message import Header
from falmock.wire.message import reason

logger = logging.getLogger(__name__)
_MAX_HEAD = 1024 * 1024
_BODILESS = (204, 304)


class HttpConnection(asyncio.Protocol):
    """Reads one request after the other. A timer steps through each answer, as fast as the client reads it."""

    transport: asyncio.Transport

    def __init__(self, effects: EffectSource) -> None:
        self._effects = effects
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._websocket: WebSocketConnection | None = None
        self._play: Reply | Stream | Upload | None = None
        self._source: Source | None = None
        self._raw = False
        self._has_body = True
        self._paused = False
        self._waiting = False
        self._timer: asyncio.TimerHandle | None = None
        self._handler: asyncio.Task[None] | None = None

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connects."""
        self.transport = cast("asyncio.Transport", transport)
        self._effects.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client is gone: stop everything that was played to it."""
        self._effects.connections.discard(self)
        self._forget()
        if self._handler is not None:
            self._handler.cancel()

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _reset(self) -> None:
        """Close the connection, with a TCP RST if everything is sent already."""
        if self.transport.get_write_buffer_size():
            self.transport.close()
        else:
            tcp_reset.reset(self.transport)

    def _forget(self) -> None:
        """Drop what is being played."""
        self._cancel_timer()
        play, self._play = self._play, None
        source, self._source = self._source, None
        if isinstance(play, Stream):
            self._effects.stop_listening(play.key, self)
        if isinstance(play, Upload):
            play.sink.drop()
        if isinstance(source, ReplySource):
            source.close()
        if self._websocket is not None:
            self._websocket.gone()

    def pause_writing(self) -> None:
        """The client does not read for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._paused = False
        if self._waiting:
            self._waiting = False
            self._later(
                0.0, self._step
            )  # not in here: asyncio closes a transport twice if it is closed while it resumes

    # requests

    def data_received(self, data: bytes) -> None:
        """Bytes of requests, or of a WebSocket once it is open."""
        if self._websocket is not None:
            self._websocket.feed(data)
            return
        self._http.receive_data(data)
        self._read()

    def _read(self) -> None:
        while not self.transport.is_closing():
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self.transport.close()
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                self._enter(event)
                if self._websocket is not None:
                    return
            elif isinstance(event, h11.Data):
                self._take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._begin()
            else:
                self.transport.close()

    def _enter(self, request: h11.Request) -> None:
        """The head of a request is here: get what to play to it."""
        play = self._effects.for_request(request.headers)
        self._has_body = request.method != b"HEAD"
        if play is None or request.method == b"CONNECT":  # an answer to CONNECT would begin a tunnel
            self.transport.abort()
        elif isinstance(play, Socket):
            self._websocket = WebSocketConnection(self.transport, play, self._effects.clock)
            self._websocket.open(request)
        else:
            self._play = play

    def _take(self, data: bytes) -> None:
        if isinstance(self._play, Upload):
            self._play.sink.write(data)

    def _begin(self) -> None:
        """The request is complete: answer it."""
        play = self._play
        if isinstance(play, Stream):
            self._effects.listen(play.key, self)
            self._raw = play.length is not None
            self._later(play.delay, lambda: self._answer(play.status, play.headers, play.source, play.length))
        elif isinstance(play, Reply):
            self._reply(play)
        elif isinstance(play, Upload):
            self._handler = self._loop.create_task(self._stored(play))

    async def _stored(self, upload: Upload) -> None:
        """An upload is on disk: get its answer."""
        try:
            content, self._play = upload.sink.content(), None  # until here, a disconnect drops the sink
            reply = await upload.answer(content)
        except Exception:
            logger.exception("falmock: an upload could not be taken")
            reply = replies.problem(
                500, "falmock failed to take this upload; its log has the details", "internal error"
            )
        self._play = reply
        self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        try:
            body = ReplySource(reply.body, reply.delivery)
        except OSError as error:
            reply = replies.unreadable_asset(error)
            body = ReplySource(reply.body, None)
        declared = reply.delivery.length if reply.delivery else None
        length = (body.size if reply.length is None else reply.length) if declared is None else declared
        self._raw = declared is not None and declared != body.size
        self._later(reply.delay, lambda: self._answer(reply.status, reply.headers, body, length))

    # answers

    def _answer(self, status: int, headers: tuple[Header, ...], source: Source, length: int | None) -> None:
        """Send the head of an answer; its body follows. `length` is in bytes, None if it is not known in advance."""
        framing = (b"Transfer-Encoding", b"chunked") if length is None else (b"Content-Length", str(length).encode())
        fields = [*headers] if status in _BODILESS else [*headers, framing]
        self._has_body = self._has_body and status not in _BODILESS
        self._source = source
        try:
            self._send(h11.Response(status_code=status, headers=fields, reason=reason(status)))
        except h11.LocalProtocolError:
            logger.exception("falmock: an answer cannot be sent over HTTP")
            self._give_up()
            return
        if self._http.their_state is h11.ERROR or self.transport.is_closing():
            return
        self._step()

    def _send(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self.transport.write(data)

    def _step(self) -> None:
        """Send the part of the body that is due, and schedule the next."""
        self._cancel_timer()
        if self._source is None or self.transport.is_closing():
            return
        if self._paused:
            self._waiting = True
            return
        now = self._effects.clock()
        try:
            step = self._source.step(now)
            self._send_pieces(step.pieces)
        except Exception:
            logger.exception("falmock: a stream broke off")
            self._give_up()
            return
        if step.end is End.OPEN:
            if step.again is not None:
                self._later(step.again - now, self._step)
            return
        self._forget()
        if step.end is End.RESET:
            self._reset()
        elif step.end is End.CUT or self._raw:
            self.transport.close()
        else:
            self._finish()

    def _send_pieces(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces if self._has_body else ():
            if self._raw:
                self.transport.write(piece)
            elif piece:
                self._send(h11.Data(data=piece))

    def _give_up(self) -> None:
        """The answer cannot go on: close the connection."""
        self._forget()
        self.transport.close()

    def _finish(self) -> None:
        """The answer is complete; another request may follow."""
        self._send(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE or self._http.our_state is h11.CLOSED:
            self.transport.close()
            return
        self._http.start_next_cycle()
        self._read()

    def wake(self) -> None:
        """Something changed that the stream reports."""
        if self._source is not None:
            self._step()

    def _later(self, seconds: float, do: Any) -> None:
        self._cancel_timer()
        if seconds > 0 or self._source is not None:
            self._timer = self._loop.call_later(max(seconds, 0.0), do)
        else:
            do()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
