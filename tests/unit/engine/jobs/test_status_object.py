"""The status object, key by key."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.jobs.job import Job
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.engine.jobs.status_object import status_object
from falmock.wire.lifecycle import State
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import index_of

SUBMITTED = 1_752_619_398.0
KEYS = ["status", "request_id", "response_url", "status_url", "cancel_url", "logs", "metrics"]
URL = "https://queue.fal.run/fal-ai/flux/requests/7"


def job(fixture: dict[str, Any] = FLUX, state: State = State.QUEUED) -> Job:
    (found,) = index_of(fixture).fixtures
    timeline = found.timeline
    return Job(
        request_id="7",
        app="fal-ai/flux",
        host="queue.fal.run",
        submitted=SUBMITTED,
        deadline=3600,
        schedule=schedule(parse_pace("recorded"), timeline),
        answer="digest",
        error=found.answer.error,
        error_type=found.answer.error_type,
        logs=timeline.logs,
        inference_time=timeline.inference_time,
        honours_cancel=True,
        fixture=found.label,
        why="",
        state=state,
        ended=SUBMITTED + 6 if state not in (State.QUEUED, State.RUNNING) else None,
    )


@pytest.mark.parametrize(
    ("state", "more"),
    [
        (State.QUEUED, ["queue_position"]),
        (State.RUNNING, []),
        (State.FINISHED, []),
        (State.CANCELLED, ["error", "error_type"]),
        (State.EXPIRED, ["error", "error_type"]),
    ],
)
def test_the_keys_and_their_order(state: State, more: list[str]) -> None:
    assert list(status_object(job(state=state), SUBMITTED, logs=True)) == KEYS + more


def test_the_urls_have_the_app_alone() -> None:
    status = status_object(job(), SUBMITTED, logs=False)
    assert [status[key] for key in KEYS[2:5]] == [URL, f"{URL}/status", f"{URL}/cancel"]


def test_what_a_failed_job_tells() -> None:
    status = status_object(job(FAILING, State.FINISHED), SUBMITTED, logs=False)
    assert (status["error"], status["error_type"]) == ("No.", "content_policy_violation")


def test_logs_are_told_when_asked_for_and_in_every_shape_that_clients_know() -> None:
    running = job(state=State.RUNNING)
    assert status_object(running, SUBMITTED + 4, logs=False)["logs"] is None
    assert status_object(running, SUBMITTED + 2, logs=True)["logs"] == []
    assert status_object(running, SUBMITTED + 4, logs=True)["logs"] == [
        {
            "message": "half",
            "level": "WARN",
            "source": "USER",
            "timestamp": "2025-07-15T22:43:21.000000+00:00",
            "labels": {"level": "WARN", "source": "USER"},
        }
    ]
    assert status_object(job(), SUBMITTED, logs=True)["logs"] is None
