from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.outcome import NotRecorded
from unit.recording.exchanges import CANCELLED
from unit.recording.exchanges import FAILED
from unit.recording.exchanges import START
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import log
from unit.recording.exchanges import warnings

# one that goes well


def test_submit_polls_and_result_become_one_fixture(observed: ObservedTraffic) -> None:
    asked = {"user-agent": "fal-client/1.0.3 (python)"}
    submitted = {"status": "IN_QUEUE", "request_id": "id-1", "queue_position": 2}
    observed.observe("POST https://queue.fal.run/a/b/c", {"prompt": "a cat"}, submitted, asked=asked)
    url = "https://queue.fal.run/a/b/requests/id-1"
    for at, status in (
        (1, {"status": "IN_QUEUE", "queue_position": 0}),
        (2, {"status": "IN_PROGRESS", "logs": [log("half", 1.5)]}),
        (4, {"status": "COMPLETED", "logs": [log("half", 1.5), log("done", 3.5)], "metrics": {"inference_time": 2.5}}),
    ):
        assert observed.observe(f"GET {url}/status?logs=1", None, status, 200 if at == 4 else 202, at=at) == []
    headers = {"x-fal-request-id": "id-1", "x-fal-billable-units": "2"}
    observed.observe(f"GET {url}", None, {"images": []}, at=5, headers=headers)
    assert observed.entry == {
        "match": {"model": "a/b/c", "input": {"prompt": "a cat"}, "exact": True},
        "response": {"billableUnits": 2, "json": {"images": []}},
        "queue": {
            "started": 1.5,
            "completed": 4.0,
            "inferenceTime": 2.5,
            "positions": [{"at": 0.0, "position": 2}, {"at": 1.0, "position": 0}],
            "logs": [{"at": 1.5, "message": "half"}, {"at": 3.5, "message": "done"}],
        },
        "recorded": {"at": "2025-07-15T22:43:18Z", "client": "fal-client/1.0.3 (python)", "requestId": "id-1"},
    }
    assert observed.save.name == "a-cat"
    assert observed.save.about == "job id-1 of a/b/c"
    assert observed.loads


def test_a_status_stream_tells_as_much_as_polls(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.stream(
        (1, {"status": "IN_QUEUE", "queue_position": 1}),
        (2, {"status": "IN_PROGRESS", "logs": [log("one", 1.75)]}),
        (3, {"status": "IN_PROGRESS", "logs": [log("two", 2.5)]}),
        (4, {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 2.0}}),
    )
    job.result(at=5)
    assert observed.entry["queue"] == {
        "started": 2.0,
        "completed": 4.0,
        "inferenceTime": 2.0,
        "positions": [{"at": 0.0, "position": 0}, {"at": 1.0, "position": 1}],
        "logs": [{"at": 1.75, "message": "one"}, {"at": 2.5, "message": "two"}],
    }


def test_a_stream_that_is_cut_anywhere_counts_as_far_as_it_came(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    at = START + 1
    chunks = ((at, b'data: {"status": "IN_PRO'), (at, b'GRESS"}\n\ndata: {"status": "COMP'))
    stream = {"content-type": "text/event-stream"}
    job.observe(f"GET {job.url}/status/stream", None, 200, 1, headers=stream, chunks=chunks)
    job.result(at=5)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 5.0}


def test_times_count_from_the_answer_to_the_submit(observed: ObservedTraffic) -> None:
    answer = {"status": "IN_QUEUE", "request_id": "id-1"}
    observed.observe("POST https://queue.fal.run/a/b", {}, answer, at=0, took=1.0)
    observed.observe(
        "GET https://queue.fal.run/a/b/requests/id-1/status", None, {"status": "COMPLETED"}, at=2, took=0.5
    )
    observed.observe("GET https://queue.fal.run/a/b/requests/id-1", None, {}, at=3)
    assert observed.entry["queue"] == {"started": 1.5, "completed": 1.5}


def test_a_client_that_only_fetches_leaves_no_timeline(observed: ObservedTraffic) -> None:
    observed.submit("a/b").result(at=600)
    assert "queue" not in observed.entry


@given(st.lists(st.sampled_from("abc"), min_size=9, max_size=30))
def test_jobs_at_the_same_time_are_told_apart(turns: list[str]) -> None:
    observed = ObservedTraffic()
    jobs = {name: observed.submit("a/b", {"prompt": name}) for name in "abc"}
    seen = dict.fromkeys(jobs, 0)
    for at, name in enumerate(turns, 1):
        seen[name] += 1
        jobs[name].status("IN_PROGRESS", at, logs=[log(f"{name}{number}") for number in range(seen[name])])
    for name, job in jobs.items():
        job.result({"of": name})
    assert [entry["response"] for entry in observed.entries] == [{"json": {"of": name}} for name in jobs]
    for name, entry in zip(jobs, observed.entries, strict=True):
        assert entry["match"]["input"] == {"prompt": name}
        told = [line["message"] for line in entry.get("queue", {}).get("logs", [])]
        assert told == [f"{name}{number}" for number in range(seen[name])]


def test_a_result_that_is_fetched_twice_is_recorded_once(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.result({"n": 1})
    assert job.result({"n": 1}) == []
    assert job.status("COMPLETED") == []
    assert observed.entry["response"] == {"json": {"n": 1}}
    assert observed.finish() == []


# what does not become a fixture


def test_a_result_that_nobody_fetched_is_named_when_the_recording_ends(observed: ObservedTraffic) -> None:
    observed.submit("a/b").status("COMPLETED", 2)
    assert observed.entries == []
    observed.finish()
    assert observed.entries == []
    assert observed.warnings == ["job id-1 of a/b is not recorded: its result was never fetched"]


def test_a_result_that_was_asked_for_too_early_is_none(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    assert job.result({"detail": "Request is still in progress"}, 1, 400) == []
    assert job.result({"status": "IN_QUEUE"}, 2, 202) == []
    assert job.result({"status": "NOT_FOUND"}, 3, 404) == []
    job.result({"n": 1}, 4)
    assert observed.entry["response"] == {"json": {"n": 1}}


def test_the_same_words_of_a_model_are_its_answer(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("COMPLETED", 1)
    job.result({"detail": "Request is still in progress"}, 2, 400)
    assert observed.entry["response"]["status"] == 400


def test_a_job_that_ran_when_the_recording_began_is_named_once(observed: ObservedTraffic) -> None:
    url = "https://queue.fal.run/a/b/requests/old"
    for line in (f"GET {url}/status", f"GET {url}/status", f"GET {url}", f"PUT {url}/cancel"):
        observed.observe(line, None, {"status": "IN_PROGRESS"}, 202)
    assert observed.entries == []
    assert observed.warnings == [
        "job old is not recorded: it was submitted before the recording began, so its input is unknown"
    ]


def test_a_job_that_does_not_exist_is_not_worth_a_word(observed: ObservedTraffic) -> None:
    assert (
        observed.observe("GET https://queue.fal.run/a/b/requests/no/status", None, {"status": "NOT_FOUND"}, 404) == []
    )


def test_an_accepted_submit_without_an_id(observed: ObservedTraffic) -> None:
    observed.observe("POST https://queue.fal.run/a/b", {}, {"status": "IN_QUEUE"})
    observed.observe("POST https://queue.fal.run/a/b", {}, b"not json")
    assert observed.warnings == ["a submit to a/b is not recorded: it was answered without a request_id"] * 2


def test_a_submit_without_an_input(observed: ObservedTraffic) -> None:
    observed.observe("POST https://queue.fal.run/a/b", b"[1]", {"request_id": "id-1"})
    observed.observe("GET https://queue.fal.run/a/b/requests/id-1", None, {"n": 1})
    assert observed.entry["match"] == {"model": "a/b", "body": "[1]"}


def test_an_answer_that_is_not_whole_is_named(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.result({}, lost="its base64 was cut")
    assert observed.warnings == ["job id-1 of a/b is not recorded: its base64 was cut"]
    assert observed.finish() == []


# failures


def test_a_failed_job_is_kept_with_the_error_that_its_status_showed(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("COMPLETED", 1, error="Invalid status code: 422", error_type="missing")
    job.result(FAILED, 2, 422, headers={"x-fal-billable-units": "0"})
    assert observed.entry["response"] == {"status": 422, "billableUnits": 0, "json": FAILED}
    assert observed.entry["queue"] == {
        "started": 1.0,
        "completed": 1.0,
        "error": "Invalid status code: 422",
        "errorType": "missing",
    }
    assert observed.loads


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ({}, {"error": None}),
        ({"error": None, "error_type": None}, {"error": None}),
        ({"error": "Request timed out"}, {"error": "Request timed out"}),
        ({"error_type": "request_timeout"}, {"errorType": "request_timeout"}),
    ],
)
def test_a_failure_is_shown_as_its_status_showed_it(observed: ObservedTraffic, shown: Any, kept: Any) -> None:
    job = observed.submit("a/b")
    job.status("COMPLETED", 1, **shown)
    job.result({"detail": "Request timed out", "error_type": "request_timeout"}, 2, 504)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 1.0, **kept}
    assert observed.loads


def test_nothing_is_known_of_a_status_that_nobody_saw(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("IN_PROGRESS", 1)
    job.result(FAILED, 2, 422)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 2.0}


def test_an_error_beside_a_good_result_is_kept(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("COMPLETED", 1, error="odd")
    job.result({"n": 1}, 2)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 1.0, "error": "odd"}


@pytest.mark.parametrize("status", [500, 504, 418])
def test_a_models_own_failure_is_its_answer(observed: ObservedTraffic, status: int) -> None:
    observed.submit("a/b").result({"detail": "no"}, 1, status)
    assert observed.entry["response"] == {"status": status, "json": {"detail": "no"}}


def test_trouble_on_the_way_to_a_result_leaves_the_job_open(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    for status in (429, 503):
        job.result({"detail": "busy"}, 1, status)
    assert observed.entries == []
    assert observed.warnings == [
        "the result of job id-1 of a/b is not recorded: it was answered 429 (too many requests)",
        "the result of job id-1 of a/b is not recorded: it was answered 503 (no runner, or the service is down)",
    ]
    job.result({"n": 1}, 2)
    assert observed.entry["response"] == {"json": {"n": 1}}


def test_trouble_with_a_poll_tells_nothing_of_the_job(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.observe(f"GET {job.url}/status", {"status": "COMPLETED"}, 502, 1)
    job.status("COMPLETED", 2)
    job.result({}, 3)
    assert observed.entry["queue"]["completed"] == 2.0


def test_trouble_is_recorded_when_it_is_wanted() -> None:
    observed = ObservedTraffic(errors=True)
    observed.submit("a/b").result({"detail": "busy"}, 1, 503)
    observed.observe("POST https://queue.fal.run/a/b", {"n": 2}, {"detail": "Unauthorized"}, 401)
    assert [entry["response"]["status"] for entry in observed.entries] == [503, 401]
    assert observed.entries[1]["queue"] == {"refused": True}
    assert observed.loads


# refused


def test_a_refused_submit_is_kept_as_such(observed: ObservedTraffic) -> None:
    observed.observe("POST https://queue.fal.run/a/b", {"prompt": "a cat"}, {"detail": "Bad request"}, 400)
    assert observed.entry == {
        "match": {"model": "a/b", "input": {"prompt": "a cat"}, "exact": True},
        "response": {"status": 400, "json": {"detail": "Bad request"}},
        "queue": {"refused": True},
        "recorded": {"at": "2025-07-15T22:43:18Z"},
    }
    assert observed.save.about == "the refused submit to a/b"
    assert observed.loads
    assert observed.finish() == []


def test_a_submit_whose_input_is_not_there_is_told_and_makes_no_fixture(observed: ObservedTraffic) -> None:
    answer = {"status": "IN_QUEUE", "request_id": "r1"}
    told = observed.observe(
        "POST https://queue.fal.run/a/b", None, answer, lost="the HAR does not have the body of the request"
    )
    assert told == [NotRecorded("a submit to a/b", "the HAR does not have the body of the request")]
    assert observed.recorder.finish() == []


def test_a_submit_that_met_trouble_is_told(observed: ObservedTraffic) -> None:
    observed.observe("POST https://queue.fal.run/a/b", {}, "<html>", 504)
    assert observed.entries == []
    assert observed.warnings == [
        "a submit to a/b is not recorded: it was answered 504 (the gateway answered, not the model)"
    ]


# limits


def test_the_oldest_job_is_given_up_for_a_new_one() -> None:
    observed = ObservedTraffic(max_jobs=2)
    first, second = observed.submit("a/b", {"n": 1}), observed.submit("a/b", {"n": 2})
    second.cancel(1)
    observed.submit("a/b", {"n": 3})
    assert observed.warnings == ["job id-1 of a/b is not recorded: its result was never fetched"]
    observed.submit("a/b", {"n": 4})
    assert observed.entry["match"]["input"] == {"n": 2}
    assert first.result({"n": 1}, 5) == []
    assert len(warnings(observed.finish())) == 2


ACTS: dict[str, Any] = {
    "wait": lambda job: job.status("IN_QUEUE", queue_position=1),
    "run": lambda job: job.status("IN_PROGRESS", logs=[log("line")]),
    "end": lambda job: job.status("COMPLETED", metrics={"inference_time": 0.5}),
    "fail": lambda job: job.status("COMPLETED", error="no", error_type="bad"),
    "stream": lambda job: job.stream((job._hooks.now, {"status": "IN_PROGRESS", "logs": [log("line")]})),
    "cancel": lambda job: job.cancel(),
    "late": lambda job: job.cancel(status=400),
    "early": lambda job: job.result({"detail": "Request is still in progress"}, status=400),
    "busy": lambda job: job.result({}, status=429),
    "result": lambda job: job.result({}),
    "failed": lambda job: job.result(FAILED, status=422),
    "stopped": lambda job: job.result(CANCELLED, status=499),
}


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from(sorted(ACTS))), max_size=10))
def test_whatever_happens_to_a_job_there_is_one_fixture_that_loads_or_a_word(acts: list[tuple[float, str]]) -> None:
    observed = ObservedTraffic()
    job = observed.submit("a/b")
    for later, act in acts:
        observed.now += later
        ACTS[act](job)
    observed.finish()
    assert len(observed.entries) + sum("never fetched" in text for text in observed.warnings) == 1
    assert observed.loads, observed.entries


FORM = "a/b/c/requests/{request_id}"


def urls_of(base: str, response: str = "") -> dict[str, str]:
    url = f"https://queue.fal.run/{base}"
    return {"response_url": f"{url}{response}", "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}


def test_the_usual_urls_are_not_kept(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b/c", **urls_of("a/b/requests/id-1"))
    job.status("COMPLETED", 1)
    job.result(at=2)
    assert "urls" not in observed.entry["queue"]


def test_other_urls_of_a_submit_are_kept(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b/c", **urls_of("a/b/c/requests/id-1", "/response"))
    job.url = "https://queue.fal.run/a/b/c/requests/id-1"
    job.status("COMPLETED", 1)
    job.result(at=2)
    shown = {"response": f"{FORM}/response", "status": f"{FORM}/status", "cancel": f"{FORM}/cancel"}
    assert observed.entry["queue"]["urls"] == shown
    assert observed.loads


def test_what_is_no_url_of_the_job_is_passed_over(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b", response_url=None, status_url="https://elsewhere.test/x", cancel_url=5)
    job.result()
    assert "queue" not in observed.entry


@pytest.mark.parametrize(
    ("url", "status", "kept"),
    [
        ("a/b/c/requests/id-1/status", 200, [f"{FORM}/status"]),
        ("a/b/c/requests/id-1/status", 405, None),
        ("a/b/c/requests/id-1/status", 404, None),
        ("a/b/c/requests/id-1/status", 429, None),
        ("b/c/requests/id-1/status", 202, ["b/c/requests/{request_id}/status"]),
        ("a/b/requests/id-1/response", 400, ["a/b/requests/{request_id}/response"]),
        ("a/b/requests/id-1/status", 200, None),
    ],
)
def test_a_url_at_which_fal_answered_is_kept(
    observed: ObservedTraffic, url: str, status: int, kept: list[str] | None
) -> None:
    job = observed.submit("a/b/c")
    for _ in range(2):
        answer = {"detail": "Request is still in progress"} if url.endswith("response") else {"status": "IN_QUEUE"}
        job.observe(f"GET https://queue.fal.run/{url}", answer, status, None)
    job.result()
    found = observed.entry.get("queue", {}).get("urls")
    assert found == (None if kept is None else {"others": kept})
    assert observed.loads
