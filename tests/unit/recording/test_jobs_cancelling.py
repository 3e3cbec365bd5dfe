from __future__ import annotations

from typing import Any

import pytest

from falmock.wire.errors import CANCELLED_TEXT
from unit.recording.exchanges import CANCELLED
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import log


def test_cancelled_while_it_waits(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b", queue_position=3)
    job.status("IN_QUEUE", 1, queue_position=2)
    job.cancel(2)
    job.status("COMPLETED", 3, error="Request was cancelled", error_type="client_cancelled")
    job.result(CANCELLED, 4, 499, headers={"x-fal-error-type": "client_cancelled"})
    assert observed.entry["queue"] == {
        "positions": [{"at": 0.0, "position": 3}, {"at": 1.0, "position": 2}],
        "cancelled": 2.0,
        "error": "Request was cancelled",
        "errorType": "client_cancelled",
    }
    assert observed.entry["response"] == {
        "status": 499,
        "headers": {"x-fal-error-type": "client_cancelled"},
        "json": CANCELLED,
    }
    assert observed.loads


def test_cancelled_while_it_ran(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("IN_PROGRESS", 1, logs=[log("one", 1)])
    job.cancel(2)
    job.status("COMPLETED", 3, metrics={"inference_time": 1.5})
    job.result(CANCELLED, 4, 499)
    assert observed.entry["queue"] == {
        "started": 1.0,
        "logs": [{"at": 1.0, "message": "one"}],
        "cancelled": 2.0,
        "error": None,
    }
    assert observed.loads


def test_a_poll_that_crosses_the_cancel_does_not_have_it_begin_after_its_end(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.cancel(1)
    job.status("IN_PROGRESS", 1.5)
    job.result(CANCELLED, 4, 499)
    assert observed.entry["queue"] == {"started": 1.0, "cancelled": 1.0}
    assert observed.loads


def test_an_app_that_does_not_stop(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("IN_PROGRESS", 1)
    job.cancel(2)
    job.status("COMPLETED", 3)
    job.result({"n": 1}, 4)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 3.0, "cancel": "ignored"}
    assert observed.entry["response"] == {"json": {"n": 1}}
    assert observed.loads


def test_cancelled_when_it_was_over(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("COMPLETED", 1)
    job.cancel(2, 400)
    job.result({"n": 1}, 3)
    assert observed.entry["queue"] == {"started": 1.0, "completed": 1.0}


def test_a_cancel_that_came_too_late_tells_that_the_job_was_over(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.cancel(2, 400)
    job.result({"n": 1}, 60)
    too_late = {"status": 400, "json": {"status": "ALREADY_COMPLETED"}}
    assert observed.entry["queue"] == {"started": 2.0, "completed": 2.0, "cancelAnswer": too_late}
    assert observed.loads


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, {"status": "OK"}), (202, {"status": "OK"}), (200, {"success": True}), (200, ["stopped", 1.50])],
)
def test_another_answer_to_the_cancel_than_the_usual_one_is_kept(
    observed: ObservedTraffic, status: int, answer: Any
) -> None:
    job = observed.submit("a/b")
    job.observe(f"PUT {job.url}/cancel", answer, status, 1)
    job.cancel(2)
    job.result(CANCELLED, 3, 499)
    assert observed.entry["queue"] == {"cancelled": 1.0, "cancelAnswer": {"status": status, "json": answer}}
    assert observed.loads


def test_an_app_that_does_not_stop_keeps_the_answer_too(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.observe(f"PUT {job.url}/cancel", {"status": "OK"}, 200, 1)
    job.result({"n": 1}, 3)
    kept = {"status": 200, "json": {"status": "OK"}}
    assert observed.entry["queue"] == {"started": 1.0, "cancel": "ignored", "cancelAnswer": kept}
    assert observed.loads


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 503])
def test_trouble_with_a_cancel_tells_nothing_of_the_job(observed: ObservedTraffic, status: int) -> None:
    job = observed.submit("a/b")
    job.observe(f"PUT {job.url}/cancel", {"detail": "no"}, status, 1)
    job.result({"n": 1}, 3)
    assert "queue" not in observed.entry


def test_a_cancel_whose_answer_is_no_json_counts_all_the_same(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.observe(f"PUT {job.url}/cancel", b"fine", 200, 1)
    job.result(CANCELLED, 3, 499)
    assert observed.entry["queue"] == {"cancelled": 1.0}


def test_an_app_that_does_not_stop_was_at_work_when_it_was_asked_to(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.cancel(2)
    job.status("COMPLETED", 5)
    job.result({"n": 1}, 6)
    unwatched = observed.submit("a/b")
    unwatched.cancel(8)
    unwatched.result({"n": 1}, 9)
    assert [one["queue"] for one in observed.entries] == [
        {"started": 2.0, "completed": 5.0, "cancel": "ignored"},
        {"started": 2.0, "cancel": "ignored"},
    ]
    assert observed.loads


def test_the_first_cancel_counts(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.cancel(1)
    job.cancel(2)
    job.result(CANCELLED, 3, 499)
    assert observed.entry["queue"] == {"cancelled": 1.0}


def test_a_result_that_nobody_wants_after_the_cancel_is_written_as_it_is_known_to_be(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b", {"prompt": "a cat"})
    job.status("IN_PROGRESS", 1)
    job.cancel(2)
    assert observed.entries == []
    observed.finish()
    assert observed.entry == {
        "match": {"model": "a/b", "input": {"prompt": "a cat"}, "exact": True},
        "response": {"error": {"type": "client_cancelled", "message": CANCELLED_TEXT}},
        "queue": {"started": 1.0, "cancelled": 2.0},
        "recorded": {
            "at": "2025-07-15T22:43:18Z",
            "requestId": "id-1",
            "note": "The result was not fetched after the cancel.",
        },
    }
    assert observed.loads


def test_what_the_status_said_of_a_cancelled_job_is_kept(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.cancel(2)
    job.status("COMPLETED", 3, error="Stopped", error_type="client_cancelled")
    observed.finish()
    assert observed.entry["queue"] == {"cancelled": 2.0, "error": "Stopped", "errorType": "client_cancelled"}
    assert observed.entry["response"] == {"error": {"type": "client_cancelled", "message": "Stopped"}}
    assert observed.loads


def test_an_app_that_does_not_stop_and_whose_result_nobody_wants_is_named(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("IN_PROGRESS", 1)
    job.cancel(2)
    job.status("COMPLETED", 3, metrics={"inference_time": 2.0})
    observed.finish()
    assert observed.entries == []
    assert observed.warnings == ["job id-1 of a/b is not recorded: its result was never fetched"]
