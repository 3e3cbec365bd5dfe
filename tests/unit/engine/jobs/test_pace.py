from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.jobs.pace import INSTANT
from falmock.engine.jobs.pace import MANUAL
from falmock.engine.jobs.pace import BadPace
from falmock.engine.jobs.pace import Pace
from falmock.engine.jobs.pace import PaceKind
from falmock.engine.jobs.pace import parse_duration
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.engine.jobs.pace import spread
from falmock.fixtures.model import Log
from falmock.fixtures.model import Position
from falmock.fixtures.model import Timeline
from falmock.wire.lifecycle import State

TIMELINE = Timeline(1.0, 4.0, (Position(0.0, 2), Position(0.5, 1)), (Log(2.0, "half"),))


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("instant", INSTANT),
        ("recorded", Pace(PaceKind.SCALED, 1.0)),
        ("x10", Pace(PaceKind.SCALED, 10.0)),
        ("x2.5", Pace(PaceKind.SCALED, 2.5)),
        ("3s", Pace(PaceKind.TOTAL, 3.0)),
        ("250ms", Pace(PaceKind.TOTAL, 0.25)),
        ("2m", Pace(PaceKind.TOTAL, 120.0)),
        ("manual", MANUAL),
        ("polls:1,2", Pace(PaceKind.POLLS, 1.0, 1, 2)),
        ("polls:3", Pace(PaceKind.POLLS, 1.0, 3, 4)),
        ("polls:,1", Pace(PaceKind.POLLS, 1.0, 0, 1)),
        ("polls:5,2", Pace(PaceKind.POLLS, 1.0, 5, 5)),
        ("polls:", INSTANT),
    ],
)
def test_paces(text: str, pace: Pace) -> None:
    assert parse_pace(text) == pace


@pytest.mark.parametrize("text", ["", "fast", "x", "x0", "x-1", "-3s", "3", "3 s", "polls:-1", "polls:1,2,3", "xNaN"])
def test_texts_that_are_no_pace(text: str) -> None:
    with pytest.raises(BadPace):
        parse_pace(text)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("1h", 3600.0), ("0.5m", 30.0), ("15ms", 0.015)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.text(max_size=12))
def test_any_text_is_a_pace_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(BadPace):
        assert parse_pace(text).value > 0


def test_a_schedule_scales_every_time_alike() -> None:
    plan = schedule(parse_pace("x10"), TIMELINE)
    assert (plan.started, plan.completed) == (0.1, 0.4)
    assert plan.positions == (Position(0.0, 2), Position(0.05, 1))
    assert plan.log_times == (0.2,)


def test_a_total_is_met_whatever_was_recorded() -> None:
    plan = schedule(parse_pace("2s"), TIMELINE)
    assert (plan.started, plan.completed) == (0.5, 2.0)
    assert schedule(parse_pace("2s"), Timeline(0.0, 0.0)).completed == 2.0


@pytest.mark.parametrize("pace", ["instant", "recorded", "x10", "2s", "polls:1,2"])
def test_a_job_reaches_at_any_pace_what_it_reached(pace: str) -> None:
    assert schedule(parse_pace(pace), TIMELINE).reaches is State.FINISHED
    assert schedule(parse_pace(pace), TIMELINE._replace(reaches=State.QUEUED)).reaches is State.QUEUED


def test_instant_leaves_no_time_at_all() -> None:
    plan = schedule(INSTANT, TIMELINE)
    assert plan.started == plan.completed == 0.0
    assert plan.log_times == (0.0,)


@pytest.mark.parametrize(
    ("pace", "length", "factor", "takes"),
    [
        ("instant", 4, 0, 0),
        ("recorded", 4, 1, 4),
        ("x10", 4, 0.1, 0.4),
        ("2s", 4, 0.5, 2),
        ("2s", 0, 0, 2),
        ("2s", 5e-324, 0, 2),
        ("polls:1,2", 4, 0, 0),
    ],
)
def test_what_becomes_of_the_times_of_a_stream(pace: str, length: float, factor: float, takes: float) -> None:
    assert spread(parse_pace(pace), length) == (factor, takes)


def test_of_a_job_that_takes_so_long_in_all_nothing_is_told_later() -> None:
    plan = schedule(parse_pace("3s"), Timeline(0.0, 0.5, (Position(0, 1), Position(9, 0)), (Log(1e6, "late"),)))
    assert (plan.log_times, plan.positions[-1].at, plan.completed) == ((3,), 3, 3)
