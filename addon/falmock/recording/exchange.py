"""One call as it went over the wire, request and answer: what the recorder is fed, whatever it was read from."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.formats.frames import Close
from falmock.wire.formats.media import media_type
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of


class Exchange(NamedTuple):
    """A request and its answer. Times in seconds since the epoch.

    `headers` are the answer's, lower-case names. A body that was streamed through is in `sent` or `received`,
    and empty in `request.body` or `body`. `chunks` are the pieces of an event stream and when each came.
    `lost` says why a body is not whole, where the source of the exchange (a HAR, a flow file) does not have it, or the
    stream broke off; `broke_off` that nobody got more of it, as it was fal's connection that ended.
    """

    request: Request
    started: float
    status: int
    headers: dict[str, str]
    body: bytes
    ended: float
    sent: Content | None = None
    received: Content | None = None
    chunks: tuple[tuple[float, bytes], ...] = ()
    lost: str = ""
    broke_off: bool = False

    @property
    def uploaded(self) -> Content:
        """The content that the request carried."""
        return self.sent or content_of(self.request.body)

    @property
    def downloaded(self) -> Content:
        """The content that the answer brought."""
        return self.received or content_of(self.body)

    @property
    def content_type(self) -> str:
        """The media type of the answer, without parameters, lower case; "" where it tells none."""
        return media_type(self.headers.get("content-type", ""))


class Message(NamedTuple):
    """A whole message: text is str, binary is bytes. `at` is when it passed (seconds since the epoch)."""

    at: float
    from_client: bool
    content: str | bytes


class Session(NamedTuple):
    """A socket that was accepted. Times in seconds since the epoch.

    `close` is what the server ended it with; None where the client did. `lost` says why it is not whole: it broke off,
    or nobody knows how it went on.
    """

    request: Request
    opened: float
    messages: tuple[Message, ...]
    ended: float
    close: Close | None = None
    lost: str = ""
