"""The life of a queued job, as a table.

Two rules hold this file together:

1. Everything about which state follows which, and how a state looks on the wire, stands here.
2. This file knows neither clocks nor polls: who fires an event, and when, is `engine.job`'s affair.

Fal knows three status words only. A failed, a cancelled and an expired job all read COMPLETED, with an
`error` beside it: `CANCELLED` or `FAILED` would make the Python client raise and the JS client poll for
ever (PROTOCOL.md sections 3.2 and 3.5).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class State(enum.Enum):
    """Where a job is."""

    QUEUED = "queued"
    """Waits for a runner."""
    RUNNING = "running"
    """A runner works on it."""
    FINISHED = "finished"
    """The app answered, well or with an error of its own."""
    CANCELLED = "cancelled"
    """Stopped on request, before it ran or by an app that honours cancelling."""
    EXPIRED = "expired"
    """The start deadline passed while it waited."""

    __hash__ = object.__hash__  # members are singletons, and Enum's own hash is several times as slow


class JobEvent(enum.Enum):
    """What can happen to a job."""

    START = "start"
    """A runner takes it."""
    FINISH = "finish"
    """The app answered."""
    RETRY = "retry"
    """Its runner went away."""
    EXPIRE = "expire"
    """The start deadline (`X-Fal-Request-Timeout`) passed."""
    CANCEL = "cancel"
    """The client asked, and whoever holds the job honours it."""
    CANCEL_IGNORED = "cancel ignored"
    """The client asked, and the running app has no support for cancelling."""

    __hash__ = object.__hash__  # as in State


TRANSITIONS: Mapping[State, Mapping[JobEvent, State]] = MappingProxyType(
    {
        State.QUEUED: {
            JobEvent.START: State.RUNNING,
            # Only waiting can time out: the deadline is until processing starts, not until it ends.
            JobEvent.EXPIRE: State.EXPIRED,
            # The queue itself drops a waiting job, so no app can ignore this one.
            JobEvent.CANCEL: State.CANCELLED,
            JobEvent.CANCEL_IGNORED: State.CANCELLED,
        },
        State.RUNNING: {
            JobEvent.FINISH: State.FINISHED,
            # The queue gives a request whose runner was lost to another one, up to ten times (PROTOCOL.md section 3.6).
            JobEvent.RETRY: State.QUEUED,
            JobEvent.CANCEL: State.CANCELLED,
            JobEvent.CANCEL_IGNORED: State.RUNNING,
        },
        # What is over stays as it is: a result can be read any number of times.
        State.FINISHED: {},
        State.CANCELLED: {},
        State.EXPIRED: {},
    }
)


class View(NamedTuple):
    """How a state looks: the status word, the HTTP status of a poll, and of a cancel sent in this state."""

    word: str
    poll_status: int
    cancel_status: int
    cancel_word: str


_CANCELLABLE = (202, "CANCELLATION_REQUESTED")
_OVER = (400, "ALREADY_COMPLETED")

VIEWS: Mapping[State, View] = MappingProxyType(
    {
        State.QUEUED: View("IN_QUEUE", 202, *_CANCELLABLE),
        State.RUNNING: View("IN_PROGRESS", 202, *_CANCELLABLE),
        State.FINISHED: View("COMPLETED", 200, *_OVER),
        State.CANCELLED: View("COMPLETED", 200, *_OVER),
        State.EXPIRED: View("COMPLETED", 200, *_OVER),
    }
)

TERMINAL: frozenset[State] = frozenset(state for state, events in TRANSITIONS.items() if not events)


class ImpossibleEvent(ValueError):
    """An event that cannot happen in the state the job is in."""


def next_state(state: State, event: JobEvent) -> State:
    """The state after `event`. Raises ImpossibleEvent where the table has no such row."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise ImpossibleEvent(f"a job that is {state.value} cannot {event.value}") from None
