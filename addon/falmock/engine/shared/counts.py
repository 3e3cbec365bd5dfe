"""The counts of one scope in a store: of the calls of each match, and of the calls that faults were checked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import NamedTuple

from falmock.engine.injected_fault import FaultCounts
from falmock.engine.shared.forms import Form
from falmock.engine.shared.place import Place

_COUNT = Form("count", 1, int)


class SharedCounts(Counter[str]):
    """How many calls each match had. Only `[]`, `[] =` and `pop` are used, and work on the transaction."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def _key(self, name: str) -> str:
        return self._place.key("count", _short(name))

    def __getitem__(self, name: str) -> int:
        """Raises NotLoaded."""
        return self._place.transaction.value(self._key(name), _COUNT.read) or 0

    def __setitem__(self, name: str, count: int) -> None:
        self._place.transaction.put(self._key(name), _COUNT.write(count), self._place.ttl)

    def pop(self, name: str, default: int | None = None) -> int | None:  # type: ignore[override]
        """Begin to count anew."""
        self._place.transaction.put(self._key(name), None, self._place.ttl, checked=False)
        return default

    def clear(self) -> None:
        """Nothing: a reset begins a new generation."""


class Tally(NamedTuple):
    """How many calls a fault was checked for, how many it was due in, and how many got it."""

    checked: int
    injected: int
    struck: int


_TALLY = Form("fault count", 1, Tally)


class SharedFaultCounts(FaultCounts):
    """See FaultCounts."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def _key(self, name: str) -> str:
        return self._place.key("fault", _short(name))

    def _get(self, key: str) -> tuple[int, int, int]:
        return self._place.transaction.value(self._key(key), _TALLY.read) or (0, 0, 0)

    def _set(self, key: str, counts: tuple[int, int, int]) -> None:
        self._place.transaction.put(self._key(key), _TALLY.write(Tally(*counts)), self._place.ttl)

    def clear(self) -> None:
        """Nothing: a reset begins a new generation."""


def _short(name: str) -> str:
    """A name for a key: the rule of a match may be long, and may contain an input."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
