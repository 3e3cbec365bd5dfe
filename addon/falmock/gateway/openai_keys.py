"""The fal keys that calls are made with in turn."""

from __future__ import annotations

REST_SECONDS = 600.0
"""How long a key rests that was refused or is out of balance."""


class Keys:
    """Gives the keys in turn.

    One that rests is passed over, unless all do: then the one that has rested for longest goes.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._rests: dict[str, float] = {}

    def next(self, keys: tuple[str, ...], now: float) -> str | None:
        """The key for a call at `now` (seconds since the epoch); None where there is none."""
        if not keys:
            return None
        order = [keys[(self._turn + place) % len(keys)] for place in range(len(keys))]
        chosen = next((key for key in order if self._rests.get(key, 0.0) <= now), None)
        chosen = chosen or min(order, key=lambda key: self._rests[key])
        self._turn = (keys.index(chosen) + 1) % len(keys)
        return chosen

    def rest(self, key: str, now: float) -> None:
        """A key was refused: it is not used for a while."""
        self._rests[key] = now + REST_SECONDS
