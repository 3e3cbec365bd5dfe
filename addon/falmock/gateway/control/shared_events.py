"""The events of one scope whose state is in a store: what all falmocks did, looked at again and again while a client listens."""

from __future__ import annotations

from falmock.engine.effects import StreamStep
from falmock.engine.shared.background import AGAIN
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import Pending
from falmock.gateway.control.scope_events import EVERY
from falmock.gateway.control.scope_events import ScopeEvents
from falmock.gateway.control.scope_events import Told

AWAY = 1.0
"""After how many seconds a store that is away is asked again. The client stays: it learns what it missed."""


class SharedScopeEvents:
    """See ScopeEvents."""

    def __init__(self, events: ScopeEvents, background: Background) -> None:
        self._events = events
        self._background = background
        self._pending: Pending | None = None

    def step(self, now: float) -> StreamStep:
        """See `Source`."""
        if self._pending is None:
            self._pending = self._background(self._events.look)
        if not self._pending.done():
            return StreamStep(again=now + AGAIN)
        pending, self._pending = self._pending, None
        try:
            told: Told = pending.result()
        except Exception:  # noqa: BLE001 - whatever the store says: it may be back soon
            return StreamStep(again=now + AWAY)
        self._events = told.known
        return StreamStep(told.pieces, now if told.has_more else now + EVERY)
