"""What the engine decides: an effect, as data. The edges deliver it.

What takes time is pulled: an edge asks a `Source` or a `Conversation` what is due, and when to ask again. So nothing
here knows a clock, and a client that goes away takes the rest with it.
"""

from __future__ import annotations

import enum
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple
from typing import Protocol

from falmock.engine.injected_fault import InjectedFault
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.model import Found
from falmock.wire.formats.frames import Frame
from falmock.wire.message import Content
from falmock.wire.message import Header

EVERY_JOB = "*"
"""In place of a request id: all jobs, some of which are gone."""


class FileBody(NamedTuple):
    """A body that is on disk: bytes `start` to `stop` of `file`."""

    file: str
    start: int
    stop: int


class ResetPoint(enum.Enum):
    """Where a connection is reset (TCP RST) instead of answered to the end."""

    BEFORE_HEADERS = "before-headers"
    AFTER_HEADERS = "after-headers"


class Delivery(NamedTuple):
    """How the bytes of an answer go when not at once and whole. Times in seconds, sizes in bytes.

    `first_byte` is the wait between headers and body. The body goes in pieces of `piece` bytes (0: as they come) with
    `pause` before each but the first. It ends after `cut` bytes, the connection closed. `length` is the Content-Length
    that is told where it is not the body's.
    """

    first_byte: float = 0.0
    piece: int = 0
    pause: float = 0.0
    cut: int | None = None
    reset: ResetPoint | None = None
    length: int | None = None


class Reply(NamedTuple):
    """A whole answer.

    `headers` are complete but for Content-Length, which edges derive from the body; `length` is set where the length
    told is not the body's (HEAD). `delay` is in seconds, to be spent before answering. `fixture` names what answered,
    `why` says why in a few words; `miss` is the report when nothing did. `delivery` is set for bytes that do not go at
    once and whole, `fault` names the fault that struck. `wakes` is the request id of a job that this call changed:
    streams about it are to be asked again (EVERY_JOB: those about any); `job` that of the job it made.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes | FileBody
    why: str
    fixture: str | None = None
    delay: float = 0.0
    length: int | None = None
    miss: Miss | None = None
    delivery: Delivery | None = None
    fault: str | None = None
    wakes: str | None = None
    job: str = ""


class End(enum.Enum):
    """How it stands with a stream after a step."""

    OPEN = "open"
    """More is to come."""
    WHOLE = "whole"
    """That was all: the body is complete."""
    CUT = "cut"
    """The connection is closed in the middle of the body."""
    RESET = "reset"
    """The connection is reset (TCP RST)."""


class StreamStep(NamedTuple):
    """What is due of a stream: pieces of the body, each to be sent by itself.

    While `end` is OPEN, `again` is when to ask next (seconds since the epoch); None: only when woken.
    """

    pieces: tuple[bytes, ...] = ()
    again: float | None = None
    end: End = End.OPEN


class Source(Protocol):
    """A body that comes over time."""

    def step(self, now: float) -> StreamStep:
        """What is due at `now` (seconds since the epoch) and was not given before."""


class Stream(NamedTuple):
    """An answer whose body comes over time.

    `headers` are complete but for framing. `delay` is in seconds, before the headers. `key` is the request id of the
    job that it tells of: it is asked again when a Reply `wakes` that. `size` is how many bytes the body will have,
    where that is known. `length` is a Content-Length that is told although a stream has none.
    """

    status: int
    headers: tuple[Header, ...]
    source: Source
    why: str
    fixture: str | None = None
    delay: float = 0.0
    key: str = ""
    fault: str | None = None
    size: int | None = None
    length: int | None = None


class SocketStep(NamedTuple):
    """What is due on a socket: frames to be sent in this order.

    `again` is when to ask next (seconds since the epoch); None: not before a message comes. Nothing goes out after a
    Close, a Reset or a Cut. `misses` are the reports of messages that no fixture answers.
    """

    frames: tuple[Frame, ...] = ()
    again: float | None = None
    misses: tuple[Miss, ...] = ()


class Conversation(Protocol):
    """One WebSocket, seen from its server."""

    def opened(self, now: float) -> SocketStep:
        """The handshake is done."""

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """A whole message came; text is str, binary is bytes."""

    def due(self, now: float) -> SocketStep:
        """The time that was asked for has come."""


class ConversationWrapper(ABC):
    """A conversation that goes on as another does, but for what `_passed` makes of each step."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def opened(self, now: float) -> SocketStep:
        """See `Conversation`."""
        return self._passed(self._conversation.opened(now), now)

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """See `Conversation`."""
        return self._passed(self._conversation.received(message, now), now)

    def due(self, now: float) -> SocketStep:
        """See `Conversation`."""
        return self._passed(self._conversation.due(now), now)

    @abstractmethod
    def _passed(self, step: SocketStep, now: float) -> SocketStep:
        """What goes out in place of a step of the other's."""


class Socket(NamedTuple):
    """A WebSocket that is accepted, `delay` seconds later. `headers` go with the 101, besides the handshake's own.

    Of one that is `exact` the client is to see messages that are never whole, too.
    """

    conversation: Conversation
    why: str
    fixture: str | None = None
    headers: tuple[Header, ...] = ()
    fault: str | None = None
    delay: float = 0.0
    exact: bool = False


class Join(NamedTuple):
    """Parts of an upload that lie in files and are to become one, in this order.

    The edge joins them, keeps the whole, removes the parts, and asks `Engine.joined` for the reply. `key` names the
    upload, as UploadComplete does by its path; `injected` is what happens to the reply.
    """

    key: str
    parts: tuple[Content, ...]
    why: str
    fixture: str | None = None
    injected: InjectedFault | None = None


class Forward(NamedTuple):
    """Let the request go to the real host.

    `inline` are URLs in its body that only falmock knows, and the content to be put in their place as a data URI.
    """

    why: str
    inline: tuple[tuple[str, Found], ...] = ()


Answer = Reply | Stream | Socket | Join
"""What falmock answers itself."""
Rewrite = Callable[[Reply | Stream], Reply | Stream]
"""Changes an answer on its way out of a door."""
InsteadOfFal = Callable[[Forward], Reply]
"""The answer to a call that would go on to fal, where it may not."""
Effect = Answer | Forward
