"""The events of one scope whose state is in a store: what all falmocks did, looked at again and again while a client listens."""

from __future__ import annotations

from falmock.engine.effects import StreamStep
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import LookingSource
from falmock.gateway.control.scope_events import EVERY
from falmock.gateway.control.scope_events import ScopeEvents
from falmock.gateway.control.scope_events import Told

AWAY = 1.0
"""After how many seconds a store that is away is asked again."""


class SharedScopeEvents(LookingSource[Told]):
    """See ScopeEvents. A client stays while the store is away: it learns what it missed."""

    def __init__(self, events: ScopeEvents, background: Background) -> None:
        super().__init__(background)
        self._events = events

    def look(self, now: float) -> Told:
        """See LookingSource."""
        return self._events.look(now)

    def shown(self, seen: Told, now: float) -> StreamStep:
        """See LookingSource."""
        self._events = seen.known
        return StreamStep(seen.pieces, now if seen.has_more else now + EVERY)

    def unseen(self, now: float) -> StreamStep:
        """See LookingSource."""
        return StreamStep(again=now + AWAY)
