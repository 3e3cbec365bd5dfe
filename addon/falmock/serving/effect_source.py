"""What a connection plays, and where it gets it from."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from typing import NamedTuple
from typing import Protocol

from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.wire.message import Content
from falmock.wire.message import Header


class Sink(Protocol):
    """Takes the body of a request as it comes."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def drop(self) -> None:
        """The client is gone before the end: forget what came."""

    def content(self) -> Content:
        """The whole body came."""


class Upload(NamedTuple):
    """A request whose body goes to `sink`; `answer` is then asked for what to reply."""

    sink: Sink
    answer: Callable[[Content], Awaitable[Reply]]


Play = Reply | Stream | Socket | Upload
"""What is played to one request."""


class Connection(Protocol):
    """One open connection."""

    def wake(self) -> None:
        """Something changed that its stream tells of."""

    def abort(self) -> None:
        """Break off at once."""


class EffectSource(Protocol):
    """Tells a connection what to play, and wakes it."""

    connections: set[Connection]
    """Those that are open."""

    @property
    def clock(self) -> Callable[[], float]:
        """The time in seconds since the epoch."""

    def for_request(self, headers: Iterable[Header]) -> Play | None:
        """What to play to the request with these headers; None where its connection is to be broken off."""

    def listen(self, key: str, connection: Connection) -> None:
        """Wake this connection from now on when the job with this request id changes; "" for none."""

    def stop_listening(self, key: str, connection: Connection) -> None:
        """Wake it no more."""
