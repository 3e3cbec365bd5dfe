"""One TCP connection that carries a session: owns the socket and the timer, and knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Protocol
from typing import cast

from falmock.serving import tcp_reset
from falmock.serving.handler import Handler
from falmock.serving.handler import Later
from falmock.serving.handler import Play
from falmock.serving.http_session import HttpSession
from falmock.serving.session import OVER
from falmock.serving.session import Ending
from falmock.serving.session import Session

logger = logging.getLogger(__name__)
MAX_UNREAD = 256 * 1024 * 1024
"""A WebSocket is aborted if more than this (bytes) waits for its client to read it."""
_STEPS = 16
"""How many steps of an answer are made before other connections have their turn."""


class Listener(Protocol):
    """What a connection needs of the server that it belongs to."""

    connections: set[Connection]
    """The open connections."""

    @property
    def clock(self) -> Callable[[], float]:
        """The time in seconds since the epoch."""

    def handler(self, connection: Connection) -> Handler:
        """Decides what this connection plays."""


class Connection(asyncio.Protocol):
    """Carries one session over a transport: an HttpSession with the listener's handler, or what `session` returns."""

    transport: asyncio.Transport

    def __init__(self, listener: Listener, session: Callable[[Connection], Session] | None = None) -> None:
        self._listener = listener
        self._begin = session or (lambda connection: HttpSession(listener.handler(connection)))
        self._clock = listener.clock
        self._loop = asyncio.get_running_loop()
        self._session: Session
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_paused = self._is_half = self._is_reading_paused = False

    # the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connects."""
        self.transport = cast("asyncio.Transport", transport)
        self._session = self._begin(self)
        self._listener.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client is gone: stop everything that was played to it."""
        self._listener.connections.discard(self)
        self._cancel_timer()
        session, self._session = self._session, OVER  # else both would be there until the garbage is collected
        session.gone()
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._session.receive(data, self._clock())
        self._flush()

    def pause_writing(self) -> None:
        """The client does not read for now."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_paused = False
        self._loop.call_soon(
            self.wake
        )  # not in here: asyncio closes a transport twice if it is closed while it resumes

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    # the session

    def wake(self) -> None:
        """Something changed that the session may report."""
        if not self._is_paused and not self.transport.is_closing():
            self._session.wake(self._clock())
            self._flush()

    def play_later(self, session: Later, coming: Awaitable[Play]) -> None:
        """Play what this returns to the request under way of a session of this connection."""
        task = self._loop.create_task(self._play(session, coming))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, session: Later, coming: Awaitable[Play]) -> None:
        try:
            play = await coming
        except Exception:
            logger.exception("falmock: a connection failed")
            self.abort()
        else:
            session.play(play, self._clock())
            self.wake()

    def _flush(self) -> None:
        """Send what the session has to send, end as it says, and wake it when it says."""
        session, transport = self._session, self.transport
        if transport.is_closing():
            return
        steps = 0
        while True:
            if data := session.take():
                transport.write(data)
                if self._is_paused and session.is_socket and self._is_unread():
                    return
            if session.successor is not None:
                self._session = session = session.successor
                continue
            if session.ending is not Ending.OPEN:
                self._end(session.ending)
                break
            if session.wake_at is None or self._must_wait or session.wake_at > (now := self._clock()):
                break
            if steps == _STEPS:
                break
            steps += 1
            session.wake(now)
        if session.wake_at is not None or self._timer is not None:
            self._set_timer()
        if session.reads is self._is_reading_paused:
            self._set_reading()

    @property
    def _must_wait(self) -> bool:
        """Whether the session has to wait until the client reads. A WebSocket does not wait, up to a limit."""
        return self._is_paused and not self._session.is_socket

    def _is_unread(self) -> bool:
        """Abort a WebSocket whose client does not read; returns whether it was aborted."""
        if self.transport.get_write_buffer_size() <= MAX_UNREAD:
            return False
        logger.warning("falmock: a WebSocket was closed because its client does not read what it is sent")
        self.transport.abort()
        return True

    def _end(self, ending: Ending) -> None:
        if ending is Ending.HALF:
            if not self._is_half:
                self._is_half = True
                self.transport.write_eof()
        elif ending is Ending.ABORT:
            self.transport.abort()
        elif ending is Ending.RESET and not self.transport.get_write_buffer_size():
            tcp_reset.reset(self.transport)
        else:
            self.transport.close()

    def _set_timer(self) -> None:
        self._cancel_timer()
        at = self._session.wake_at
        if at is None or self.transport.is_closing() or self._must_wait:
            return
        self._timer = self._loop.call_later(max(at - self._clock(), 0.0), self._due)

    def _due(self) -> None:
        self._timer = None
        self._session.wake(max(self._clock(), self._session.wake_at or 0.0))
        self._flush()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_reading(self) -> None:
        if self.transport.is_closing():
            return
        self._is_reading_paused = not self._session.reads
        if self._is_reading_paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
