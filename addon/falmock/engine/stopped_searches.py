"""Warns of searches with a user's regular expression that were stopped while a call was answered."""

from __future__ import annotations

from collections.abc import Callable

from falmock.engine import replies
from falmock.engine.effects import Effect
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.wire.formats.regex import one_call

_MOST_TOLD = 3


def with_warning(answer: Callable[[], Effect]) -> Effect:
    """The result of `answer`, with a warning if a search was stopped: then it may not be what the fixtures say."""
    with one_call() as budget:
        effect = answer()
    stopped = list(budget.stopped.values())
    if not stopped or not isinstance(effect, Reply | Stream):
        return effect
    more = f"; and {len(stopped) - _MOST_TOLD} more" if len(stopped) > _MOST_TOLD else ""
    return replies.warned(effect, f"{'; '.join(stopped[:_MOST_TOLD])}{more}: counted as no match")
