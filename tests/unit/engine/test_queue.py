from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Mode
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import parse_extra
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of
from unit.engine.calls import paced
from unit.engine.calls import read


def test_a_submit_to_the_byte() -> None:
    reply = Client(FLUX).submit("fal-ai/flux/dev", {"prompt": "a cat"})
    request_id = read(reply)["request_id"]
    url = f"https://queue.fal.run/fal-ai/flux/requests/{request_id}"
    assert reply.status == 200
    assert reply.body == (
        f'{{"status": "IN_QUEUE", "request_id": "{request_id}", "response_url": "{url}", '
        f'"status_url": "{url}/status", "cancel_url": "{url}/cancel", "logs": null, "metrics": {{}}, '
        f'"queue_position": 1}}'.encode()
    )
    assert header(reply, "content-type") == "application/json; charset=utf-8"
    assert header(reply, "x-fal-request-id") == request_id
    assert request_id[14] == "7"


def test_a_job_from_queue_to_result() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    seen = []
    for elapsed in (0, 1, 2, 3, 6):
        client.now = 1_752_619_398.0 + elapsed
        reply = client.send("GET", f"{job}/status?logs=1")
        body = read(reply)
        assert reply.progress == f"fal-ai/flux/dev is {body['status']}"
        seen.append(
            (reply.status, body["status"], body.get("queue_position"), len(body["logs"] or []), body["metrics"])
        )
    assert seen == [
        (202, "IN_QUEUE", 1, 0, {}),
        (202, "IN_QUEUE", 0, 0, {}),
        (202, "IN_PROGRESS", None, 0, {}),
        (202, "IN_PROGRESS", None, 1, {}),
        (200, "COMPLETED", None, 1, {"inference_time": 4.25}),
    ]
    for _ in range(2):
        result = client.send("GET", job)
        assert result.status == 200
        assert read(result)["seed"] == 15738016505585340234
        assert header(result, "x-fal-request-id") == job.rpartition("/")[2]
        assert client.status(job)["status"] == "COMPLETED"


def test_logs_come_only_when_asked_for_and_with_their_times() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    client.now += 6
    for query in ("", "?logs=0", "?logs=false"):
        assert client.status(job, query)["logs"] is None
    for query in ("?logs=1", "?logs=true"):
        assert client.status(job, query)["logs"] == [
            {
                "message": "half",
                "level": "WARN",
                "source": "USER",
                "timestamp": "2025-07-15T22:43:21.000000+00:00",
                "labels": {"level": "WARN", "source": "USER"},
            }
        ]


def test_a_failed_job_is_completed_and_its_result_is_the_error() -> None:
    client = Client(FAILING)
    job = client.job("fal-ai/flux/dev", {"prompt": "bad"})
    status = client.status(job)
    assert status["status"] == "COMPLETED"
    assert not {"error", "error_type"} & status.keys()
    result = client.send("GET", job)
    assert result.status == 422
    assert read(result)["detail"][0]["loc"] == ["body", "prompt"]
    assert header(result, "x-fal-billable-units") == "0"


@pytest.mark.parametrize(("method", "suffix"), [("GET", "/status"), ("GET", ""), ("PUT", "/cancel")])
def test_an_unknown_request_id(method: str, suffix: str) -> None:
    reply = Client(FLUX).send(method, f"https://queue.fal.run/fal-ai/flux/requests/019e-none{suffix}")
    assert (reply.status, reply.body) == (404, b'{"status": "NOT_FOUND"}')


def test_a_result_asked_too_early() -> None:
    client = paced()
    reply = client.send("GET", client.job("fal-ai/flux/dev", {"prompt": "a cat"}))
    assert (reply.status, read(reply)) == (400, {"detail": "Request is still in progress"})


@pytest.mark.parametrize("name", ["x_fal_request_start_timeout", "x_fal_request_timeout"])
def test_a_start_deadline_ends_a_waiting_job(name: str) -> None:
    client = paced()
    submitted = client.submit("fal-ai/flux/dev", {"prompt": "a cat"}, **{name: "1.5"})
    job = read(submitted)["response_url"]
    client.now += 1.4
    assert client.status(job)["status"] == "IN_QUEUE"
    client.now += 0.2
    status, result = client.status(job), client.send("GET", job)
    assert (status["status"], status["error_type"]) == ("COMPLETED", "request_timeout")
    assert result.status == 504
    assert header(result, "x-fal-request-timeout-type") == "user"
    assert header(result, "x-fal-error-type") == "request_timeout"
    assert header(result, "x-falmock-fixture") == "test.json#0"


def test_there_is_no_start_deadline_unless_one_is_asked_for() -> None:
    endless = {**FLUX, "queue": {"started": 40_000, "completed": 40_001}}
    client = Client(endless, pace=RECORDED, job_ttl=10_000.0)
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    client.now += 39_999
    assert client.status(job)["status"] == "IN_QUEUE"
    client.now += 2
    assert client.send("GET", job).status == 200
    assert client.run("fal-ai/flux/dev", {"prompt": "a cat"}).status == 200


def test_the_length_of_the_queue() -> None:
    client = paced()
    url = "https://queue.fal.run/fal-ai/flux/dev?fal_max_queue_length=1"
    answers = [client.send("POST", url, {"prompt": "a cat"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [header(answer, "x-fal-needs-retry") for answer in answers] == [None, None, "1"]
    client.now += 2
    assert client.send("POST", url, {"prompt": "a cat"}).status == 200
    assert client.send("POST", url.replace("=1", "=many"), {"prompt": "a cat"}).status == 400


def test_a_full_table_refuses_a_job_and_drops_none() -> None:
    client = paced(max_jobs=1)
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    refused = client.submit("fal-ai/flux/dev", {"prompt": "a cat"})
    assert refused.status == 507
    assert "fal_max_jobs" in read(refused)["detail"]
    assert client.status(job)["status"] == "IN_QUEUE"


def test_what_a_full_table_refuses_does_not_go_to_fal_instead() -> None:
    client = paced(max_jobs=1, mode=Mode.AUTO)
    client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    assert client.submit("fal-ai/flux/dev", {"prompt": "a cat"}).status == 507


@pytest.mark.parametrize(
    ("asked", "app"),
    [
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("workflows/me/flow/deep", "workflows/me/flow"),
        ("comfy/me/flow", "comfy/me/flow"),
        ("110602490-fast-sdxl", "110602490/fast-sdxl"),
        ("110602490/fast-sdxl/image", "110602490/fast-sdxl"),
        ("a/b/", "a/b"),
    ],
)
def test_the_urls_of_a_job_name_the_app_alone(asked: str, app: str) -> None:
    client = Client({"match": {}, "response": {"json": {}}})
    body = read(client.submit(asked))
    assert body["status_url"] == f"https://queue.fal.run/{app}/requests/{body['request_id']}/status"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("queue.fal.run", "queue.fal.run"),
        ("queue.falrun.com", "queue.fal.run"),
        ("queue.mine.test", "queue.mine.test"),
    ],
)
def test_backup_hosts_name_the_real_queue_and_extra_hosts_themselves(host: str, named: str) -> None:
    client = Client({"match": {}, "response": {"json": {}}}, hosts=Hosts(parse_extra(["mine.test"])))
    body = read(client.send("POST", f"https://{host}/a/b", {}))
    assert body["status_url"].startswith(f"https://{named}/a/b/requests/")


def test_hugging_faces_router() -> None:
    client = Client({"match": {"model": "fal-ai/flux/dev"}, "response": {"json": {"ok": 1}}})
    base = "https://router.huggingface.co/fal-ai"
    assert read(client.send("POST", f"{base}/fal-ai/flux/dev", {})) == {"ok": 1}
    submitted = read(client.send("POST", f"{base}/fal-ai/flux/dev?_subdomain=queue", {}))
    path = submitted["response_url"].removeprefix("https://queue.fal.run")
    assert read(client.send("GET", f"{base}{path}/status?_subdomain=queue"))["status"] == "COMPLETED"
    assert read(client.send("GET", f"{base}{path}?_subdomain=queue")) == {"ok": 1}


def test_new_fixtures_leave_jobs_under_way_alone() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    assert client.run("fal-ai/flux/dev", {"prompt": "a dog"}).status == 404
    client.engine.use_fixtures(index_of({"match": {"model": "fal-ai/flux/dev"}, "response": {"json": "new"}}))
    assert read(client.run("fal-ai/flux/dev", {"prompt": "a dog"})) == "new"
    client.now += 6
    assert read(client.send("GET", job))["seed"] == 15738016505585340234


def test_answers_are_kept_for_the_jobs_that_come_to_them_and_no_longer() -> None:
    client = paced()
    for prompt in ("a cat", "bad"):
        client.job("fal-ai/flux/dev", {"prompt": prompt})
    answers = client.engine.scope.answers
    assert len(answers) == 2
    client.engine.use_fixtures(index_of(FLUX))
    assert client.engine.scope.answers == answers
    client.now += 5000
    job = client.job("fal-ai/flux/dev", {"prompt": "a cat"})
    client.engine.use_fixtures(index_of())
    (kept,) = client.engine.scope.answers.values()
    assert kept.error is None
    client.now += 10
    assert read(client.send("GET", job))["seed"] == 15738016505585340234
    client.engine.reset()
    assert client.engine.scope.answers == {}


def test_results_of_single_jobs_go_with_their_jobs() -> None:
    client = Client({"match": {}, "response": {"json": {"$input": "n"}}}, max_jobs=3)
    for number in range(300):
        job = client.job("a/b", {"n": number})
        client.now += 10
        client.status(job)
    scope = client.engine.scope
    assert len(scope.answers) <= 2 * 3 + 101
    assert {json.loads(scope.answer_of(job).body) for job in scope.jobs} == {297, 298, 299}


# What recordings tell of a job


def recorded(queue: Any, response: Any = None) -> dict[str, Any]:
    return {"match": {"model": "a/b"}, "response": response or {"json": {"ok": True}}, "queue": queue}


@pytest.mark.parametrize(
    ("queue", "shown"),
    [
        ({"error": "Boom", "errorType": "app_error"}, {"error": "Boom", "error_type": "app_error"}),
        ({"error": "Boom"}, {"error": "Boom"}),
        ({"errorType": "app_error"}, {"error_type": "app_error"}),
        ({}, {"error": "no", "error_type": "runner_error"}),
        ({"error": None}, {}),
        ({"errorType": None}, {}),
        ({"error": None, "errorType": "app_error"}, {"error_type": "app_error"}),
    ],
)
def test_the_error_of_a_status_is_the_one_recorded(queue: Any, shown: Any) -> None:
    body = {"detail": "no", "error_type": "runner_error"}
    client = Client(recorded(queue, {"json": body, "status": 403}))
    job = client.job("a/b")
    status = client.status(job)
    assert {key: status[key] for key in status if key.startswith("error")} == shown
    result = client.send("GET", job)
    assert (result.status, read(result)) == (403, body)


def test_a_refused_submit_makes_no_job() -> None:
    body = {"detail": "Queue is full"}
    response = {"json": body, "status": 429, "headers": {"Retry-After": "7"}}
    client = Client(recorded({"refused": True}, response))
    reply = client.submit("a/b")
    assert (reply.status, read(reply), reply.fixture) == (429, body, "test.json#0")
    assert header(reply, "retry-after") == "7"
    assert header(reply, "strict-transport-security")
    assert header(reply, "x-fal-request-id") is None
    assert len(client.engine.scope.jobs) == 0
    assert client.run("a/b").status == 429


def test_a_sync_run_of_a_cancelled_job_ends() -> None:
    gone = {"error": {"type": "client_cancelled", "message": "stopped"}}
    reply = Client(recorded({"cancelled": 2}, gone), pace=RECORDED).run("a/b")
    assert (reply.status, reply.delay) == (499, 2.0)


def test_a_result_may_have_no_body() -> None:
    client = Client(recorded({}, {"text": "", "status": 204}))
    result = client.send("GET", client.job("a/b"))
    assert (result.status, result.body) == (204, b"")
    assert "error" not in client.status(client.job("a/b"))
