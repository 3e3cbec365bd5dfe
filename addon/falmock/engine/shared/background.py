"""Decisions on shared state that nobody can wait for: their results are taken when they are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol

AGAIN = 0.002
"""When to look for a result again, in seconds."""


class Pending(Protocol):
    """A result that comes, such as a future."""

    def done(self) -> bool:
        """Whether it is there."""

    def result(self) -> Any:
        """The result. Raises what the decision raised."""


Background = Callable[[Callable[[float], Any]], Pending]
"""Decides in a transaction, with the time of it (seconds since the epoch), while the caller goes on."""


def sooner(again: float | None, other: float) -> float:
    """The earlier of a time, if there is one, and another."""
    return other if again is None else min(again, other)
