from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.faults import jobs
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.engine.jobs.pace import Retry
from falmock.engine.jobs.pace import Schedule
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.model import Position
from unit.engine.calls import FLUX
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

CAT = {"prompt": "a cat"}
ENDPOINT = "fal-ai/flux/dev"


def client(fault: Any, **config: Any) -> Client:
    return Client({**FLUX, "fault": fault}, **{"pace": RECORDED, **config})


def injected(fault: Any) -> InjectedFault:
    return InjectedFault(read_text(json.dumps(fault)), "a rule", SeededRandom(0, "x", 1))


def life(app: Client, job: str, seconds: int = 20) -> list[str]:
    """The statuses of a job second by second, repetitions left out."""
    seen: list[str] = []
    for _ in range(seconds):
        word = app.status(job)["status"]
        if seen[-1:] != [word]:
            seen.append(word)
        app.now += 1
    return seen


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("stuck-in-queue", ["IN_QUEUE"]),
        ("stuck-in-progress", ["IN_QUEUE", "IN_PROGRESS"]),
        ("fails-late", ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]),
        ("loses-result", ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]),
        ("retried", ["IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]),
    ],
)
def test_lives_of_jobs(trouble: str, words: list[str]) -> None:
    app = client({"job": trouble})
    submitted = app.submit(ENDPOINT, CAT)
    assert header(submitted, "x-falmock-fault") == f"job {trouble}"
    assert submitted.fault == f"job {trouble}"
    job = read(submitted)["response_url"]
    assert life(app, job) == words
    assert app.engine.scope.journal.entries[0].fault == f"job {trouble}"


@pytest.mark.parametrize("pace", ["instant", "polls:1,2", "recorded"])
@pytest.mark.parametrize(("trouble", "word"), [("stuck-in-queue", "IN_QUEUE"), ("stuck-in-progress", "IN_PROGRESS")])
def test_a_stuck_job_outlasts_every_deadline_and_can_be_cancelled(pace: str, trouble: str, word: str) -> None:
    app = client({"job": trouble}, pace=parse_pace(pace))
    job = read(app.submit(ENDPOINT, CAT, x_fal_request_timeout="3"))["response_url"]
    for _ in range(5):
        app.now += 1000
        status = app.status(job)
    assert status["status"] == word
    assert app.send("GET", job).status == 400
    assert app.send("PUT", f"{job}/cancel").status == (200 if word == "IN_QUEUE" else 202)
    over = app.status(job)
    assert (over["status"], over["error_type"]) == ("COMPLETED", "client_cancelled")
    result = app.send("GET", job)
    assert (result.status, read(result)["error_type"]) == (499, "client_cancelled")
    assert app.send("PUT", f"{job}/cancel").status == 400


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ({"job": "fails-late"}, 500, None),
        ({"job": {"kind": "fails-late", "error": "runner_disconnected"}}, 503, "runner_disconnected"),
        ("content_policy_violation", 422, None),
        ({"error": {"name": "image_too_small", "message": "tiny"}}, 422, None),
    ],
)
def test_a_job_that_fails_takes_its_time(fault: Any, status: int, error_type: str | None) -> None:
    app = client(fault)
    job = read(app.submit(ENDPOINT, CAT))["response_url"]
    app.now += 5
    assert app.status(job)["status"] == "IN_PROGRESS"
    app.now += 5
    over = app.status(job)
    assert over["status"] == "COMPLETED"
    assert over.get("error_type") == error_type
    assert ("error" in over) is (error_type is not None)
    result = app.send("GET", job)
    assert result.status == status
    assert header(result, "x-fal-request-id") == over["request_id"]


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({"job": "loses-result"}, 404, {"status": "NOT_FOUND"}),
        (
            {"job": {"kind": "loses-result", "error": "internal_error"}},
            500,
            {"detail": "Internal error", "error_type": "internal_error"},
        ),
    ],
)
def test_a_job_that_loses_its_result_looks_well(fault: Any, status: int, body: Any) -> None:
    app = client(fault)
    job = read(app.submit(ENDPOINT, CAT))["response_url"]
    app.now += 10
    over = app.status(job)
    assert over["status"] == "COMPLETED"
    assert "error" not in over
    assert over["metrics"] == {"inference_time": 4.25}
    result = app.send("GET", job)
    assert (result.status, read(result)) == (status, body)


def test_a_retried_job_moved_by_polls() -> None:
    app = client({"job": {"kind": "retried", "times": 2}}, pace=parse_pace("polls:1,2"))
    job = read(app.submit(ENDPOINT, CAT))["response_url"]
    words = [app.status(job)["status"] for _ in range(6)]
    assert words == ["IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert app.send("GET", job).status == 200


@pytest.mark.parametrize(("deadline", "ended"), [(5, 5), (3, 4)])
def test_a_retried_job_may_wait_past_its_deadline(deadline: int, ended: int) -> None:
    app = client({"job": "retried"})
    # It starts after 2 s, loses its runner after 4 s, and would start again after 6 s.
    submitted = app.now
    job = read(app.submit(ENDPOINT, CAT, x_fal_request_timeout=str(deadline)))["response_url"]
    app.now += 20
    assert app.status(job)["error_type"] == "request_timeout"
    assert app.send("GET", job).status == 504
    (kept,) = app.engine.scope.jobs._over.values()
    assert kept.ended == submitted + ended


def test_a_retried_job_as_a_stream() -> None:
    app = client({"job": "retried"})
    job = app.job(ENDPOINT, CAT)
    told = app.listen("GET", f"{job}/status/stream").wait().data
    words = [event["status"] for event in told]
    assert [word for at, word in enumerate(words) if words[at - 1 : at] != [word]] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "IN_QUEUE",
        "IN_PROGRESS",
        "COMPLETED",
    ]


def test_the_times_of_a_retried_job() -> None:
    plan = Schedule(2, 6, (Position(0, 0),), (1, 3))
    assert jobs.with_retries(plan, 1) == plan._replace(completed=10, log_times=(1, 7), retries=(Retry(4, 6),))
    assert jobs.with_retries(plan, 2).retries == (Retry(4, 6), Retry(8, 10))
    assert jobs.with_retries(plan, 2).completed == 14


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 10), st.floats(0.2, 300), st.lists(st.floats(0, 50)))
def test_any_retried_job_ends_once_and_loses_as_many_runners(
    started: float, run: float, times: int, deadline: float, waits: list[float]
) -> None:
    fixture = {**FLUX, "queue": {"started": started, "completed": started + run}}
    app = Client({**fixture, "fault": {"job": {"kind": "retried", "times": times}}}, pace=RECORDED, job_ttl=1e9)
    job = read(app.submit(ENDPOINT, CAT, x_fal_request_timeout=str(deadline)))["response_url"]
    words = []
    for wait in [*waits, 10_000.0]:
        app.now += wait
        words.append(app.status(job)["status"])
    assert words[-1] == "COMPLETED"
    assert sorted(words, key=lambda word: word == "COMPLETED") == words
    (kept,) = app.engine.scope.jobs._over.values()
    assert kept.ended is not None
    assert kept.retried == times or app.status(job)["error_type"] == "request_timeout"


def test_a_job_that_no_fixture_answers() -> None:
    app = Client(pace=RECORDED)
    job = read(app.submit("a/b", {}, x_falmock_fault="runner_disconnected"))["response_url"]
    app.now += 10
    assert app.send("GET", job).status == 503
    stuck = app.submit("a/b", {}, x_falmock_fault='{"job": "stuck-in-queue"}')
    assert app.status(read(stuck)["response_url"])["status"] == "IN_QUEUE"
    missed = app.submit("a/b", {}, x_falmock_fault='{"job": "retried"}')
    assert missed.miss is not None


@pytest.mark.parametrize(
    ("fault", "plan"),
    [
        ({"latency": 1}, DeliveryPlan()),
        ({"webhook": "late"}, DeliveryPlan((5.0,))),
        ({"webhook": "out-of-order"}, DeliveryPlan((30.0,), yields=True)),
        ({"webhook": {"kind": "out-of-order", "seconds": 2}}, DeliveryPlan((2.0,), yields=True)),
        ({"webhook": {"kind": "twice", "seconds": 1}}, DeliveryPlan((0.0, 1.0))),
        ({"webhook": "never"}, DeliveryPlan(())),
        ({"webhook": "bad-signature"}, DeliveryPlan(forged=True)),
    ],
)
def test_webhooks(fault: Any, plan: DeliveryPlan) -> None:
    made = injected(fault)
    named = plan if plan == DeliveryPlan() else plan._replace(fault=made.fault.name)
    assert jobs.webhook_plan(made) == named
    assert jobs.webhook_plan(None) == DeliveryPlan()
