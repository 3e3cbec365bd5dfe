"""Decisions on shared state that nobody can wait for: their results are taken when they are there."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

from falmock.engine.effects import StreamStep

T = TypeVar("T")
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


class LookingSource(ABC, Generic[T]):
    """A source of events that looks at shared state again and again, one look at a time."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._pending: Pending | None = None

    def step(self, now: float) -> StreamStep:
        """See `Source`."""
        if self._pending is None:
            self._pending = self._background(self.look)
        if not self._pending.done():
            return StreamStep(again=now + AGAIN)
        pending, self._pending = self._pending, None
        try:
            seen: T = pending.result()
        except Exception:  # noqa: BLE001 - whatever the store says
            return self.unseen(now)
        return self.shown(seen, now)

    @abstractmethod
    def look(self, now: float) -> T:
        """What is to be shown, in a transaction. Raises NotLoaded."""

    @abstractmethod
    def shown(self, seen: T, now: float) -> StreamStep:
        """The step that shows what was seen, and says when to look again."""

    @abstractmethod
    def unseen(self, now: float) -> StreamStep:
        """The step after a look that failed."""


def sooner(again: float | None, other: float) -> float:
    """The earlier of a time, if there is one, and another."""
    return other if again is None else min(again, other)
