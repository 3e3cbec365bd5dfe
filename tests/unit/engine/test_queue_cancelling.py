"""How a cancel is answered: by the state of its job, which at the pace instant waits for its first look."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.config import Dialect
from falmock.engine.jobs.pace import parse_pace
from falmock.wire.lifecycle import State
from unit.engine.calls import FLUX
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import paced
from unit.engine.calls import read

CAT = {"prompt": "a cat"}
REMOVED = (200, {"status": "OK"})
REQUESTED = (202, {"status": "CANCELLATION_REQUESTED"})
OVER = (400, {"status": "ALREADY_COMPLETED"})
RUNS = {"at": "2025-07-15T22:43:18Z"}


def cancel(client: Client, job: str) -> tuple[int, Any]:
    reply = client.send("PUT", f"{job}/cancel")
    return reply.status, read(reply)


def state_of(client: Client, job: str) -> State | None:
    found = client.engine.scope.jobs.get(job.rpartition("/")[2], client.now)
    return None if found is None else found.state


def was_cancelled(client: Client, job: str) -> bool:
    """Whether the status and the result of a job are those of a cancelled one; it is over."""
    status, result = client.status(job), client.send("GET", job)
    assert status["status"] == "COMPLETED"
    assert (status.get("error_type") == "client_cancelled") is (result.status == 499)
    assert cancel(client, job) == OVER
    return result.status == 499


@pytest.mark.parametrize(
    ("elapsed", "answer"), [(0, REMOVED), (1.9, REMOVED), (2, REQUESTED), (5.9, REQUESTED), (6, OVER)]
)
def test_the_answer_follows_from_the_state(elapsed: float, answer: Any) -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += elapsed
    reply = client.send("PUT", f"{job}/cancel")
    assert (reply.status, read(reply)) == answer
    assert (reply.wakes is None) is (answer == OVER)
    assert was_cancelled(client, job) is (answer != OVER)
    result = client.send("GET", job)
    if answer != OVER:
        assert read(result)["error_type"] == header(result, "x-fal-error-type") == "client_cancelled"
        assert header(result, "x-falmock-fixture") == "test.json#0"


def test_an_app_that_ignores_cancelling_finishes() -> None:
    stubborn = {**FLUX, "queue": {**FLUX["queue"], "cancel": "ignored"}}  # type: ignore[dict-item]
    client = Client(stubborn, pace=RECORDED)
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 3
    assert cancel(client, job) == REQUESTED
    assert client.status(job)["status"] == "IN_PROGRESS"
    client.now += 3
    assert client.send("GET", job).status == 200


# At the pace instant


def test_nothing_but_a_client_looks_at_a_job() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 1000
    assert client.send("GET", f"{job.replace('flux', 'flux/dev')}/status").status == 405
    assert client.send("POST", f"{job}/cancel").status == 405
    assert [each.state for each in client.engine.scope.jobs.all(client.now)] == [State.QUEUED]
    assert client.engine.scope.jobs.peek(job.rpartition("/")[2]) is not None
    assert client.job("fal-ai/flux/dev", CAT) != job
    assert state_of(client, job) is State.QUEUED
    reply = client.send("PUT", f"{job}/cancel")
    assert (reply.status, read(reply), reply.wakes) == (*REMOVED, job.rpartition("/")[2])
    assert was_cancelled(client, job)


@pytest.mark.parametrize("path", ["", "/status", "/status?logs=1", "/status/stream", "/response"])
def test_the_first_look_completes_a_job(path: str) -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.effect("GET", f"{job}{path}")
    assert state_of(client, job) is State.FINISHED
    assert cancel(client, job) == OVER
    assert not was_cancelled(client, job)
    (looked_at,) = client.engine.scope.jobs
    assert looked_at.ended == looked_at.submitted


def test_a_stream_of_statuses_shows_the_end_alone() -> None:
    client = Client(FLUX)
    listener = client.listen("GET", f"{client.job('fal-ai/flux/dev', CAT)}/status/stream").wait()
    assert [event["status"] for event in listener.data] == ["COMPLETED"]


def test_an_app_that_ignores_cancelling_is_at_work_at_once() -> None:
    client = Client(recorded({"cancel": "ignored"}))
    job = client.job("a/b")
    assert state_of(client, job) is State.RUNNING
    assert [cancel(client, job) for _ in range(2)] == [REQUESTED] * 2
    assert not was_cancelled(client, job)


def test_aimocks_jobs_are_over_at_once() -> None:
    client = Client(FLUX, dialect=Dialect.AIMOCK)
    assert cancel(client, client.job("fal-ai/flux/dev", CAT)) == OVER


@pytest.mark.parametrize("pace", ["recorded", "x10", "3s", "manual", "polls:1,2"])
def test_at_other_paces_no_look_is_needed(pace: str) -> None:
    client = Client(FLUX, pace=parse_pace(pace))
    client.job("fal-ai/flux/dev", CAT)
    assert not next(iter(client.engine.scope.jobs)).unseen


def test_jobs_that_nobody_looks_at_do_not_fill_the_table() -> None:
    client = Client(FLUX, max_jobs=2)
    jobs = [client.job("fal-ai/flux/dev", CAT) for _ in range(4)]
    assert [state_of(client, job) for job in jobs] == [None, None, State.QUEUED, State.QUEUED]
    assert client.status(jobs[3])["status"] == "COMPLETED"


def test_jobs_that_nobody_looks_at_do_not_wait_for_a_runner() -> None:
    client = Client(FLUX)
    url = "https://queue.fal.run/fal-ai/flux/dev?fal_max_queue_length=0"
    assert [client.send("POST", url, CAT).status for _ in range(3)] == [200] * 3


def test_new_fixtures_leave_a_job_that_nobody_looked_at_its_answer() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.engine.use_fixtures(Client().engine.index)
    assert client.send("GET", job).status == 200


# As it was recorded


def recorded(queue: Any, response: Any = None, **more: Any) -> dict[str, Any]:
    return {"match": {"model": "a/b"}, "response": response or {"json": {"ok": True}}, "queue": queue, **more}


GONE = {"error": {"type": "client_cancelled", "message": "stopped"}}


@pytest.mark.parametrize("pace", ["instant", "recorded", "x10", "3s", "polls:1,2", "polls:,1"])
@pytest.mark.parametrize(
    ("queue", "word", "usual"),
    [({"started": 1, "cancelled": 2}, "IN_PROGRESS", REQUESTED), ({"cancelled": 2}, "IN_QUEUE", REMOVED)],
)
@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, None),
        ({"recorded": RUNS}, REQUESTED),  # recordings without an answer are of a time when it was always this
        ({"cancelAnswer": {"status": 200, "json": {"success": True}}}, (200, {"success": True})),
        ({"recorded": RUNS, "cancelAnswer": {"status": 200, "json": {"status": "OK"}}}, REMOVED),
    ],
)
def test_a_job_that_was_cancelled_waits_to_be_cancelled(
    pace: str, queue: Any, word: str, usual: Any, more: Any, kept: Any
) -> None:
    about = {key: value for key, value in more.items() if key == "recorded"}
    answer = {key: value for key, value in more.items() if key == "cancelAnswer"}
    client = Client(recorded({**queue, **answer}, GONE, **about), pace=parse_pace(pace))
    job = client.job("a/b")
    for _ in range(5):
        client.now += 1000
        status = client.status(job)
    assert status["status"] == word
    assert client.send("GET", job).status == 400
    assert cancel(client, job) == (kept or usual)
    status = client.status(job)
    assert status["status"] == "COMPLETED"
    assert (status["error"], status["error_type"]) == ("stopped", "client_cancelled")
    result = client.send("GET", job)
    assert (result.status, read(result)) == (499, {"detail": "stopped", "error_type": "client_cancelled"})
    assert header(result, "x-fal-error-type") == "client_cancelled"
    assert cancel(client, job) == OVER


def test_a_cancelled_job_gives_what_was_recorded_whatever_it_was() -> None:
    client = Client(recorded({"started": 0.1, "cancelled": 2}, {"json": {"seed": 7}}))
    job = client.job("a/b")
    client.send("PUT", f"{job}/cancel")
    status = client.status(job)
    assert (status["status"], "error" in status) == ("COMPLETED", False)
    assert (client.send("GET", job).status, read(client.send("GET", job))) == (200, {"seed": 7})


@pytest.mark.parametrize("pace", ["instant", "recorded"])
@pytest.mark.parametrize("answer", [OVER, (409, {"detail": "no"})])
def test_a_cancel_that_was_refused_is_refused_again(pace: str, answer: Any) -> None:
    kept = {"status": answer[0], "json": answer[1]}
    queue = {"started": 1, "completed": 2, "cancelAnswer": kept}
    client = Client(recorded(queue, recorded=RUNS), pace=parse_pace(pace))
    job = client.job("a/b")
    assert cancel(client, job) == (OVER if pace == "instant" else answer)
    client.now += 2
    assert not was_cancelled(client, job)


def test_a_cancel_that_the_app_ignored_is_answered_as_it_was() -> None:
    kept = {"status": 200, "json": {"status": "OK"}}
    client = Client(recorded({"started": 1, "cancel": "ignored", "cancelAnswer": kept}, recorded=RUNS))
    job = client.job("a/b")
    assert cancel(client, job) == REMOVED
    assert not was_cancelled(client, job)
