"""Which differences between two recordings of a call are noise: recording time, small timing changes, ids of a run."""

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
"""The parts of an entry that have times."""


def alike(old: Entry, new: Entry) -> bool:
    """Whether two recordings are equal apart from when they were made and small differences in timing."""
    if _comparable(old) != _comparable(new) or not _queued_alike(old.get("queue") or {}, new.get("queue") or {}):
        return False
    pairs = (zip(_times(old, part), _times(new, part), strict=True) for part in ("stream", "realtime"))
    return all(_near(before, after) for times in pairs for before, after in times)


def begins(part: Entry, whole: Entry) -> bool:
    """Whether the frames of one recording are the first frames of another; both may be equal."""
    frames = _untimed(steps_of(part.get("realtime")))
    if not isinstance(whole.get("realtime"), list) or _comparable({**part, "realtime": []}) != _comparable(
        {**whole, "realtime": []}
    ):
        return False
    return frames == _untimed(whole["realtime"])[: len(frames)]


def settled(old: Entry | None, new: Entry) -> Entry:
    """The new recording, with the old times if both are alike: such noise is not worth a diff.

    If only ids and times inside the events of a stream differ, it is the whole old one, so that they stay consistent.
    """
    if old is None:
        return new
    if not alike(old, new):
        return old if alike(less_incidental(old), less_incidental(new)) else new
    return {key: old.get(key, value) if key in _PACED else value for key, value in new.items()}


def _comparable(entry: Entry) -> Entry:
    """An entry without what differs between runs."""
    result = {**entry, "recorded": None, "queue": None}
    if "stream" in entry:
        result["stream"] = {"head": _head(entry["stream"]), "events": _untimed(steps_of(entry["stream"]))}
    if "realtime" in entry:
        result["realtime"] = _untimed(entry["realtime"])
    return result


def _head(stream: Any) -> Any:
    return {key: value for key, value in stream.items() if key != "events"} if isinstance(stream, dict) else {}


def _untimed(steps: list[Entry]) -> list[Any]:
    """Events or frames without their times; raw chunks are joined, because their boundaries differ each time."""
    if _is_raw(steps):
        return [b"".join(base64.b64decode(step["bytes"]) for step in steps if "bytes" in step)]
    return [{key: _steady(value) for key, value in step.items() if key != "at"} for step in steps if "end" not in step]


def _is_raw(steps: list[Entry]) -> bool:
    pieces = [step["bytes"] for step in steps if "bytes" in step]
    return bool(pieces) and all(isinstance(piece, str) for piece in pieces)


def _steady(value: Any) -> Any:
    """The value of a frame without the `timing` that the service reports (PROTOCOL.md section 5.3)."""
    if isinstance(value, dict) and value.get("type") == "x-fal-message" and "timing" in value:
        return {**value, "timing": 0}
    return value


def _times(entry: Entry, part: str) -> list[float]:
    """The times of all events or frames, and at last the time of the end."""
    steps = steps_of(entry.get(part))
    times: list[float] = []
    for step in steps:
        times.append(step.get("at", times[-1] if times else 0.0))
    ends = times[-1:]
    if _is_raw(steps):
        return times[:1] + ends
    return [at for at, step in zip(times, steps, strict=True) if "end" not in step] + ends


def _queued_alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two timelines of a job have the same content at about the same times."""
    timed = ("started", "completed", "cancelled", "inferenceTime")
    if {key for key in old if key in timed} != {key for key in new if key in timed}:
        return False
    untimed = [
        {key: value for key, value in queue.items() if key not in (*timed, "positions", "logs")} for queue in (old, new)
    ]
    lines = [[{**log, "at": 0} for log in queue.get("logs", ())] for queue in (old, new)]
    return (
        untimed[0] == untimed[1]
        and lines[0] == lines[1]
        and all(_near(old[key], new[key]) for key in timed if key in old)
    )


def _near(old: float, new: float) -> bool:
    return abs(old - new) <= _SIMILAR_SECONDS or max(old, new) <= _SIMILAR_RATIO * min(old, new)


def completed(part: Entry, known: Iterable[Entry]) -> Entry:
    """An incomplete recording, completed with the longest known answer that begins with it, if there is one."""
    wholes = [whole for whole in known if begins(part, whole)]
    return _with(part, max(wholes, key=lambda whole: len(whole["realtime"]))) if wholes else part


def complete(answers: list[Entry], cut: Sequence[bool], whole: Entry) -> bool:
    """Complete with `whole` all incomplete answers that it begins with; returns whether there were any.

    `cut` says for each answer whether it is incomplete.
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
"""A time at most this far (seconds) from the recording belongs to its run, in any time zone."""
_LATEST = 10**13
"""Numbers from this one on are not times (milliseconds since 1970)."""
_EVENT_KEYS = ("json", "data", "event", "id")
"""The keys of an event that have content."""


def less_incidental(entry: Entry) -> Entry:
    """A recording with placeholders for the ids in its stream (equal for equal ids) and for the times of its run."""
    if "stream" not in entry:
        return entry
    placeholders = _Placeholders(entry.get("recorded"))
    steps = [
        {key: placeholders.put(value) if key in _EVENT_KEYS else value for key, value in step.items()}
        for step in steps_of(entry["stream"])
    ]
    stream = entry["stream"]
    return {**entry, "stream": {**stream, "events": steps} if isinstance(stream, dict) else steps}


class _Placeholders:
    """The placeholders of one recording."""

    def __init__(self, recorded: Any) -> None:
        self._placeholders: dict[str, str] = {}
        self._at = _seconds(recorded.get("at")) if isinstance(recorded, dict) else None

    def put(self, value: Any) -> Any:
        """A JSON value with its ids and times replaced."""
        if isinstance(value, list):
            return [self.put(item) for item in value]
        if isinstance(value, dict):
            return {key: self.put(item) for key, item in value.items()}
        if isinstance(value, str):
            return replaced(value, self._placeholder)
        return PLACEHOLDER if self._is_of_run(_number(value)) else value

    def _placeholder(self, shape: str, found: str) -> str:
        if shape == "timestamp":
            return PLACEHOLDER if self._is_of_run(_seconds(found)) else found
        return self._placeholders.setdefault(found, f"{PLACEHOLDER}{len(self._placeholders)}")

    def _is_of_run(self, at: float | None) -> bool:
        """Whether a time, in seconds or milliseconds since 1970, is close to that of the recording."""
        if at is None or self._at is None:
            return False
        return any(abs(seconds - self._at) <= _DAY for seconds in (at, at / 1000))


def _number(value: Any) -> float | None:
    """A number that may be a time, else None: others may be too big to calculate with."""
    return value if isinstance(value, int | float) and 0 < value < _LATEST else None


def _seconds(text: Any) -> float | None:
    """An ISO 8601 time or a number in text, as seconds; None for anything else."""
    try:
        return float(text)
    except (TypeError, ValueError):
        pass
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
