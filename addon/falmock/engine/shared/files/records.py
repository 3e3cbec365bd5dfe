"""Reads and writes the records of files, which all scopes share, in the transaction under way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from falmock.engine.shared.current import Current
from falmock.engine.shared.forms import Form
from falmock.engine.shared.needs import Ranged
from falmock.engine.shared.transaction import Transaction
from falmock.wire import storage

T = TypeVar("T")
_MOST = 200_000
"""How many items of a set are read at most."""
_PREFIX = "{}:"
LEAST = 3600.0
"""How long (seconds) records live at least: jobs may be kept for moments only, and alone a falmock keeps files while it runs."""
_SPARE = 60.0
"""How much longer (seconds) content is kept than the record that names it."""


def key_of(kind: str, name: str) -> str:
    """The key of the record of this kind with a name, of any length."""
    return f"{_PREFIX}{kind}:{storage.digest(name.encode('utf-8', 'surrogatepass'))[:32]}"


class FileRecords:
    """The records of files. Each lives for `ttl()` seconds, or LEAST, after it was written last: again while it is used."""

    def __init__(self, current: Current, ttl: Callable[[], float]) -> None:
        self._current = current
        self._ttl = ttl

    @property
    def transaction(self) -> Transaction:
        """The transaction under way."""
        return self._current.transaction

    @property
    def is_deciding(self) -> bool:
        """Whether a transaction is under way."""
        return self._current.is_deciding

    @property
    def now(self) -> float:
        """The time of the transaction."""
        return self.transaction.now

    @property
    def ttl(self) -> float:
        """How long records live."""
        return max(self._ttl(), LEAST)

    @property
    def content_ttl(self) -> float:
        """How long content lives."""
        return self.ttl + _SPARE

    def is_old(self, since: float) -> bool:
        """Whether something that was last written then, and is used now, should be written again."""
        return self.now - since > self.ttl / 4

    def read(self, kind: str, name: str, form: Form[T]) -> T | None:
        """A record; None if there is none. Raises NotLoaded, UnknownForm."""
        return self.transaction.value(key_of(kind, name), form.read)

    def write(self, kind: str, name: str, data: bytes | None) -> None:
        """Write a record, or delete it (None). What it was is checked if it was read."""
        self.transaction.put(key_of(kind, name), data, self.ttl, checked=False)

    def expect(self, *names: tuple[str, str]) -> None:
        """These records (kind and name) will be read. Raises NotLoaded for all that are not loaded."""
        self.transaction.load_together(key_of(*each) for each in names)

    # sets of what there is, by the time at which each may be forgotten

    def note(self, kind: str, item: str, limit: int) -> None:
        """Note in the set of this kind that an item is used. At the limit, the least recently used one is forgotten.

        Raises NotLoaded.
        """
        transaction, key = self.transaction, f"{_PREFIX}{kind}s"
        if transaction.is_full(key, limit):
            for oldest, _ in transaction.need(Ranged(key, self.now, math.inf, 1)):
                name = oldest.decode()
                if name != item:
                    transaction.put(name if name.startswith(_PREFIX) else key_of(kind, name), None, 0.0, checked=False)
                    transaction.score(key, oldest, None)
        else:
            transaction.limit(key, limit)
        transaction.score(key, item.encode(), self.now + self.ttl)
        transaction.notes.setdefault(key, {})[item] = None

    def listed(self, kind: str) -> list[str]:
        """The items of the set of this kind, with those that this transaction added; the last used are the first.

        Raises NotLoaded.
        """
        key = f"{_PREFIX}{kind}s"
        items = [item.decode() for item, _ in self.transaction.need(Ranged(key, self.now, math.inf, _MOST))]
        noted = self.transaction.notes.get(key, {})
        return [*reversed(noted), *(item for item in reversed(items) if item not in noted)]

    def all_of(self, kind: str, form: Form[T]) -> list[T]:
        """The records that are the items of the set of this kind. Raises NotLoaded."""
        keys = self.listed(kind)
        self.transaction.load_together(keys)
        found = [self.transaction.value(key, form.read) for key in keys]
        return [each for each in found if each is not None]
