"""One call as it went over the wire, request and answer: what the recorder is fed, whatever it was read from."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.message import Request
from falmock.wire.storage import digest


class Content(NamedTuple):
    """The bytes of a body by their digest (SHA-256, hex), and where they are: in memory, in a file, or gone.

    A body that was only hashed on its way (an upload) has neither `data` nor `file`.
    """

    sha256: str
    size: int
    data: bytes | None = None
    file: str | None = None


def content_of(data: bytes) -> Content:
    """The content that some bytes in memory are."""
    return Content(digest(data), len(data), data=data)


class Exchange(NamedTuple):
    """A request and its answer. Times in seconds since the epoch.

    `headers` are the answer's, lower-case names. A body that was streamed through is in `sent` or `received`,
    and empty in `request.body` or `body`. `chunks` are the pieces of an event stream and when each came.
    `lost` says why a body is not whole, where the source of the exchange (a HAR, a flow file) does not have it.
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
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
