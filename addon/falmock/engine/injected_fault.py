"""A fault that strikes one call."""

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
    """A fault that strikes a call. `source` says where it was asked for, `rng` decides what it leaves open."""

    fault: Fault
    source: str
    rng: SeededRandom


LONGEST = 1_000_000.0
"""Seconds that a wait takes at most."""


class SeededRandom:
    """The draws of one call: `share` gives a number from 0 to below 1, for each purpose another, for equal calls the same."""

    def __init__(self, seed: int | str, who: str, number: int) -> None:
        self._key = f"{seed}\0{who}\0{number}\0"

    def share(self, purpose: str) -> float:
        """A number from 0 to below 1, evenly spread."""
        digest = hashlib.sha256((self._key + purpose).encode("utf-8", "surrogatepass")).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)

    def seconds(self, latency: Latency, purpose: str = "latency") -> float:
        """How long a wait takes that is spread so, for this purpose."""
        if latency.spread is Spread.FIXED:
            return latency.one
        share = self.share(purpose)
        if latency.spread is Spread.UNIFORM:
            return latency.one + (latency.other - latency.one) * share
        # Half a step away from 0, where a normal distribution has no end.
        normal = NormalDist().inv_cdf(min(max(share, 2**-54), 1 - 2**-53))
        return min(latency.one * math.exp(latency.other * normal), LONGEST)


LIMIT = 10_000
"""How many counts are kept: those of headers come from clients, and there may be any number."""


class FaultCounts:
    """How many calls came to each fault, and how many it struck.

    The counts that were not used for longest are forgotten.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def clear(self) -> None:
        """Begin anew."""
        self._counts.clear()

    def draw(self, fault: Fault, key: str, seed: int | str) -> SeededRandom | None:
        """Count a call that came to the fault with this key; what chance it has where the fault strikes, else None."""
        came, struck = self._counts.pop(key, (0, 0))
        came += 1
        rule = fault.selection
        rng = SeededRandom(seed if rule.seed is None else rule.seed, key, came)
        strikes = (
            (not rule.nth or came in rule.nth)
            and (rule.times is None or struck < rule.times)
            and (rule.rate >= 1 or rng.share("rate") < rule.rate)
        )
        self._counts[key] = (came, struck + strikes)
        if len(self._counts) > self._limit:
            self._counts.popitem(last=False)
        return rng if strikes else None
