"""aimock's routes in its own dialect: what aimock 1.43.0 answered to the same calls."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.gateway.door import FALS_ANSWER
from unit.gateway.aimocks import NOW
from unit.gateway.aimocks import QUEUE
from unit.gateway.aimocks import RUN
from unit.gateway.aimocks import Mock
from unit.gateway.aimocks import Sent

KLING = "fal-ai/kling-video/v2"
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"endpoint": "fal", "model": "fal-ai/flux/dev"},
        "response": {"json": {"images": [{"url": "https://example.com/r.png"}]}, "billableUnits": 2},
    },
    {
        "match": {"endpoint": "fal", "model": KLING, "userMessage": "dragon", "sequenceIndex": 0},
        "response": {"error": {"message": "busy", "type": "rate_limit"}, "status": 429, "retryAfter": 3},
    },
    {
        "match": {"endpoint": "fal-audio", "userMessage": "thunder"},
        "response": {"audio": "AAAA", "format": "mp3"},
    },
]
"""The sample of an authored file in aimock's terms, unedited."""
FLUX = "fal-ai/flux/dev"
RESULT = {"images": [{"url": "https://example.com/r.png"}]}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def mock(*fixtures: dict[str, Any], **config: Any) -> Mock:
    return Mock(*(fixtures or FIXTURES), dialect="aimock", **config)


def about(mock: Mock, job: str, what: str = "", model: str = FLUX, method: str = "GET") -> Sent:
    return mock.ask(method, f"/fal/{model}/requests/{job}{what}", host=QUEUE)


def cancel(mock: Mock, job: str) -> Sent:
    return about(mock, job, "/cancel", method="PUT")


def error(message: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, **more}}


# 2.1 by the header


def test_a_submit() -> None:
    submitted = mock().ask("POST", f"/fal/{FLUX}", {"prompt": "x"}, QUEUE)
    job = submitted.json["request_id"]
    url = f"https://queue.fal.run/{FLUX}/requests/{job}"
    assert submitted.told == (
        200,
        {
            "request_id": job,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "queue_position": 0,
        },
    )


def test_a_status() -> None:
    asked = mock()
    job = asked.submit(FLUX)
    status = about(asked, job, "/status")
    enqueued = {"timestamp": "2025-07-15T22:43:18.000Z", "level": "INFO", "message": "Job enqueued."}
    assert status.told == (
        200,
        {
            "status": "COMPLETED",
            "request_id": job,
            "response_url": f"https://queue.fal.run/{FLUX}/requests/{job}",
            "logs": [enqueued],
            "metrics": {"inference_time": 0.0},
        },
    )
    assert status.headers["x-fal-request-id"] == job
    assert about(asked, job, "/status?logs=0").told == status.told


def test_a_result() -> None:
    asked = mock()
    job = asked.submit(FLUX)
    result = about(asked, job)
    assert result.told == (200, RESULT)
    assert (result.headers["x-fal-request-id"], result.headers["x-fal-billable-units"]) == (job, "2")


def test_any_model_path_finds_a_job() -> None:
    asked = mock()
    assert about(asked, asked.submit(FLUX), model="any/thing/else").told == (200, RESULT)


def test_a_result_before_the_job_is_over() -> None:
    asked = mock(pace="polls:1,2")
    job = asked.submit(FLUX)
    early = about(asked, job)
    assert (early.status, early.json["status"], early.json["queue_position"]) == (202, "IN_PROGRESS", 0)
    assert early.headers["x-fal-request-id"] == job
    assert "x-fal-billable-units" not in early.headers
    assert about(asked, job).told == (200, RESULT), "a result is a poll"


def test_cancels() -> None:
    asked = mock(pace="polls:3,4")
    job = asked.submit(FLUX)
    assert [cancel(asked, job).told for _ in range(2)] == [(200, {"status": "CANCELLED"})] * 2
    status = about(asked, job, "/status")
    assert (status.status, status.json["status"]) == (200, "CANCELLED")
    assert [line["message"] for line in status.json["logs"]] == ["Job enqueued.", "Job cancelled."]
    assert status.json.keys() == {"status", "request_id", "response_url", "logs"}
    result = about(asked, job)
    assert (result.status, result.json) == (202, status.json)
    done = mock()
    assert cancel(done, done.submit(FLUX)).told == (400, {"status": "ALREADY_COMPLETED"})
    assert cancel(done, UNKNOWN).told == (404, {"status": "NOT_FOUND"})


def test_a_run() -> None:
    run = mock().ask("POST", f"/fal/{FLUX}", {"prompt": "x"}, RUN)
    assert run.told == (200, RESULT)
    assert not run.headers.keys() & {"x-fal-request-id", "x-fal-billable-units"}


def test_an_unknown_job() -> None:
    for what in ("", "/status"):
        assert about(mock(), UNKNOWN, what).told == (404, error(f"Request {UNKNOWN} not found", "not_found"))


# 2.2 the older routes


def test_the_older_routes() -> None:
    asked = mock()
    submitted = asked.ask("POST", f"/fal/queue/submit/{FLUX}", {"prompt": "x"}).json
    job = submitted["request_id"]
    url = f"https://queue.fal.run/{FLUX}/requests/{job}"
    assert (submitted["response_url"], submitted["queue_position"]) == (f"{url}/response", 0)
    for method in ("GET", "POST", "PUT"):
        status = asked.ask(method, f"/fal/queue/requests/{job}/status")
        assert status.told == (200, {"status": "COMPLETED", "request_id": job, "response_url": url})
        assert "x-fal-request-id" not in status.headers
        assert asked.ask(method, f"/fal/queue/requests/{job}").told == (200, RESULT)
        assert asked.ask(method, f"/fal/queue/requests/{job}/cancel").told == (400, {"status": "ALREADY_COMPLETED"})
    unknown = asked.ask("GET", f"/fal/queue/requests/{UNKNOWN}")
    assert unknown.told == (404, error(f"Request {UNKNOWN} not found", "not_found"))
    assert asked.ask("GET", "/fal/queue/requests/a/b").told == (404, error("Unknown fal.ai endpoint", "not_found"))
    assert asked.ask("PUT", f"/fal/queue/requests/{UNKNOWN}/cancel").told == (404, {"status": "NOT_FOUND"})


def test_the_older_routes_before_a_job_is_over() -> None:
    asked = mock(pace="polls:5,6")
    job = asked.ask("POST", f"/fal/queue/submit/{FLUX}", {"prompt": "x"}).json["request_id"]
    assert asked.ask("GET", f"/fal/queue/requests/{job}").told == (
        409,
        error("Job result not yet available", "not_ready"),
    )


def test_audio() -> None:
    asked = mock()
    for host, path in ((RUN, "/fal/any/sound"), ("", "/fal/run/any/sound")):
        audio = asked.ask("POST", path, {"text": "thunder"}, host).json["audio"]
        assert (audio["content_type"], audio["file_name"], audio["file_size"]) == (
            "audio/mpeg",
            "generated_audio.mp3",
            3,
        )


def test_status_beside_json_counts_by_the_older_routes_only() -> None:
    asked = mock({"match": {"model": "a/b"}, "response": {"json": {"detail": "no"}, "status": 422}})
    assert asked.ask("POST", "/fal/a/b", {}, RUN).told == (200, {"detail": "no"})
    assert asked.ask("POST", "/fal/run/a/b", {}).told == (422, {"detail": "no"})
    job = asked.submit("a/b")
    assert about(asked, job, "/status", "a/b").json.keys() == {
        "status",
        "request_id",
        "response_url",
        "logs",
        "metrics",
    }
    assert about(asked, job, "", "a/b").told == (200, {"detail": "no"})


@pytest.mark.parametrize("payload", [None, "text", [1, 2], 3, True, {"a": None}])
def test_any_json_is_a_payload(payload: Any) -> None:
    asked = mock({"match": {"model": "a/b"}, "response": {"json": payload}})
    assert asked.ask("POST", "/fal/a/b", {}, RUN).told == (200, payload)
    assert about(asked, asked.submit("a/b")).told == (200, payload)


# 2.3 errors


def test_what_is_no_json() -> None:
    asked = mock()
    for host in (QUEUE, RUN):
        refused = asked.ask("POST", f"/fal/{FLUX}", b"{", host)
        assert refused.status == 400
        assert refused.json["error"]["code"] == "invalid_json"
        assert refused.json["error"]["message"].startswith("Malformed JSON: ")
    older = asked.ask("POST", f"/fal/run/{FLUX}", b"{")
    assert (older.status, older.json["error"].keys()) == (400, {"message", "type"})


def test_what_is_no_object() -> None:
    for body in (b"null", b"[]"):
        refused = mock().ask("POST", f"/fal/run/{FLUX}", body)
        assert (refused.status, refused.json["error"]["type"]) == (400, "invalid_request_error")


def test_the_content_type_is_not_looked_at_and_a_body_may_be_missing() -> None:
    asked = mock()
    assert asked.ask("POST", f"/fal/{FLUX}", b'{"prompt": "x"}', RUN, content_type="text/plain").status == 200
    assert asked.ask("POST", f"/fal/{FLUX}", b"", RUN).status == 200


def test_a_miss() -> None:
    for host in (QUEUE, RUN):
        missed = mock().ask("POST", "/fal/no/such", {}, host)
        assert missed.told == (404, error("No fixture matched", "invalid_request_error", code="no_fixture_match"))
        assert missed.reply.miss is not None, "the log has the report"


@pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.AUTO])
def test_a_strict_miss(mode: Mode) -> None:
    missed = mock(mode=mode).ask("POST", "/fal/no/such", {}, QUEUE, x_aimock_strict="true")
    assert missed.told == (
        503,
        error("Strict mode: no fixture matched", "invalid_request_error", code="no_fixture_match"),
    )


def test_an_error_is_the_answer_to_a_submit() -> None:
    for host, path in ((QUEUE, f"/fal/{KLING}"), (RUN, f"/fal/{KLING}"), ("", f"/fal/queue/submit/{KLING}")):
        failed = mock().ask("POST", path, {"prompt": "a dragon"}, host)
        assert failed.told == (429, error("busy", "rate_limit", param=None, code=None))
        assert failed.headers["retry-after"] == "3"


def test_an_error_by_default() -> None:
    asked = mock({"match": {"model": "a/b"}, "response": {"error": {"message": "no"}}})
    assert asked.ask("POST", "/fal/a/b", {}, QUEUE).told == (500, error("no", "server_error", param=None, code=None))


def test_no_route() -> None:
    nothing = (404, error("Not found", "not_found"))
    assert mock().ask("GET", "/fal/x").told == nothing
    for method, path in (
        ("GET", f"/fal/{FLUX}"),
        ("PUT", f"/fal/{FLUX}/requests/x"),
        ("POST", "/fal/onepart"),
        ("POST", "/fal/"),
    ):
        assert mock().ask(method, path, None, QUEUE).told == nothing


def test_headers_of_every_answer() -> None:
    asked = mock()
    for sent in (asked.ask("POST", f"/fal/{FLUX}", {}, QUEUE), asked.ask("GET", "/fal/x"), about(asked, UNKNOWN)):
        assert sent.headers["access-control-allow-origin"] == "*"
        assert sent.headers["x-request-id"]
    assert asked.ask("POST", f"/fal/{FLUX}", {}, RUN, x_request_id="mine-1").headers["x-request-id"] == "mine-1"
    assert asked.ask("POST", f"/fal/{FLUX}", {}, RUN, x_request_id="no\nway").headers["x-request-id"] != "no\nway"


def test_a_preflight() -> None:
    asked = {"origin": "http://app.test", "access_control_request_method": "PUT"}
    sent = mock().ask("OPTIONS", f"/fal/{FLUX}", None, QUEUE, **asked)
    assert sent.status == 204
    assert "PUT" in sent.headers["access-control-allow-methods"]
    assert sent.headers["access-control-allow-headers"] == "*"


# 2.4 how a job goes on


@pytest.mark.parametrize(
    ("pace", "words"),
    [("polls:1,2", "PCCCC"), ("polls:2,2", "QPCCC"), ("polls:,1", "PCCCC"), ("polls:0", "PCCCC"), ("polls:3", "QQPCC")],
)
def test_polls(pace: str, words: str) -> None:
    asked = mock(pace=pace)
    job = asked.submit(FLUX)
    told = [about(asked, job, "/status").json["status"] for _ in words]
    assert "".join({"IN_QUEUE": "Q", "IN_PROGRESS": "P", "COMPLETED": "C"}[word] for word in told) == words


def test_places_logs_and_metrics() -> None:
    asked = mock(pace="polls:2,3")
    submitted = asked.ask("POST", f"/fal/{FLUX}", {}, QUEUE).json
    assert submitted["queue_position"] == 2
    told = []
    for _ in range(3):
        asked.now += 1
        told.append(about(asked, submitted["request_id"], "/status").json)
    assert [status.get("queue_position") for status in told] == [1, 0, None]
    assert [status.get("metrics") for status in told] == [None, None, {"inference_time": 3.0}]
    lines = [line["message"] for line in told[-1]["logs"]]
    assert lines == ["Job enqueued.", "Job started processing.", "Job completed."]
    assert asked.now == NOW + 3
    asked.now += 60
    later = [line["timestamp"] for line in about(asked, submitted["request_id"], "/status").json["logs"]]
    assert later == sorted(later)


def test_a_job_that_goes_by_the_clock() -> None:
    plan = {
        "started": 2,
        "completed": 6,
        "positions": [{"at": 0, "position": 3}],
        "logs": [{"at": 4, "message": "half"}],
    }
    asked = mock({"match": {"model": "a/b"}, "response": {"json": 1}, "queue": plan}, pace="recorded")
    job = asked.submit("a/b")
    told = []
    for asked.now in (NOW + 1, NOW + 5, NOW + 7):
        told.append(about(asked, job, "/status", "a/b").json)
    assert [status.get("queue_position") for status in told] == [3, 0, None]
    lines = [line["message"] for line in told[-1]["logs"]]
    assert lines == ["Job enqueued.", "Job started processing.", "half", "Job completed."]


# the real fal


def test_what_fal_answers_is_fals() -> None:
    asked = mock(mode=Mode.RECORD)
    asked.fal = Reply(202, (), b'{"status": "IN_QUEUE"}', FALS_ANSWER)
    assert about(asked, "r1", "/status").told == (200, {"status": "IN_QUEUE"})
    asked.fal = Reply(422, (), b'{"detail": []}', FALS_ANSWER)
    assert asked.ask("POST", f"/fal/{FLUX}", {}, QUEUE).told == (422, {"detail": []})
    assert about(asked, "r1").told == (422, {"detail": []})


# 4.2 which fixture answers


def turns(mock: Mock, count: int, body: Any = None, **headers: str) -> list[Any]:
    return [mock.ask("POST", "/fal/a/b", body or {}, RUN, **headers).json for _ in range(count)]


def test_the_first_that_matches_answers() -> None:
    wide = {"match": {"model": "a/*"}, "response": {"json": "wide"}}
    close = {"match": {"model": "a/b", "userMessage": "cat"}, "response": {"json": "close"}}
    assert turns(mock(wide, close), 1, {"prompt": "cat"}) == ["wide"]
    assert turns(mock(close, wide), 1, {"prompt": "cat"}) == ["close"]
    assert mock(wide, close).proxied("POST", "https://fal.run/a/b", {"prompt": "cat"}).json == "wide"


def test_of_equal_ones_the_first_answers_ever() -> None:
    one, two = ({"match": {"model": "a/b"}, "response": {"json": number}} for number in (1, 2))
    assert turns(mock(one, two), 3) == [1, 1, 1]


def test_sequences() -> None:
    first, third = (
        {"match": {"model": "a/b", "sequenceIndex": index}, "response": {"json": index}} for index in (0, 2)
    )
    between = {"match": {"model": "a/b"}, "response": {"json": "any"}}
    other = {"match": {}, "response": {"json": "other"}}
    assert turns(mock(first, third, between), 4) == [0, "any", 2, "any"]
    asked = mock(first, other, third)
    assert turns(asked, 3) == [0, "other", "other"], "what another answers does not count"
    assert turns(asked, 1, x_test_id="new") == [0]
    gone = mock(first)
    assert [gone.ask("POST", "/fal/a/b", {}, RUN).status for _ in range(2)] == [200, 404]


def test_a_model_that_goes_on_with_a_digit() -> None:
    asked = mock({"match": {"model": "fal-ai/slow"}, "response": {"json": 1}})
    assert asked.ask("POST", "/fal/fal-ai/slow-2/pro", {}, RUN).status == 200
    assert asked.ask("POST", "/fal/fal-ai/slower", {}, RUN).status == 404


def test_a_dialect_that_changes() -> None:
    asked = Mock({"match": {"model": "fal-ai/slow"}, "response": {"json": 1}})
    assert asked.ask("POST", "/fal/fal-ai/slow-2", {}, RUN).status == 404
    asked.engines.use_config(Config(dialect=Dialect.AIMOCK))
    assert asked.ask("POST", "/fal/fal-ai/slow-2", {}, RUN).status == 200


def test_fixtures_for_chats_never_answer() -> None:
    for key in ("systemMessage", "toolCallId", "toolName", "inputText", "responseFormat"):
        assert mock({"match": {key: "x"}, "response": {"json": 1}}).ask("POST", "/fal/a/b", {}, RUN).status == 404


def test_the_prompt() -> None:
    asked = mock({"match": {"userMessage": "Cat"}, "response": {"json": 1}})

    def status(body: Any) -> int:
        return asked.ask("POST", "/fal/a/b", body, RUN).status

    inputs = [
        {"prompt": "a Cat!"},
        {"text": "Cat"},
        {"input": {"prompt": "Cat"}},
        {"input": {"text": "Cat"}},
        {"x": "Cat"},
    ]
    assert [status(body) for body in inputs] == [200] * 5
    assert [status(body) for body in ({"prompt": "cat"}, {"prompt": "dog", "text": "Cat"}, {})] == [404] * 3
