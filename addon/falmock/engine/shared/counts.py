"""The counts of one scope in a store: of the calls of each match, and of the calls that faults were checked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from falmock.engine.injected_fault import FaultCounts
from falmock.engine.shared.forms import Form
from falmock.engine.shared.place import Place

_COUNT = Form("count", 1, int)


class SharedCounts(Counter[str]):
    """How many calls each match had. Only `[]`, `[] =` and `restart` are used, and work on the transaction."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def _key(self, name: str) -> str:
        short, place = _short(name), self._place
        if place.common.changes:  # it may have begun anew in all scopes
            since = place.transaction.value(place.common_key("restart", short), _COUNT.read)
            short = f"{short}.{since}" if since else short
        return place.key("count", short)

    def __getitem__(self, name: str) -> int:
        """Raises NotLoaded."""
        return self._place.transaction.value(self._key(name), _COUNT.read) or 0

    def __setitem__(self, name: str, count: int) -> None:
        self._place.transaction.put(self._key(name), _COUNT.write(count), self._place.kept)

    def restart(self, names: Iterable[str]) -> None:
        """Count these anew. Raises NotLoaded."""
        names, place = set(names), self._place
        if place.common.changes:
            place.transaction.load_together(place.common_key("restart", _short(name)) for name in names)
        for name in names:
            place.transaction.put(self._key(name), None, place.ttl, checked=False)

    def clear(self) -> None:
        """Nothing: a reset begins a new generation."""


def restart_in_all(place: Place, names: Iterable[str]) -> None:
    """Count these anew in all scopes, also those that this falmock does not know. Raises NotLoaded."""
    change = place.common.changes + 1
    place.change_common(changes=change)
    for name in names:
        key = place.common_key("restart", _short(name))
        place.transaction.put(key, _COUNT.write(change), place.kept, checked=False)


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
        self._place.transaction.put(self._key(key), _TALLY.write(Tally(*counts)), self._place.kept)

    def clear(self) -> None:
        """Nothing: a reset begins a new generation."""


def _short(name: str) -> str:
    """A name for a key: the rule of a match may be long, and may contain an input."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
