"""What a connection plays, and where it gets that from."""

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
        """The client disconnected before the end: discard what came."""

    def content(self) -> Content:
        """The body is complete: its content."""


class Upload(NamedTuple):
    """A request whose body goes to `sink`; then `answer` returns the reply."""

    sink: Sink
    answer: Callable[[Content], Awaitable[Reply]]


Play = Reply | Stream | Socket | Upload
"""What to play to one request."""


class Connection(Protocol):
    """One open connection."""

    def wake(self) -> None:
        """Something changed that its stream reports."""

    def abort(self) -> None:
        """Close the connection at once."""


class EffectSource(Protocol):
    """Decides what a connection plays, and wakes it."""

    connections: set[Connection]
    """The open connections."""

    @property
    def clock(self) -> Callable[[], float]:
        """The time in seconds since the epoch."""

    def for_request(self, headers: Iterable[Header]) -> Play | None:
        """What to play to the request with these headers; None to close its connection."""

    def listen(self, key: str, connection: Connection) -> None:
        """Wake this connection whenever the job with this request id changes; "" for no job."""

    def stop_listening(self, key: str, connection: Connection) -> None:
        """Stop waking this connection."""
