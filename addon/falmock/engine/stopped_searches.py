"""Warns of searches with a user's regular expression that were stopped while a call was answered."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.effects import Effect
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.wire.formats.regex import Budget

_MOST_TOLD = 3


def with_warning(effect: Effect, budget: Budget) -> Effect:
    """An answer with a warning, if a search for it was stopped: then it may not be what the fixtures say."""
    if not budget.stopped or not isinstance(effect, Reply | Stream):
        return effect
    stopped = list(budget.stopped.values())
    more = f"; and {len(stopped) - _MOST_TOLD} more" if len(stopped) > _MOST_TOLD else ""
    return replies.warned(effect, f"{'; '.join(stopped[:_MOST_TOLD])}{more}: counted as no match")
