"""What a store of shared state can do. It knows keys and bytes, and nothing of fal.

Keys are names without the store's prefix. Times are seconds of the store's clock (`Store.now`), as `time.time()` counts them.
Everything that is written has a time to live (`ttl`, in seconds), and is gone after it. A key holds one kind of thing: a
value (`load`, `commit`), a sorted set (`commit`, `ranged`, `take`) or a log (`append`, `read`, `bounds`, `watch`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import NamedTuple
from typing import Protocol

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Unavailable(Exception):
    """The store cannot be reached, is too slow or refuses. Nothing was written. The text is a reason for people, without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unknown(Unavailable):
    """A write was sent and its answer did not arrive: it was done or it was not. Neither may be told as known."""


class Put(NamedTuple):
    """A value to write."""

    value: bytes | None
    """None deletes the key."""
    ttl: float
    """How long the value lives, in seconds. Says nothing for a deletion."""


class Score(NamedTuple):
    """An item of a sorted set to write."""

    key: str
    item: bytes
    at: float | None
    """The score of the item. None removes it."""


class Commit(NamedTuple):
    """Writes that are all done, or none of them.

    First `expected` is compared, then the sorted sets in `limits` are counted, then `puts` are written, then items before
    `now` leave the sets in `limits`, then `scores` are written.
    """

    expected: Mapping[str, bytes | None] = NOTHING
    """What the keys must hold, None for nothing. If one differs, nothing is written."""
    puts: Mapping[str, Put] = NOTHING
    scores: Sequence[Score] = ()
    """Written in order. An item that is there gets the new score."""
    limits: Mapping[str, int] = NOTHING
    """Sorted sets that must have fewer items than this, not counting those below `now`. Else nothing is written."""
    now: float = 0.0
    score_ttl: float = 3600.0
    """How long the sorted sets in `scores` live from now on, in seconds."""


class Outcome(enum.Enum):
    """What came of a commit."""

    DONE = "done"
    CONFLICT = "conflict"
    """A key of `expected` held something else. Nothing was written."""
    FULL = "full"
    """A sorted set of `limits` has too many items. Nothing was written."""


class Append(NamedTuple):
    """Entries to add to the end of a log."""

    log: str
    entries: Sequence[bytes]
    keep: int
    """At least this many of the newest entries are kept (1 or more). A store may keep some more."""
    ttl: float
    """How long the whole log lives from now on, in seconds."""


class Store(Protocol):
    """Where shared state lives.

    Each method raises `Unavailable` when the store cannot be reached, is too slow, refuses (full, loading, read-only) or
    failed over, and `Unknown` when this happened to a write that was sent. A store recovers by itself: the next call tries again.
    """

    async def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of the keys in their order, None for each that is absent. All are of one moment."""

    async def commit(self, commit: Commit) -> Outcome:
        """Does all writes of a commit or none. Nobody sees a part of them."""

    async def ranged(self, key: str, low: float, high: float, limit: int) -> list[tuple[bytes, float]]:
        """Items of a sorted set with low <= score <= high: the `limit` lowest, by score and then by bytes."""

    async def take(self, key: str, until: float, lease_until: float, limit: int) -> list[bytes]:
        """The `limit` lowest items with score <= until, whose score becomes `lease_until` at once.

        Nobody else gets them before. Who has done an item removes it (`Score(key, item, None)`); if the taker dies, another
        takes it after `lease_until`. The life of the sorted set does not change.
        """

    async def append(self, logs: Sequence[Append]) -> list[int]:
        """Adds entries to logs, each named once. Returns the number of the last entry of each, 0 for one without any.

        Entries of a log are numbered 1, 2, 3 and so on, without gaps, whoever appends. Each log is written at once; of several
        some may be written when it raises `Unknown`.
        """

    async def read(self, log: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The first `limit` entries with a number above `after`, and their numbers."""

    async def bounds(self, log: str) -> tuple[int, int]:
        """The numbers of the first entry that is kept and of the last one. (1, 0) for a log without entries."""

    async def watch(self, logs: Mapping[str, int], seconds: float) -> set[str]:
        """Waits until one of the logs has an entry with a higher number than given, or until the time is over.

        Returns the logs that have one. Waiting delays no other call.
        """

    async def put_blob(self, sha256: str, content: bytes, ttl: float) -> None:
        """Keeps the content whose SHA-256 has these hexadecimal digits."""

    async def blob(self, sha256: str) -> bytes | None:
        """The content with this digest. None if it is absent, incomplete or damaged."""

    async def now(self) -> float:
        """The store's clock."""

    async def close(self) -> None:
        """Ends the connections. Calls that wait raise `Unavailable`, as do later ones."""
