"""Keep-alive comments of a status stream (PROTOCOL.md section 3.3)."""

from __future__ import annotations

from falmock.engine.effects import End
from falmock.engine.effects import Source
from falmock.engine.effects import StreamStep
from falmock.wire.formats import sse

EVERY = 15.0
"""Seconds of silence before a comment."""
PING = sse.comment("ping")


class KeepAlive:
    """A stream that sends PING whenever `source` sent nothing for EVERY seconds, however long that goes on."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._due: float | None = None

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        step = self._source.step(now)
        if step.end is not End.OPEN:
            return step
        if step.pieces or self._due is None:
            self._due = now + EVERY
        elif now >= self._due:
            step = step._replace(pieces=(PING,), keep_alive=True)
            self._due = now + EVERY
        return step._replace(again=self._due if step.again is None else min(step.again, self._due))
