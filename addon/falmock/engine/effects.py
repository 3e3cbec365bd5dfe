"""Effects: the decisions of the engine, as data. The edges deliver them.

What takes time is pulled: an edge calls a `Source` or a `Conversation` for what is due and the time of the next call.
So the engine needs no clock, and nothing is left running when a client disconnects.
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
"""In place of a request id: all jobs, also dropped ones."""


class FileBody(NamedTuple):
    """A body that is on disk: bytes `start` to `stop` of `file`."""

    file: str
    start: int
    stop: int


class ResetPoint(enum.Enum):
    """Where a connection is reset (TCP RST) instead of completing the answer."""

    BEFORE_HEADERS = "before-headers"
    AFTER_HEADERS = "after-headers"


class Delivery(NamedTuple):
    """How an answer is sent if not whole and at once. Times in seconds, sizes in bytes.

    `first_byte` is the wait between headers and body. The body is sent in pieces of `piece` bytes (0: as they come)
    with `pause` before each but the first. The connection is closed after `cut` bytes. `length` is the Content-Length to
    send if it is not the body's.
    """

    first_byte: float = 0.0
    piece: int = 0
    pause: float = 0.0
    cut: int | None = None
    reset: ResetPoint | None = None
    length: int | None = None


class Reply(NamedTuple):
    """A whole answer.

    `headers` are complete except for Content-Length, which edges derive from the body; `length` is set if the length to
    send is not the body's (HEAD). `delay` is the wait before answering, in seconds. `fixture` names the fixture that
    answered, `why` says why in a few words; `miss` is the report if no fixture matches. `delivery` is set for a body that
    is not sent whole and at once, `fault` names the injected fault. `wakes` is the request id of a job that this call
    changed: edges call its streams again (EVERY_JOB: all streams); `job` is the request id of the job it made. `warning`
    is a sentence about a call that is answered, but that fal might answer otherwise; "" if there is none. `progress` is
    the endpoint id of a job and its state, if this is its status; for people.
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
    warning: str = ""
    progress: str = ""


class End(enum.Enum):
    """The state of a stream after a step."""

    OPEN = "open"
    """More is to come."""
    WHOLE = "whole"
    """The body is complete."""
    CUT = "cut"
    """The connection is closed in the middle of the body."""
    RESET = "reset"
    """The connection is reset (TCP RST)."""


class StreamStep(NamedTuple):
    """What is due on a stream: pieces of the body, each to be sent by itself.

    While `end` is OPEN, `again` is the time of the next step (seconds since the epoch); None: only when woken.
    `keep_alive`: the only piece is no event, it shows that the connection is alive.
    """

    pieces: tuple[bytes, ...] = ()
    again: float | None = None
    end: End = End.OPEN
    keep_alive: bool = False


class Source(Protocol):
    """A body that comes over time."""

    def step(self, now: float) -> StreamStep:
        """What is due at `now` (seconds since the epoch) and was not returned before."""


class Stream(NamedTuple):
    """An answer whose body comes over time.

    `headers` are complete except for framing. `delay` is the wait before the headers, in seconds. `key` is the request
    id of the job that it reports on: a Reply that `wakes` this job causes a step. `size` is the number of bytes of the
    body, if known. `length` is a Content-Length to send although a stream has none. `warning` is as in a Reply.
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
    warning: str = ""


class SocketStep(NamedTuple):
    """What is due on a socket: frames to be sent in this order.

    `again` is when to call `due` next (seconds since the epoch); None: not before a message comes. Nothing is sent after
    a Close, a Reset or a Cut. `misses` are the reports of messages that no fixture answers, `warnings` those of the
    answers, without secrets.
    """

    frames: tuple[Frame, ...] = ()
    again: float | None = None
    misses: tuple[Miss, ...] = ()
    warnings: tuple[str, ...] = ()


class Conversation(Protocol):
    """The server side of one WebSocket."""

    def opened(self, now: float) -> SocketStep:
        """The handshake is done."""

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """A whole message came; text is str, binary is bytes."""

    def due(self, now: float) -> SocketStep:
        """The time `again` of the last step has come."""


class ConversationWrapper(ABC):
    """A conversation around another one; `_passed` can change each step."""

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
        """The step to return in place of one of the inner conversation."""


class Socket(NamedTuple):
    """A WebSocket to accept after `delay` seconds. `headers` are sent with the 101, in addition to the handshake's own.

    With `exact`, incomplete messages must reach the client too.
    """

    conversation: Conversation
    why: str
    fixture: str | None = None
    headers: tuple[Header, ...] = ()
    fault: str | None = None
    delay: float = 0.0
    exact: bool = False


class Join(NamedTuple):
    """Parts of an upload on disk, to be joined in this order.

    The edge joins them, keeps the whole, removes the parts, and calls `Engine.joined` for the reply. `key` names the
    upload, as the path of UploadComplete does; `injected` is the fault to apply to the reply.
    """

    key: str
    parts: tuple[Content, ...]
    why: str
    fixture: str | None = None
    injected: InjectedFault | None = None


class Forward(NamedTuple):
    """Forward the request to the real host.

    `inline` are URLs in its body that only falmock serves, and the content that replaces them as data URIs.
    """

    why: str
    inline: tuple[tuple[str, Found], ...] = ()


Answer = Reply | Stream | Socket | Join
"""What falmock answers itself."""
Rewrite = Callable[[Reply | Stream], Reply | Stream]
"""Changes an answer before a door sends it."""
InsteadOfFal = Callable[[Forward], Reply]
"""The answer to a call that would be forwarded to fal, but may not be."""
Effect = Answer | Forward
