"""The states of a queued job, as a table.

Two rules for this file:

1. Which state follows which, and how a state looks on the wire, is defined only here.
2. Clocks and polls are not part of it: `engine.jobs` decides when an event happens.

Fal has only three status words. Failed, cancelled and expired jobs are COMPLETED with an `error`: `CANCELLED` or
`FAILED` would make the Python client raise and the JS client poll forever (PROTOCOL.md sections 3.2 and 3.5).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

DEADLINE_HEADERS = ("X-Fal-Request-Start-Timeout", "X-Fal-Request-Timeout")
"""The headers with the start deadline in seconds: the first that is sent counts (PROTOCOL.md section 2.2)."""


class State(enum.Enum):
    """The state of a job."""

    QUEUED = "queued"
    """The job waits for a runner."""
    RUNNING = "running"
    """A runner works on the job."""
    FINISHED = "finished"
    """The app answered, with a result or with an error."""
    CANCELLED = "cancelled"
    """The client cancelled the job, before it ran or in an app that supports cancelling."""
    EXPIRED = "expired"
    """The start deadline passed while the job waited."""

    __hash__ = object.__hash__  # members are singletons, and Enum's own hash is several times slower


class JobEvent(enum.Enum):
    """What can happen to a job."""

    START = "start"
    """A runner takes the job."""
    FINISH = "finish"
    """The app answered."""
    RETRY = "retry"
    """The runner was lost."""
    EXPIRE = "expire"
    """The start deadline (`X-Fal-Request-Start-Timeout`) passed."""
    CANCEL = "cancel"
    """The client cancelled the job, and the queue or the app stops it."""
    CANCEL_IGNORED = "cancel ignored"
    """The client cancelled the job, but the app does not support cancelling."""

    __hash__ = object.__hash__  # as in State


TRANSITIONS: Mapping[State, Mapping[JobEvent, State]] = MappingProxyType(
    {
        State.QUEUED: {
            JobEvent.START: State.RUNNING,
            # Only a waiting job expires: the deadline is for the start of processing, not for its end.
            JobEvent.EXPIRE: State.EXPIRED,
            # The queue itself drops a waiting job, so the app cannot ignore this.
            JobEvent.CANCEL: State.CANCELLED,
            JobEvent.CANCEL_IGNORED: State.CANCELLED,
        },
        State.RUNNING: {
            JobEvent.FINISH: State.FINISHED,
            # The queue retries a request whose runner was lost, up to ten times (PROTOCOL.md section 3.6).
            JobEvent.RETRY: State.QUEUED,
            JobEvent.CANCEL: State.CANCELLED,
            JobEvent.CANCEL_IGNORED: State.RUNNING,
        },
        # Terminal: a result can be read any number of times.
        State.FINISHED: {},
        State.CANCELLED: {},
        State.EXPIRED: {},
    }
)


class View(NamedTuple):
    """How a state looks on the wire: the status word and HTTP status of a poll, the HTTP status and word of a cancel."""

    word: str
    poll_status: int
    cancel_status: int
    cancel_word: str


_REMOVED = (200, "OK")
_REQUESTED = (202, "CANCELLATION_REQUESTED")
_OVER = (400, "ALREADY_COMPLETED")

VIEWS: Mapping[State, View] = MappingProxyType(
    {
        State.QUEUED: View("IN_QUEUE", 202, *_REMOVED),
        State.RUNNING: View("IN_PROGRESS", 202, *_REQUESTED),
        State.FINISHED: View("COMPLETED", 200, *_OVER),
        State.CANCELLED: View("COMPLETED", 200, *_OVER),
        State.EXPIRED: View("COMPLETED", 200, *_OVER),
    }
)

TERMINAL: frozenset[State] = frozenset(state for state, events in TRANSITIONS.items() if not events)


class ImpossibleEvent(ValueError):
    """An event cannot happen in the current state of the job."""


def next_state(state: State, event: JobEvent) -> State:
    """The state after `event`. Raises ImpossibleEvent if the table has no such row."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise ImpossibleEvent(f"a job that is {state.value} cannot {event.value}") from None
