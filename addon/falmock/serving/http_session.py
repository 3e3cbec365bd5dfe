"""One HTTP/1 connection without I/O: reads requests, gets what to play to each, and plays it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from falmock.engine import replies
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.serving import http_answer
from falmock.serving.bodies import ReplySource
from falmock.serving.bodies import is_paced
from falmock.serving.handler import PLAYS
from falmock.serving.handler import Handler
from falmock.serving.handler import Play
from falmock.serving.handler import Sink
from falmock.serving.handler import TooLarge
from falmock.serving.handler import Tunnel
from falmock.serving.http_reader import RequestReader
from falmock.serving.request_parts import NO_HEAD
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import EndOfRequest
from falmock.serving.request_parts import Head
from falmock.serving.request_parts import WholeRequest
from falmock.serving.session import Ending
from falmock.serving.session import Session
from falmock.wire.message import Header

logger = logging.getLogger(__name__)
MAX_UNREAD = 256 * 1024
"""How many bytes of further requests are kept while an answer is under way; then the carrier stops to read."""
LINGER = 2.0
"""How long (seconds) a connection stays half open after an answer that came before the end of its request."""
HEAD_TIME = 60.0
"""How long (seconds) a head may take to come, from its first byte on."""
BODY_PAUSE = 600.0
"""How long (seconds) a client may send nothing in the middle of a body, as with mitmproxy."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class HttpSession:
    """Answers one request after the other; see `Session`. Requests that come while one is answered wait for their turn."""

    def __init__(self, handler: Handler) -> None:
        self.wake_at: float | None = None
        self.ending = Ending.OPEN
        self._handler = handler
        self._reader = RequestReader()
        self._unread: list[bytes] = []
        self._unread_size = 0
        self._out: list[bytes] = []
        self._head: Head | None = None
        self._sink: Sink | None = None
        self._early: Play | None = None
        """What is played to the request that is coming, known since its head."""
        self._is_busy = False
        """Whether a request is complete and its answer is not."""
        self._is_awaited = False
        """Whether `wake_at` is when the rest of a request must be here."""
        self._head_until: float | None = None
        self._play: Play | None = None
        self._source: Source | None = None
        self._inner: Session | None = None
        """What the connection was upgraded to."""
        self.successor: Session | None = None
        self._closes = self._lingers = self._is_chunked = self._has_body = self._is_raw = False

    @property
    def reads(self) -> bool:
        """Whether the carrier should go on to read: what comes is used soon."""
        return self._unread_size <= MAX_UNREAD if self._inner is None else self._inner.reads

    @property
    def is_socket(self) -> bool:
        """Whether the connection is a WebSocket now."""
        return self._inner is not None and self._inner.is_socket

    def take(self) -> bytes:
        """See `Session`."""
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)

    def gone(self) -> None:
        """See `Session`."""
        self.ending = Ending.ABORT
        self._reader.stop()
        self._forget()
        self._drop_sink()
        if self._inner is not None:
            self._inner.gone()

    # requests

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if self._inner is not None:
            self._inner.receive(data, now)
            self._follow(self._inner)
        elif self.ending is not Ending.OPEN:
            return
        elif self._is_busy:
            self._unread.append(data)
            self._unread_size += len(data)
        else:
            if self._is_awaited:
                self.wake_at, self._is_awaited = None, False
            whole = self._reader.whole(data)
            if whole is None:
                self._reader.feed(data)
                self._read(now)
            else:
                self._take_whole(whole, now)

    def _take_whole(self, whole: WholeRequest, now: float) -> None:
        """Handle a request that came in one piece."""
        self._begin(whole.head, now, may_wait=False)
        if whole.body and not self._is_busy and self.ending is Ending.OPEN:
            self._take_body(whole.body, now)
        if not self._is_busy and self.ending is Ending.OPEN:
            self._complete(now)

    def _await(self, now: float) -> None:
        """Set when the rest of a request must be here: who lets it wait for longer would hold the connection for ever."""
        if not self._reader.is_in_head:
            self.wake_at = now + BODY_PAUSE
        else:
            self.wake_at = self._head_until = self._head_until or now + HEAD_TIME
        self._is_awaited = True

    def _read(self, now: float) -> None:
        """Handle what the reader finds, until a request has to wait for the answer to the one before it."""
        parts = self._reader.parts
        while not self._is_busy and self.ending is Ending.OPEN:
            if not parts:
                if not self._unread:
                    if self._reader.has_begun:
                        self._await(now)
                    return
                unread, self._unread, self._unread_size = b"".join(self._unread), [], 0
                self._reader.feed(unread)
                parts = self._reader.parts
                continue
            part = parts.pop(0)
            if type(part) is bytes:
                self._take_body(part, now)
            elif isinstance(part, Head):
                self._begin(part, now)
            elif isinstance(part, EndOfRequest):
                self._complete(now)
            elif isinstance(part, BadRequest):
                self._refuse(part, now)

    def _begin(self, head: Head, now: float, *, may_wait: bool = True) -> None:
        self._head = head
        self._early = self._sink = self._head_until = None
        place = self._handler.begins(head, now)
        if place is None:
            self.ending = Ending.ABORT
            return
        waits = may_wait and head.method != "GET" and head.is_http11 and head.get(b"expect").lower() == b"100-continue"
        if not isinstance(place, PLAYS):
            self._sink = place
            if waits and not self._reader.parts:
                self._out.append(_CONTINUE)
        elif waits and not self._reader.parts:
            self._cut_short(place, now)  # its client waits with the body, which is not needed
        else:
            self._early = place

    def _take_body(self, data: bytes, now: float) -> None:
        if self._sink is None:
            return
        try:
            self._sink.write(data)
        except TooLarge as error:
            self._drop_sink()
            self._refuse(BadRequest(413, str(error)), now)

    def _complete(self, now: float) -> None:
        head, sink, play = self._head, self._sink, self._early
        if head is None:
            return
        self._is_busy = True
        self._sink = self._early = None
        self._closes = not head.keeps_alive or self._handler.closes
        if sink is not None:
            play = self._handler.complete(head, sink, self, now)
        if play is not None:
            self._begin_to_play(play, now)

    def _refuse(self, bad: BadRequest, now: float) -> None:
        if self._reader.is_in_head:
            self._head = None
        play = self._handler.refused(bad, now)
        if play is None:
            self.ending = Ending.CLOSE
        else:
            self._cut_short(play, now)

    def _cut_short(self, play: Play, now: float) -> None:
        """Play to a request that is not complete, and then end the connection: what else comes is dropped."""
        self._is_busy = self._closes = True
        self._lingers = True
        self._begin_to_play(play, now)

    def _drop_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.drop()

    # answers

    def play(self, play: Play, now: float) -> None:
        """Play to the request for which the handler's `complete` returned None."""
        if self._is_busy and self._play is None and self.ending is Ending.OPEN:
            self._begin_to_play(play, now)
            self._read(now)

    def _begin_to_play(self, play: Play, now: float) -> None:
        self._play = play
        self._handler.plays(play)
        if play.delay > 0:
            self.wake_at = now + play.delay
        else:
            self._start(now)

    def wake(self, now: float) -> None:
        """See `Session`."""
        if self._inner is not None:
            self._inner.wake(now)
            self._follow(self._inner)
            return
        if self.ending is Ending.HALF:
            self.wake_at, self.ending = None, Ending.CLOSE
        elif self._source is not None:
            self._step(now)
            self._read(now)
        elif self._play is not None and self.wake_at is not None and now >= self.wake_at:
            self.wake_at = None
            self._start(now)
            self._read(now)
        elif self._is_awaited and self.wake_at is not None and now >= self.wake_at:
            self.wake_at, self._is_awaited = None, False
            self._drop_sink()
            self._refuse(BadRequest(408, "the rest of it did not come in time"), now)

    def _start(self, now: float) -> None:
        play = self._play
        try:
            if isinstance(play, Reply):
                self._start_reply(play, now)
            elif isinstance(play, Stream):
                self._is_raw = play.length is not None
                self._send_head(play.status, play.headers, play.length)
                self._source = play.source
                self._step(now)
            elif isinstance(play, Socket):
                self._open(play, now)
            elif isinstance(play, Tunnel):
                self._out.append(_ESTABLISHED)
                self._turn_into(play.session, now)
                self.successor = play.session
        except http_answer.UnsendableAnswer:
            logger.exception("falmock: an answer cannot be sent over HTTP")
            self._end(Ending.CLOSE, now)

    def _start_reply(self, reply: Reply, now: float) -> None:
        delivery = reply.delivery
        if delivery is None and type(reply.body) is bytes:
            body = reply.body
            self._is_raw = False
            self._send_head(
                reply.status, reply.headers, len(body) if reply.length is None else reply.length, over_time=False
            )
            if body and self._has_body:
                self._out.append(body)
            self._finish(now)
            return
        if delivery is not None and delivery.reset is ResetPoint.BEFORE_HEADERS:
            self._end(Ending.RESET, now)
            return
        try:
            source = ReplySource(reply.body, delivery)
        except OSError as error:
            self._start_reply(replies.unreadable_asset(error), now)
            return
        length = source.size if reply.length is None else reply.length
        declared = None if delivery is None else delivery.length
        self._is_raw = declared is not None and declared != source.size
        self._send_head(
            reply.status, reply.headers, length if declared is None else declared, over_time=is_paced(reply)
        )
        self._source = source
        self._step(now)

    def _send_head(self, status: int, headers: Iterable[Header], length: int | None, *, over_time: bool = True) -> None:
        head = self._head or NO_HEAD
        self._is_chunked = length is None and head.is_http11
        sent, self._has_body, self._closes = http_answer.head(
            head, status, headers, length, closes=self._closes, over_time=over_time
        )
        self._out.append(sent)

    def _step(self, now: float) -> None:
        """Send the part of the body that is due."""
        self.wake_at = None
        if self._source is None:
            return
        try:
            step = self._source.step(now)
        except Exception:
            logger.exception("falmock: a stream broke off")
            self._end(Ending.CLOSE, now)
            return
        if self._has_body:
            for piece in step.pieces:
                if piece:
                    self._out.append(b"%x\r\n%s\r\n" % (len(piece), piece) if self._is_chunked else piece)
        if step.end is End.OPEN:
            self.wake_at = step.again
        elif step.end is End.RESET:
            self._end(Ending.RESET, now)
        elif step.end is End.CUT or self._is_raw:
            self._end(Ending.CLOSE, now)
        else:
            if self._has_body and self._is_chunked:
                self._out.append(_LAST_CHUNK)
            self._finish(now)

    def _finish(self, now: float) -> None:
        """The answer is complete; another request may follow."""
        if self._closes:
            self._end(Ending.CLOSE, now)
        else:
            self._forget()
            self._is_busy = False
            self._reader.go_on()

    def _end(self, ending: Ending, now: float) -> None:
        """The answer was the last one."""
        self._forget()
        self.ending = ending
        if self._lingers and ending is Ending.CLOSE:
            self.ending, self.wake_at = Ending.HALF, now + LINGER

    def _forget(self) -> None:
        """Nothing is played any more."""
        self.wake_at = None
        play, self._play = self._play, None
        source, self._source = self._source, None
        if isinstance(source, ReplySource):
            source.close()
        if play is not None:
            self._handler.ended(play)

    # upgrades

    def _open(self, play: Socket, now: float) -> None:
        if self._head is not None:
            from falmock.serving.websocket_session import WebSocketSession  # brings a whole library

            socket = WebSocketSession(play)
            socket.open(self._head, now)
            self._turn_into(socket, now)

    def _turn_into(self, inner: Session, now: float) -> None:
        """From now on, the connection is what `inner` makes of it."""
        self._inner = inner
        for data in (self._reader.rest or b"", *self._unread):
            if data:
                inner.receive(data, now)
        self._unread, self._unread_size = [], 0
        self._reader.stop()
        self._follow(inner)

    def _follow(self, inner: Session) -> None:
        if data := inner.take():
            self._out.append(data)
        self.wake_at, self.ending = inner.wake_at, inner.ending
        if self.ending is not Ending.OPEN and self._play is not None:
            play, self._play = self._play, None
            self._handler.ended(play)
