"""What the engine decides: an effect, as data. The edges deliver it."""

from __future__ import annotations

from typing import NamedTuple

from falmock.fixtures.miss import Miss
from falmock.fixtures.model import Found
from falmock.wire.message import Header


class FileBody(NamedTuple):
    """A body that is on disk: bytes `start` to `stop` of `file`."""

    file: str
    start: int
    stop: int


class Reply(NamedTuple):
    """A whole answer.

    `headers` are complete but for Content-Length, which edges derive from the body; `length` is set where the
    length told is not the body's (HEAD). `delay` is in seconds, to be spent before answering. `fixture` names what
    answered, `why` says why in a few words; `miss` is the report when nothing did.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes | FileBody
    why: str
    fixture: str | None = None
    delay: float = 0.0
    length: int | None = None
    miss: Miss | None = None


class Forward(NamedTuple):
    """Let the request go to the real host.

    `inline` are URLs in its body that only falmock knows, and the content to be put in their place as a data URI.
    """

    why: str
    inline: tuple[tuple[str, Found], ...] = ()


Effect = Reply | Forward
