"""Tells the log what no fixture answers: once for each distinct miss."""

from __future__ import annotations

import logging

from falmock.fixtures.matching.miss import Miss

logger = logging.getLogger(__name__)
MOST = 1000
"""How many misses are remembered; what comes after them is not told."""


class Misses:
    """The misses that were told since the fixtures were loaded."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, miss: Miss) -> None:
        """A call was missed: tell it, unless one of the same kind was told before."""
        if miss.key not in self._told and len(self._told) < MOST:
            self._told.add(miss.key)
            logger.warning("%s", miss.text)

    def clear(self) -> None:
        """The fixtures are others: what they miss is news."""
        self._told.clear()
