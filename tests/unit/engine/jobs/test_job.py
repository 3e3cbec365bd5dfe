from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import ImpossibleEvent
from falmock.wire.lifecycle import State
from unit.engine.some_job import job


def test_a_job_by_the_clock() -> None:
    one = job()
    seen = []
    for elapsed in (0.0, 0.9, 1.0, 1.5, 1.9, 2.0, 2.5, 4.1, 5.99, 6.0, 60.0):
        one.advance(100.0 + elapsed)
        logs = [log.message for _, log in one.logs_until(100.0 + elapsed)]
        seen.append((one.state.value, one.position(100.0 + elapsed) if one.state is State.QUEUED else None, len(logs)))
    assert seen == [
        ("queued", 2, 0),
        ("queued", 2, 0),
        ("queued", 1, 0),
        ("queued", 0, 0),
        ("queued", 0, 0),
        ("running", None, 0),
        ("running", None, 1),
        ("running", None, 2),
        ("running", None, 3),
        ("finished", None, 3),
        ("finished", None, 3),
    ]
    assert one.ended == 106.0


# The tables of aimock's own behaviour: what polls 1 to 5 show.
@pytest.mark.parametrize(
    ("pace", "shown"),
    [
        ("polls:1,2", "P C C C C"),
        ("polls:2,2", "Q P C C C"),
        ("polls:,1", "P C C C C"),
        ("polls:0", "P C C C C"),
        ("polls:3", "Q Q P C C"),
    ],
)
def test_a_job_by_polls(pace: str, shown: str) -> None:
    one = job(pace)
    letters = {State.QUEUED: "Q", State.RUNNING: "P", State.FINISHED: "C"}
    seen = []
    for _ in range(5):
        one.poll(100.0)
        seen.append(letters[one.state])
    assert " ".join(seen) == shown


def test_positions_count_down_by_polls() -> None:
    one = job("polls:3")
    places = [one.position(100.0)]
    for _ in range(2):
        one.poll(100.0)
        places.append(one.position(100.0))
    assert places == [3, 2, 1]


def test_a_start_deadline_shorter_than_the_wait_ends_the_job() -> None:
    one = job(deadline=1.2)
    one.advance(101.1)
    assert one.state is State.QUEUED
    one.advance(101.2)
    assert one.state is State.EXPIRED
    assert one.ended == 101.2


def test_a_start_deadline_counts_the_wait_only() -> None:
    one = job(deadline=2.5)
    one.advance(200.0)
    assert one.state is State.FINISHED


@pytest.mark.parametrize(
    ("elapsed", "cancels", "after"),
    [
        (0.5, True, State.CANCELLED),
        (0.5, False, State.CANCELLED),
        (3.0, True, State.CANCELLED),
        (3.0, False, State.RUNNING),
    ],
)
def test_cancel(elapsed: float, cancels: bool, after: State) -> None:  # noqa: FBT001
    one = job(cancels=cancels)
    one.advance(100.0 + elapsed)
    one.cancel(100.0 + elapsed)
    assert one.state is after


def test_what_is_over_cannot_be_cancelled() -> None:
    one = job()
    one.advance(200.0)
    with pytest.raises(ImpossibleEvent, match="finished cannot cancel"):
        one.cancel(200.0)


def test_the_logs_of_a_cancelled_job_stop_where_it_stopped() -> None:
    one = job()
    one.advance(103.0)
    one.cancel(103.0)
    assert [log.message for _, log in one.logs_until(1000.0)] == ["loading"]


STEPS = st.one_of(
    st.tuples(st.just("poll"), st.just(0.0)),
    st.tuples(st.just("cancel"), st.just(0.0)),
    st.tuples(st.just("wait"), st.floats(0, 5)),
)
ORDER = [State.QUEUED, State.RUNNING, State.FINISHED, State.CANCELLED, State.EXPIRED]


@given(
    st.sampled_from(["instant", "recorded", "x10", "3s", "polls:1,2", "polls:2,2", "polls:,3"]),
    st.lists(STEPS, max_size=30),
    st.booleans(),
    st.floats(0.2, 10),
)
def test_any_life_keeps_the_rules(pace: str, steps: list[tuple[str, float]], cancels: bool, deadline: float) -> None:  # noqa: FBT001
    one = job(pace, cancels=cancels, deadline=deadline)
    now, before, lines, place = 100.0, State.QUEUED, 0, 99
    cancelled = False
    for kind, seconds in steps:
        now += seconds
        one.advance(now)
        if kind == "poll":
            one.poll(now)
        elif kind == "cancel" and one.state not in TERMINAL:
            one.cancel(now)
            cancelled = True
        assert ORDER.index(one.state) >= ORDER.index(before)
        assert before not in TERMINAL or one.state is before
        assert VIEWS[one.state].word in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
        assert (one.ended is not None) is (one.state in TERMINAL)
        count = len(one.logs_until(now))
        assert count >= lines or one.state is not before
        if one.state is State.QUEUED:
            assert one.position(now) <= place
            place = one.position(now)
        assert one.state is not State.CANCELLED or cancelled
        before, lines = one.state, count
    one.advance(now + 100_000)
    for _ in range(10):
        one.poll(now + 100_000)
    assert one.state in TERMINAL


@given(
    st.sampled_from(["instant", "recorded", "x10", "3s", "polls:1,2", "polls:2,2", "polls:,3"]),
    st.lists(STEPS, max_size=30),
    st.sampled_from([State.QUEUED, State.RUNNING]),
    st.floats(0.2, 10),
)
def test_a_job_that_was_cancelled_ends_when_it_is_cancelled_again(
    pace: str, steps: list[tuple[str, float]], reaches: State, deadline: float
) -> None:
    one = job(pace, deadline=deadline, reaches=reaches)
    now, before, lines = 100.0, State.QUEUED, 0
    for kind, seconds in steps:
        now += seconds
        one.advance(now)
        if kind == "poll":
            one.poll(now)
        elif kind == "cancel" and one.state not in TERMINAL:
            one.cancel(now)
            assert one.state is State.CANCELLED
        assert ORDER.index(one.state) >= ORDER.index(before)
        count = len(one.logs_until(now))
        assert count >= lines or one.state is not before
        before, lines = one.state, count
    for _ in range(10):
        now += 100_000
        one.advance(now)
        one.poll(now)
    if before is State.CANCELLED:
        assert one.state is State.CANCELLED
    else:
        assert one.state is reaches
        assert one.ended is None


def test_when_the_clock_changes_a_job_next() -> None:
    slow = job("recorded")
    slow.advance(103.0)
    assert slow.next_change(103.0) == pytest.approx(104.0, abs=1e-3)  # a log line
    slow.held = True
    assert slow.next_change(103.0) is None
    assert job("polls:1,2", deadline=float("inf")).next_change(100.0) is None
    assert job("polls:1,2", deadline=5.0).next_change(100.0) == pytest.approx(105.0, abs=1e-3)
    assert job("polls:1,2", deadline=5.0).next_change(106.0) is None


def test_the_states_so_far() -> None:
    slow = job("recorded")
    assert (slow.states, slow.started) == ([(State.QUEUED, 100.0)], None)
    slow.advance(200.0)
    assert (slow.states[1:], slow.started) == ([(State.RUNNING, 102.0), (State.FINISHED, 106.0)], 102.0)
