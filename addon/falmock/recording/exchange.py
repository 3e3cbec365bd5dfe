"""The input of the recorder from any source: calls as request and answer, and socket sessions."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.formats.frames import Close
from falmock.wire.formats.media import media_type
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of


class Exchange(NamedTuple):
    """A request and its answer. Times are in seconds since the epoch, 0 if the source has none.

    `headers` are the answer's, with lower-case names. A body that was streamed is in `sent` or `received`, and empty
    in `request.body` or `body`. `chunks` are the chunks of a streamed answer with their times. `lost` says why a body is
    not complete ("" if it is): the source (a HAR, a flow file) does not have it, or the stream broke off. `broke_off`:
    the client did not get more either, because fal's connection ended.
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
        """The content of the request body."""
        return self.sent or content_of(self.request.body)

    @property
    def downloaded(self) -> Content:
        """The content of the answer body."""
        return self.received or content_of(self.body)

    @property
    def content_type(self) -> str:
        """The media type of the answer, without parameters, lower case; "" if there is none."""
        return media_type(self.headers.get("content-type", ""))


class Message(NamedTuple):
    """A complete message: text is str, binary is bytes. `at` is when it was observed (seconds since the epoch)."""

    at: float
    from_client: bool
    content: str | bytes


class Session(NamedTuple):
    """A socket that was accepted. Times are in seconds since the epoch.

    `close` is the server's close frame; None if the client closed it. `lost` says why the session is not complete ("" if
    it is): it broke off, or its end was not observed.
    """

    request: Request
    opened: float
    messages: tuple[Message, ...]
    ended: float
    close: Close | None = None
    lost: str = ""
