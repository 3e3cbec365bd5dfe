"""What a decision needs of a store, and that it is not loaded yet."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import NamedTuple
from typing import TypeVar

T = TypeVar("T")


class Ranged(NamedTuple):
    """The items of a sorted set with scores from `low` to `high`, at most `limit`, the lowest first."""

    key: str
    low: float
    high: float
    limit: int


class Entries(NamedTuple):
    """The entries of a log after the one with a number, at most `limit`."""

    log: str
    after: int
    limit: int


class Bounds(NamedTuple):
    """The numbers of the first entry of a log that is kept, and of the last."""

    log: str


class Blob(NamedTuple):
    """The content with this digest (SHA-256, hex)."""

    sha256: str


class Record(NamedTuple):
    """The record with this key, which never changes: it is not checked with the commit."""

    key: str


class Flushed(NamedTuple):
    """That all falmocks have appended to the logs what they had answered before."""


FLUSHED = Flushed()


class FileContent(NamedTuple):
    """The content of a file by its digest (SHA-256, hex), in memory or on disk: a Content, or None."""

    sha256: str


Needed = str | Record | Ranged | Entries | Bounds | Blob | FileContent | Flushed
"""What may be loaded: a record by its key, or one of these."""


class NotLoaded(Exception):
    """The engine needs this of the store: it is to be loaded, and the call decided again."""

    def __init__(self, *needed: Needed) -> None:
        super().__init__(*needed)
        self.needed = needed


def together(reads: Iterable[Callable[[], T]]) -> list[T]:
    """What these return. Raises NotLoaded with all that any of them needs: one round trip for all."""
    found: list[T] = []
    needed: list[Needed] = []
    for read in reads:
        try:
            found.append(read())
        except NotLoaded as missing:
            needed += missing.needed
    if needed:
        raise NotLoaded(*needed)
    return found
