"""One call's view of the shared state: what it read, and what it will write.

The engine decides synchronously. What it needs and nobody loaded raises NotLoaded: the edge loads it, and lets the
engine decide again from the beginning, as nothing has happened. What the engine writes is kept here until it has
decided, and is then committed at once, if all that it read is still as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from falmock.engine.shared.needs import Needed
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Ranged
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.wire.message import Content

T = TypeVar("T")


SETUP = ":setup"
"""How the keys of records end that most calls depend on, and that seldom change."""


class Start(NamedTuple):
    """How the decisions of many calls begin: the records of what is set up that they read, and what follows from these.

    `about` is how the keys of the records begin that single calls are about.
    """

    records: dict[str, bytes | None]
    values: dict[str, Any]
    places: dict[object, Any]
    about: str


class Transaction:
    """`now` is in seconds of the store's clock. `believed` are records as they were when they were last seen here.

    These are trusted while the engine decides, and checked before its answer is given. `start` is how one before it began:
    what it read then counts as read, for as long as nothing else was loaded.
    """

    def __init__(
        self, now: float, believed: Mapping[str, bytes | None] | None = None, start: Start | None = None
    ) -> None:
        self.now = now
        self.start = start
        """How it begins, as far as that is known: see `note_start`."""
        self._begun_with: Mapping[str, bytes | None] = {} if start is None else start.records
        self._loaded: dict[str, bytes | None] = {}
        self._others: dict[Needed, Any] = {}
        self._believed = believed or {}
        self._hoped: dict[str, bytes] = {}
        self._full: set[str] = set()
        self.conflicts: int = 0
        """How often others changed what it depends on before it could be committed."""
        self.written: set[str] = set()
        """The digests of the contents that the edge wrote."""
        self._goes_on = False
        self.begin()
        self._goes_on = True

    def begin(self) -> None:
        """Begin to decide: what was read and written before is forgotten, what was loaded stays."""
        if self._goes_on:
            self._goes_on = False
            return
        start = self.start
        if start is not None and self._loaded and not self._is_still(start.records):
            start = None
            self._forget_start()
        self._read: dict[str, None] = {} if start is None else dict.fromkeys(start.records)
        self._trusted: dict[str, bytes | None] = {} if start is None else start.records.copy()
        """The believed records that it read, as they were then: others may see newer ones while it loads."""
        self._values: dict[str, Any] = {} if start is None else start.values.copy()
        self.places: dict[object, Any] = {} if start is None else start.places.copy()
        """What follows from the records of what is set up, as they are now: made when it is asked for."""
        self._puts: dict[str, Put] = {}
        self._scores: list[Score] = []
        self._limits: dict[str, int] = {}
        self._later: list[Callable[[], None]] = []
        self._last: dict[str, Callable[[], None]] = {}
        self.awaited: dict[str, bytes] = {}
        """The records that it writes and that the next call about them writes again (see `hope`)."""
        self.contents: dict[str, tuple[Content, float]] = {}
        """The contents to write before the commit, by digest, and for how many seconds."""
        self.notes: dict[str, Any] = {}
        """What the views note while the engine decides."""

    # what the engine reads

    def get(self, key: str) -> bytes | None:
        """The record with this key, with what this transaction wrote. Raises NotLoaded."""
        put = self._puts.get(key)
        if put is not None:
            return put.value
        self._read[key] = None
        loaded = self._loaded
        if key in loaded:
            return loaded[key]
        if key not in self._trusted:
            hoped = self._hoped.get(key)
            if hoped is None and key not in self._believed:
                raise NotLoaded(key)
            self._trusted[key] = self._believed[key] if hoped is None else hoped
        return self._trusted[key]

    def is_free(self, key: str) -> bool:
        """Whether there is no record with this key: taken to be so until it is loaded, and checked by the commit."""
        self._read[key] = None
        return self._loaded.get(key) is None

    def value(self, key: str, read: Callable[[bytes], T]) -> T | None:
        """The value of a record, the same object each time until the decision is made; None if there is none.

        Raises NotLoaded.
        """
        values = self._values
        if key not in values:
            data = self.get(key)
            values[key] = None if data is None else read(data)
        found: T | None = values[key]
        return found

    def need(self, needed: Needed) -> Any:
        """What was loaded for a need that is no record. Raises NotLoaded."""
        if needed not in self._others:
            raise NotLoaded(needed)
        return self._others[needed]

    def has_loaded(self, needed: Needed) -> bool:
        """Whether `need` returns this."""
        return needed in self._others

    def has(self, *keys: str) -> bool:
        """Whether all these records are loaded."""
        return all(key in self._loaded or key in self._puts for key in keys)

    def load_together(self, keys: Iterable[str]) -> None:
        """Raises NotLoaded with all those of these records that are needed and not loaded: one round trip for all."""
        missing = [key for key in keys if not self.has(key)]
        if missing:
            raise NotLoaded(*missing)

    # what it writes

    def put(self, key: str, value: bytes | None, ttl: float, *, checked: bool = True) -> None:
        """Write a record for `ttl` seconds, or delete it (None).

        `checked`: what it was before matters. Raises NotLoaded if that is not known.
        """
        if checked:
            self.get(key)
        self._puts[key] = Put(value, ttl)
        self._values.pop(key, None)
        if key.endswith(SETUP):
            self.places.clear()

    def create(self, key: str, value: bytes, ttl: float) -> None:
        """Write a record whose key is new: nobody else writes it before this transaction ends."""
        self._puts[key] = Put(value, ttl)

    def write_content(self, content: Content, ttl: float) -> None:
        """Write a content for `ttl` seconds; one without bytes is in the store, and lives on."""
        known = self.contents.get(content.sha256)
        if known is None or (known[0].data is None and known[0].file is None):
            self.contents[content.sha256] = content, ttl

    def keep(self, key: str, value: object) -> None:
        """Have `value` return this object for a record that is written at the end (see `at_the_end`)."""
        self._values[key] = value

    def at_the_end(self, key: str, write: Callable[[], None]) -> None:
        """Call this once when the engine has decided: it writes the record with this key."""
        self._last[key] = write

    def forget_end(self, key: str) -> None:
        """Do not write this record at the end."""
        self._last.pop(key, None)

    def is_full(self, key: str, most: int) -> bool:
        """Whether a commit failed because this sorted set has as many items as it may have. Raises NotLoaded."""
        if key not in self._full:
            return False
        # Of several that were limited, any may have been the full one.
        return len(self._full) == 1 or len(self.need(Ranged(key, self.now, float("inf"), most))) >= most

    def score(self, key: str, item: bytes, at: float | None) -> None:
        """Put an item into a sorted set, or remove it (None)."""
        self._scores.append(Score(key, item, at))

    def limit(self, key: str, most: int) -> None:
        """Commit only if this sorted set has fewer than `most` items, without those with a score below `now`."""
        self._limits[key] = most

    def later(self, effect: Callable[[], None]) -> None:
        """Do this after the commit; nothing if it fails."""
        self._later.append(effect)

    # what the edge does

    def loaded(self, needed: Needed, found: Any) -> None:
        """Take in what the store has for a need."""
        if isinstance(needed, str):
            self._loaded[needed] = found
        else:
            self._others[needed] = found

    def load(self, records: Iterable[tuple[str, bytes | None]]) -> None:
        """Take in records as the store has them."""
        self._loaded.update(records)

    def go_on(self) -> None:
        """Keep what was read for the next decision: nothing was written, and what was loaded since is as it was believed."""
        self._goes_on = self.is_trusting

    def hope(self, key: str, value: bytes) -> None:
        """Believe that a record is still as this falmock wrote it: the commit checks it, so it need not be loaded."""
        self._hoped[key] = value

    @property
    def is_hoping(self) -> bool:
        """Whether it believes a record for which `hope` was called."""
        return bool(self._hoped)

    def full(self) -> None:
        """The commit failed because a sorted set has no room."""
        self._full |= self._limits.keys()
        self._others.clear()

    def end(self) -> None:
        """The engine has decided: write what it changed."""
        for write in list(self._last.values()):
            write()
        self._last.clear()

    @property
    def keys_read(self) -> tuple[str, ...]:
        """The records that the engine read so far."""
        return tuple(self._read)

    def note_start(self, about: str) -> None:
        """What was read so far is what the next call of this kind reads first, if that is what is set up alone. See Start."""
        if not (self._puts or self._scores or self._last or self._later):
            read = self._read
            if all(key.endswith(SETUP) for key in read):
                records = {key: self.get(key) for key in read}
                self.start = Start(records, self._values.copy(), self.places.copy(), about)

    def noted(self) -> Start | None:
        """How it began, with all that its decision found to follow from it."""
        start = self.start
        if start is None or any(
            key.endswith(SETUP) for key in (*self._puts, *(self._read.keys() - start.records.keys()))
        ):
            return start
        return start._replace(places=self.places.copy())

    def _forget_start(self) -> None:
        self.start, self._begun_with = None, {}

    def forget(self) -> None:
        """Others changed what was loaded: nothing of it is true any more."""
        self._loaded.clear()
        self._others.clear()
        self._full.clear()
        self._believed = {}
        self._forget_start()
        self.conflicts += not self._hoped  # that others looked at a job first is no contest
        self._hoped = {}

    def to_believe(self) -> list[tuple[str, bytes | None]]:
        """The records that say what is set up, as they are after the commit, but for those that it began with."""
        puts, loaded, begun_with = self._puts, self._loaded, self._begun_with
        return [
            (key, puts[key].value if key in puts else loaded[key])
            for key in self._read
            if (key in puts or (key in loaded and key not in begun_with)) and key.endswith(SETUP)
        ]

    @property
    def unseen(self) -> tuple[str, ...]:
        """The records that the engine believed and read, and that were not loaded since."""
        loaded = self._loaded
        return tuple([key for key in self._trusted if key not in loaded])

    @property
    def is_seen(self) -> bool:
        """Whether there is nothing to commit, and nothing that it believed and was not loaded since."""
        return not (self._puts or self._scores or self.unseen)

    @property
    def is_trusting(self) -> bool:
        """Whether the believed records that it read are still as the store has them, as far as they were loaded."""
        return self._is_still(self._trusted)

    def _is_still(self, records: Mapping[str, bytes | None]) -> bool:
        loaded = self._loaded
        for key, value in records.items():  # noqa: SIM110 - each call pays for a generator
            if loaded.get(key, value) != value:
                return False
        return True

    @property
    def writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._puts or self._scores)

    def commit(self, score_ttl: float) -> Commit:
        """What to commit."""
        expected = {key: self._loaded[key] if key in self._loaded else self._trusted.get(key) for key in self._read}
        return Commit(expected, self._puts, tuple(self._scores), self._limits, self.now, score_ttl)

    def after(self) -> None:
        """It is committed: have the effects that waited for it."""
        for effect in self._later:
            effect()
