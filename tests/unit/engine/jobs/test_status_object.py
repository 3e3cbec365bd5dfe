"""The status object, key by key."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.faults.jobs import with_retries
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.engine.jobs.status_object import status_body
from falmock.engine.jobs.status_object import status_object
from falmock.wire.formats import jsontext
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
    lost = {"match": {}, "response": {"error": {"type": "runner_disconnected"}}}
    status = status_object(job(lost, State.FINISHED), SUBMITTED, logs=False)
    assert (status["error"], status["error_type"]) == ("Runner disconnected", "runner_disconnected")
    assert list(status_object(job(FAILING, State.FINISHED), SUBMITTED, logs=True)) == KEYS


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


RAW = [
    {"at": 0.25, "message": "one"},
    {"at": 1.120314, "message": "two", "labels": {"host": "a"}},
    {"at": 1.286519, "message": "three", "labels": None, "level": "WARN"},
]


@pytest.mark.parametrize(("zone", "end"), [(None, ""), ("Z", "Z"), ("+00:00", "+00:00")])
def test_raw_logs_have_what_their_lines_have(zone: str | None, end: str) -> None:
    queue = {"started": 0, "completed": 2, "rawLogs": True, "logs": RAW} | ({} if zone is None else {"logZone": zone})
    entries = status_object(job({**FLUX, "queue": queue}, State.FINISHED), SUBMITTED + 2, logs=True)["logs"]
    assert entries == [
        {"timestamp": f"2025-07-15T22:43:18.250000{end}", "message": "one", "labels": {}},
        {"timestamp": f"2025-07-15T22:43:19.120314{end}", "message": "two", "labels": {"host": "a"}},
        {"timestamp": f"2025-07-15T22:43:19.286519{end}", "message": "three", "level": "WARN"},
    ]
    assert list(entries[0]) == ["timestamp", "message", "labels"]


def test_other_labels_stand_beside_level_and_source() -> None:
    queue = {"logZone": "", "logs": [{"at": 0, "message": "one", "labels": {"host": "a"}}]}
    (entry,) = status_object(job({**FLUX, "queue": queue}, State.FINISHED), SUBMITTED, logs=True)["logs"]
    assert entry["labels"] == {"level": "INFO", "source": "USER", "host": "a"}
    assert entry["timestamp"] == "2025-07-15T22:43:18.000000"


@given(
    st.floats(1.6e9, 2.1e9),
    st.lists(st.integers(0, 10**10), min_size=2, max_size=5),
    st.sampled_from(["instant", "recorded", "x10", "x0.5", "3s", "manual", "polls:1,2"]),
)
def test_times_of_logs_stay_apart_to_the_digit_at_any_pace(submitted: float, micros: list[int], pace: str) -> None:
    at = sorted(micros)
    logs = [{"at": micro / 1e6, "message": "x"} for micro in at]
    done = job({**FLUX, "queue": {"started": 0, "completed": at[-1] / 1e6, "logs": logs}}, State.FINISHED)
    done.schedule = schedule(parse_pace(pace), index_of({**FLUX, "queue": {"logs": logs}}).fixtures[0].timeline)
    done.submitted = submitted
    shown = [log["timestamp"] for log in status_object(done, submitted + 1e6, logs=True)["logs"]]
    times = [datetime.fromisoformat(text) for text in shown]
    assert [(time - times[0]) // timedelta(microseconds=1) for time in times] == [micro - at[0] for micro in at]


def test_after_a_retry_logs_have_the_times_of_the_last_run() -> None:
    done = job(state=State.FINISHED)
    done.schedule = with_retries(done.schedule, 1)
    (log,) = status_object(done, SUBMITTED + 60, logs=True)["logs"]
    assert (
        datetime.fromisoformat(log["timestamp"]).timestamp() == SUBMITTED + done.schedule.log_times[0] > SUBMITTED + 3
    )


@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("fixture", [FLUX, FAILING, {**FLUX, "queue": {"logs": []}}])
def test_the_body_is_the_object_as_json_for_each_job(fixture: dict[str, Any], state: State, *, logs: bool) -> None:
    for request_id in ("7", "019e0000-0000-7000-8000-000000000001"):
        one = job(fixture, state)
        one.request_id = request_id
        expected = jsontext.dump_queue(status_object(one, SUBMITTED + 4, logs=logs))
        assert status_body(one, SUBMITTED + 4, logs=logs) == expected
        assert request_id.encode() in expected
