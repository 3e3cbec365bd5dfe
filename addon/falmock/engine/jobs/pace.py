"""How fast a job moves: the paces a user can choose, and the schedule of a recorded timeline at a pace."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from falmock.fixtures.model import Position
from falmock.fixtures.model import Timeline
from falmock.wire.lifecycle import State

_FACTOR = re.compile(r"x(\d+(?:\.\d+)?)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_POLLS = re.compile(r"polls:(\d{0,9})(?:,(\d{0,9}))?")
_MOMENT = 1e-6
"""A shorter timeline (seconds) cannot be scaled to a length."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
FORMS = "instant, recorded, x10 (ten times as fast), 3s (this long in all), polls:1,2 or manual (by the control API)"


class BadPace(ValueError):
    """A pace or a duration that cannot be read."""


class PaceKind(enum.Enum):
    """What moves a job."""

    INSTANT = "instant"
    SCALED = "scaled"
    TOTAL = "total"
    POLLS = "polls"
    MANUAL = "manual"
    """Only the control API moves it."""


class Pace(NamedTuple):
    """One pace: `value` is the speed-up factor of SCALED or the seconds of TOTAL; the polls are for POLLS."""

    kind: PaceKind
    value: float = 1.0
    polls_to_start: int = 0
    polls_to_finish: int = 0


INSTANT = Pace(PaceKind.INSTANT)
MANUAL = Pace(PaceKind.MANUAL)


def parse_duration(text: str) -> float:
    """Seconds of `250ms`, `3s`, `5m`, `1h`, `90d` or a plain number of seconds. Raises BadPace."""
    found = _DURATION.fullmatch(text if text[-1:].isalpha() else f"{text}s")
    if found is None:
        raise BadPace(f"{text!r} is not a duration, expected one like 250ms, 3s, 5m, 1h or 90d")
    return float(found[1]) * _UNITS[found[2]]


def parse_pace(text: str) -> Pace:
    """Parse a pace. Raises BadPace."""
    if text == "instant":
        return INSTANT
    if text == "manual":
        return MANUAL
    if text == "recorded":
        return Pace(PaceKind.SCALED, 1.0)
    if factor := _FACTOR.fullmatch(text):
        if float(factor[1]) == 0:
            raise BadPace("x0 would take for ever, expected a factor above 0")
        return Pace(PaceKind.SCALED, float(factor[1]))
    if polls := _POLLS.fullmatch(text):
        return _polls(polls[1], polls[2] or "")
    if _DURATION.fullmatch(text):
        return Pace(PaceKind.TOTAL, parse_duration(text))
    raise BadPace(f"{text!r} is not a pace, expected {FORMS}")


def _polls(to_start: str, to_finish: str) -> Pace:
    """aimock's rules: with neither set a job is done at once; finishing takes at least as long as starting."""
    if not to_start and not to_finish:
        return INSTANT
    start = int(to_start or 0)
    finish = int(to_finish) if to_finish else start + 1
    return Pace(PaceKind.POLLS, polls_to_start=start, polls_to_finish=max(start, finish))


class Retry(NamedTuple):
    """When a job loses its runner and waits again, and when another takes it: seconds after the submit."""

    requeued: float
    restarted: float


class Schedule(NamedTuple):
    """When a job moves, in seconds after its submit; with `by_polls`, by the number of polls instead.

    `positions` and `log_times` are in the same seconds; `log_times` has one entry for each log of the timeline.
    `reaches` is the last state that the job reaches by itself, as in a Timeline. `retries` are between `started` and
    `completed`.
    """

    started: float
    completed: float
    positions: tuple[Position, ...]
    log_times: tuple[float, ...]
    by_polls: bool = False
    polls_to_start: int = 0
    polls_to_finish: int = 0
    reaches: State = State.FINISHED
    retries: tuple[Retry, ...] = ()


def schedule(pace: Pace, timeline: Timeline) -> Schedule:
    """The schedule of a job with this timeline at this pace."""
    if pace.kind in (PaceKind.INSTANT, PaceKind.MANUAL):
        positions, log_times = timeline.positions[:1], (0.0,) * len(timeline.logs)
        return Schedule(0.0, 0.0, positions, log_times, reaches=timeline.reaches)
    factor, completed = (1.0, timeline.completed) if pace.kind is PaceKind.POLLS else spread(pace, timeline.completed)
    # With TOTAL, positions and logs come no later than the end of the job.
    last = timeline.completed if pace.kind is PaceKind.TOTAL else float("inf")
    return Schedule(
        timeline.started * factor,
        completed,
        tuple(Position(min(p.at, last) * factor, p.position) for p in timeline.positions),
        tuple(min(log.at, last) * factor for log in timeline.logs),
        pace.kind is PaceKind.POLLS,
        pace.polls_to_start,
        pace.polls_to_finish,
        timeline.reaches,
    )


def spread(pace: Pace, length: float) -> tuple[float, float]:
    """The factor for the times of something that took `length` seconds, and its new length in seconds.

    Both are 0 at a pace that does not use the clock.
    """
    if pace.kind is PaceKind.SCALED:
        factor = 1.0 / pace.value
        return factor, length * factor
    if pace.kind is PaceKind.TOTAL:
        return pace.value / length if length > _MOMENT else 0.0, pace.value
    return 0.0, 0.0
