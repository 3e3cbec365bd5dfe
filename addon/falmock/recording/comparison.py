"""Which differences between two recordings of a call are noise: when they were made, how long it took, ids of a run."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.fixtures.matching.volatile_shapes import PLACEHOLDER
from falmock.fixtures.matching.volatile_shapes import replaced
from falmock.recording.values import Entry
from falmock.recording.values import steps_of

_SIMILAR_SECONDS = 1.0
_SIMILAR_RATIO = 2.0
_PACED = ("queue", "stream", "realtime")
"""The parts of an entry that tell times."""


def alike(old: Entry, new: Entry) -> bool:
    """Whether two recordings differ in nothing but when they were made, and tell the same story at about the same speed."""
    if _told(old) != _told(new) or not _queued_alike(old.get("queue") or {}, new.get("queue") or {}):
        return False
    pairs = (zip(_times(old, part), _times(new, part), strict=True) for part in ("stream", "realtime"))
    return all(_near(before, after) for times in pairs for before, after in times)


def begins(part: Entry, whole: Entry) -> bool:
    """Whether a recording of frames tells what another begins with; both may be the same."""
    frames = _untimed(steps_of(part.get("realtime")))
    if not isinstance(whole.get("realtime"), list) or _told({**part, "realtime": []}) != _told(
        {**whole, "realtime": []}
    ):
        return False
    return frames == _untimed(whole["realtime"])[: len(frames)]


def settled(old: Entry | None, new: Entry) -> Entry:
    """The new recording, with the old times where they are as good: such noise is not worth a diff.

    It is the old one where only the ids and times in the events of a stream are others: those of one run stay together.
    """
    if old is None:
        return new
    if not alike(old, new):
        return old if alike(less_incidental(old), less_incidental(new)) else new
    return {key: old.get(key, value) if key in _PACED else value for key, value in new.items()}


def _told(entry: Entry) -> Entry:
    """An entry less what differs from day to day."""
    told = {**entry, "recorded": None, "queue": None}
    if "stream" in entry:
        told["stream"] = {"head": _head(entry["stream"]), "events": _untimed(steps_of(entry["stream"]))}
    if "realtime" in entry:
        told["realtime"] = _untimed(entry["realtime"])
    return told


def _head(stream: Any) -> Any:
    return {key: value for key, value in stream.items() if key != "events"} if isinstance(stream, dict) else {}


def _untimed(steps: list[Entry]) -> list[Any]:
    """Events or frames less their times; of raw pieces, which networks cut anew each time, the whole."""
    if _is_raw(steps):
        return [b"".join(base64.b64decode(step["bytes"]) for step in steps if "bytes" in step)]
    return [{key: _steady(value) for key, value in step.items() if key != "at"} for step in steps if "end" not in step]


def _is_raw(steps: list[Entry]) -> bool:
    pieces = [step["bytes"] for step in steps if "bytes" in step]
    return bool(pieces) and all(isinstance(piece, str) for piece in pieces)


def _steady(value: Any) -> Any:
    """What a frame holds, less the time that the service tells it took (PROTOCOL.md section 5.3)."""
    if isinstance(value, dict) and value.get("type") == "x-fal-message" and "timing" in value:
        return {**value, "timing": 0}
    return value


def _times(entry: Entry, part: str) -> list[float]:
    """When each event or frame comes, and last when it is over."""
    steps = steps_of(entry.get(part))
    times: list[float] = []
    for step in steps:
        times.append(step.get("at", times[-1] if times else 0.0))
    ends = times[-1:]
    if _is_raw(steps):
        return times[:1] + ends
    return [at for at, step in zip(times, steps, strict=True) if "end" not in step] + ends


def _queued_alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two timelines of a job tell the same story at about the same speed."""
    timed = ("started", "completed", "cancelled", "inferenceTime")
    if {key for key in old if key in timed} != {key for key in new if key in timed}:
        return False
    told = [
        {key: value for key, value in queue.items() if key not in (*timed, "positions", "logs")} for queue in (old, new)
    ]
    lines = [[{**log, "at": 0} for log in queue.get("logs", ())] for queue in (old, new)]
    return told[0] == told[1] and lines[0] == lines[1] and all(_near(old[key], new[key]) for key in timed if key in old)


def _near(old: float, new: float) -> bool:
    return abs(old - new) <= _SIMILAR_SECONDS or max(old, new) <= _SIMILAR_RATIO * min(old, new)


def completed(part: Entry, known: Iterable[Entry]) -> Entry:
    """A recording of an answer that was cut off, with the longest of the known answers that begin like it."""
    wholes = [whole for whole in known if begins(part, whole)]
    return _with(part, max(wholes, key=lambda whole: len(whole["realtime"]))) if wholes else part


def complete(answers: list[Entry], cut: Sequence[bool], whole: Entry) -> bool:
    """Put the whole in the place of those answers that were cut off and begin it; whether there were any.

    `cut` says of each answer whether it was cut off.
    """
    found = [
        place
        for place, (part, was_cut) in enumerate(zip(answers, cut, strict=False))
        if was_cut and begins(part, whole) and len(part["realtime"]) < len(whole["realtime"])
    ]
    for place in found:
        answers[place] = _with(answers[place], whole)
    return bool(found)


def _with(part: Entry, whole: Entry) -> Entry:
    return {**part, "realtime": whole["realtime"]}


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
