"""A fault that is injected into one call."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from statistics import NormalDist
from typing import NamedTuple

from falmock.fixtures.fault import Fault
from falmock.fixtures.fault import Latency
from falmock.fixtures.fault import Spread


class InjectedFault(NamedTuple):
    """A fault for one call. `source` says what asked for it; `rng` draws its random values."""

    fault: Fault
    source: str
    rng: SeededRandom


LONGEST = 1_000_000.0
"""The longest wait, in seconds."""


class SeededRandom:
    """The random numbers of one call: each purpose has its own, and equal calls get equal ones."""

    def __init__(self, seed: int | str, key: str, number: int) -> None:
        self.key: str = f"{seed}\0{key}\0{number}\0"
        """Tells its numbers from those of other calls."""

    @classmethod
    def of_key(cls, key: str) -> SeededRandom:
        """The random numbers of the call with this `key`."""
        found = cls.__new__(cls)
        found.key = key
        return found

    def share(self, purpose: str) -> float:
        """A number from 0 to below 1, uniformly distributed."""
        digest = hashlib.sha256((self.key + purpose).encode("utf-8", "surrogatepass")).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)

    def seconds(self, latency: Latency, purpose: str = "latency") -> float:
        """A latency drawn from its distribution, in seconds."""
        if latency.spread is Spread.FIXED:
            return latency.one
        share = self.share(purpose)
        if latency.spread is Spread.UNIFORM:
            return latency.one + (latency.other - latency.one) * share
        # Keep away from 0 and 1, where the inverse of the normal distribution is infinite.
        normal = NormalDist().inv_cdf(min(max(share, 2**-54), 1 - 2**-53))
        return min(latency.one * math.exp(latency.other * normal), LONGEST)


LIMIT = 10_000
"""How many counts are kept: clients can send any number of different headers."""
_NEVER = (0, 0, 0)


class FaultCounts:
    """How many calls each fault was checked for, how many it was due in, and how many got it.

    The least recently used counts are forgotten.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def clear(self) -> None:
        """Forget all counts."""
        self._counts.clear()

    def draw(self, fault: Fault, key: str, seed: int | str) -> SeededRandom | None:
        """Count a call for the fault with this key; its random numbers if the fault applies, else None."""
        checked, injected, struck = self._get(key)
        checked += 1
        selection = fault.selection
        rng = SeededRandom(seed if selection.seed is None else selection.seed, key, checked)
        applies = (
            (not selection.nth or checked in selection.nth)
            and (selection.times is None or injected < selection.times)
            and (selection.rate >= 1 or rng.share("rate") < selection.rate)
        )
        self._set(key, (checked, injected + applies, struck))
        return rng if applies else None

    def _get(self, key: str) -> tuple[int, int, int]:
        return self._counts.get(key, _NEVER)

    def _set(self, key: str, counts: tuple[int, int, int]) -> None:
        self._counts[key] = counts
        self._counts.move_to_end(key)
        if len(self._counts) > self._limit:
            self._counts.popitem(last=False)

    def strike(self, key: str) -> None:
        """Count a call that got the fault with this key, after `draw`."""
        checked, injected, struck = self._get(key)
        self._set(key, (checked, injected, struck + 1))

    def struck(self, key: str) -> int:
        """How many calls got the fault with this key."""
        return self._get(key)[2]
