from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.lifecycle import TERMINAL
from falmock.wire.lifecycle import TRANSITIONS
from falmock.wire.lifecycle import VIEWS
from falmock.wire.lifecycle import ImpossibleEvent
from falmock.wire.lifecycle import JobEvent
from falmock.wire.lifecycle import State
from falmock.wire.lifecycle import next_state

ROWS = {
    (State.QUEUED, JobEvent.START): State.RUNNING,
    (State.QUEUED, JobEvent.EXPIRE): State.EXPIRED,
    (State.QUEUED, JobEvent.CANCEL): State.CANCELLED,
    (State.QUEUED, JobEvent.CANCEL_IGNORED): State.CANCELLED,
    (State.RUNNING, JobEvent.FINISH): State.FINISHED,
    (State.RUNNING, JobEvent.RETRY): State.QUEUED,
    (State.RUNNING, JobEvent.CANCEL): State.CANCELLED,
    (State.RUNNING, JobEvent.CANCEL_IGNORED): State.RUNNING,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", JobEvent)
def test_every_state_and_event(state: State, event: JobEvent) -> None:
    if (state, event) in ROWS:
        assert next_state(state, event) is ROWS[state, event]
    else:
        with pytest.raises(ImpossibleEvent, match=f"a job that is {state.value} cannot {event.value}"):
            next_state(state, event)


def test_every_state_is_reached_from_the_queue() -> None:
    seen: set[State] = set()
    reached = {State.QUEUED}
    while reached != seen:
        seen = set(reached)
        reached |= {after for state in seen for after in TRANSITIONS[state].values()}
    assert reached == set(State)


def test_what_is_over_has_no_events() -> None:
    assert {State.FINISHED, State.CANCELLED, State.EXPIRED} == TERMINAL
    assert not any(TRANSITIONS[state] for state in TERMINAL)


@given(st.lists(st.sampled_from(JobEvent)))
def test_no_run_of_events_leaves_a_state_that_is_over(events: list[JobEvent]) -> None:
    state = State.QUEUED
    for event in events:
        before = state
        try:
            state = next_state(state, event)
        except ImpossibleEvent:
            state = before
        assert before not in TERMINAL or state is before


@pytest.mark.parametrize(
    ("state", "word", "poll", "cancel", "cancel_word"),
    [
        (State.QUEUED, "IN_QUEUE", 202, 200, "OK"),
        (State.RUNNING, "IN_PROGRESS", 202, 202, "CANCELLATION_REQUESTED"),
        (State.FINISHED, "COMPLETED", 200, 400, "ALREADY_COMPLETED"),
        (State.CANCELLED, "COMPLETED", 200, 400, "ALREADY_COMPLETED"),
        (State.EXPIRED, "COMPLETED", 200, 400, "ALREADY_COMPLETED"),
    ],
)
def test_how_a_state_looks_on_the_wire(state: State, word: str, poll: int, cancel: int, cancel_word: str) -> None:
    assert VIEWS[state] == (word, poll, cancel, cancel_word)


def test_only_the_three_words_that_fal_has_are_shown() -> None:
    assert {view.word for view in VIEWS.values()} == {"IN_QUEUE", "IN_PROGRESS", "COMPLETED"}
    assert VIEWS.keys() == set(State)
