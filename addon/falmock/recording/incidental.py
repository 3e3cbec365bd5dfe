"""What a stream tells otherwise each time though nothing changed: the ids of its run, and what time it was."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.fixtures.matching.volatile_shapes import PLACEHOLDER
from falmock.fixtures.matching.volatile_shapes import replaced
from falmock.recording.values import Entry
from falmock.recording.values import steps_of

_DAY = 86_400
"""A time that is not further from that of the recording (seconds) is one of its run, in whatever time zone."""
_LATEST = 10**13
"""No time is later, in milliseconds since 1970."""
_TOLD = ("json", "data", "event", "id")
"""What an event tells."""


def less_incidental(entry: Entry) -> Entry:
    """A recording with names for the ids in its stream, equal ones for equal ids, and none for the times of its run."""
    if "stream" not in entry:
        return entry
    names = _Names(entry.get("recorded"))
    steps = [
        {key: names.put(value) if key in _TOLD else value for key, value in step.items()}
        for step in steps_of(entry["stream"])
    ]
    stream = entry["stream"]
    return {**entry, "stream": {**stream, "events": steps} if isinstance(stream, dict) else steps}


class _Names:
    """The names in one recording."""

    def __init__(self, recorded: Any) -> None:
        self._names: dict[str, str] = {}
        self._at = _seconds(recorded.get("at")) if isinstance(recorded, dict) else None

    def put(self, value: Any) -> Any:
        """A JSON value with names in it."""
        if isinstance(value, list):
            return [self.put(item) for item in value]
        if isinstance(value, dict):
            return {key: self.put(item) for key, item in value.items()}
        if isinstance(value, str):
            return replaced(value, self._name)
        return PLACEHOLDER if self._is_of_run(_number(value)) else value

    def _name(self, shape: str, found: str) -> str:
        if shape == "timestamp":
            return PLACEHOLDER if self._is_of_run(_seconds(found)) else found
        return self._names.setdefault(found, f"{PLACEHOLDER}{len(self._names)}")

    def _is_of_run(self, at: float | None) -> bool:
        """Whether a time, in seconds or milliseconds since 1970, is about that of the recording."""
        if at is None or self._at is None:
            return False
        return any(abs(told - self._at) <= _DAY for told in (at, at / 1000))


def _number(value: Any) -> float | None:
    """A number that may be a time: any other may be too big to reckon with."""
    return value if isinstance(value, int | float) and 0 < value < _LATEST else None


def _seconds(text: Any) -> float | None:
    """A time in words or digits as a number; None for anything else."""
    try:
        return float(text)
    except (TypeError, ValueError):
        pass
    try:
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
