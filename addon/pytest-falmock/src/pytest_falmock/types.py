"""The JSON of falmock's control API that tests read and write."""

from __future__ import annotations

from typing import Any
from typing import TypedDict


class Call(TypedDict):
    """One call in the journal. `GET /__falmock/openapi.json` describes each key."""

    number: int
    at: float
    scope: str
    call: str
    """What it was in fal's terms: `run`, `submit`, `status`, `result`, `upload`..."""
    door: str | None
    method: str
    host: str
    path: str
    endpoint: str
    request_id: str
    status: int | None
    """The status of the answer; None if the real fal answered."""
    forwarded: bool
    fixture: str | None
    why: str
    miss: str | None
    """The report, if no fixture answered."""
    warning: str | None
    fault: str | None
    delay: float
    input: Any
    left_out: int


class JobState(TypedDict):
    """One job of the queue as it is now."""

    request_id: str
    endpoint: str
    state: str
    status: str
    """What the client sees: IN_QUEUE, IN_PROGRESS or COMPLETED."""
    held: bool
    queue_position: int | None
    submitted: float
    ended: float | None
    polls: int
    fixture: str
    why: str
    error: str | None


class Expected(TypedDict, total=False):
    """Expected calls, for `Falmock.verify`: which, and how many."""

    call: str
    endpoint: str
    request_id: str
    status: int
    fixture: str
    fault: str
    miss: bool
    door: str
    since: float
    input: dict[str, Any]
    times: int
    at_least: int
    at_most: int
