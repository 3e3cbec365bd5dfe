from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.job_trace import JobTrace
from unit.fixtures.build import decoded
from unit.recording.exchanges import START
from unit.recording.exchanges import log


def observed() -> JobTrace:
    return JobTrace("id", about="job id", entry={}, asked=START, submitted=START)


class Seen:
    """A job submitted at START, with the statuses that polls showed."""

    def __init__(self) -> None:
        self.job = observed()
        self.status(0, "IN_QUEUE", queue_position=0)

    def status(self, at: float, word: str, **shown: Any) -> None:
        self.job.observe({"status": word, **shown}, START + at)

    def stream(self, *events: tuple[float, list[Any] | None]) -> None:
        self.job.observe_stream((START + at, {"status": "IN_PROGRESS", "logs": logs}) for at, logs in events)

    def timeline(self, result_at: float) -> dict[str, Any]:
        return self.job.timeline(START + result_at)

    def logs(self) -> list[tuple[float, str]]:
        return [(entry["at"], entry["message"]) for entry in self.timeline(99).get("logs", [])]


def test_started_is_when_a_poll_first_found_it_at_work_and_completed_when_one_found_it_done() -> None:
    seen = Seen()
    seen.status(1, "IN_QUEUE", queue_position=0)
    seen.status(2, "IN_PROGRESS")
    seen.status(3, "IN_PROGRESS")
    seen.status(4, "COMPLETED")
    seen.status(9, "COMPLETED")
    assert seen.timeline(10) == {"started": 2.0, "completed": 4.0}


def test_the_inference_time_tells_when_the_run_began_within_what_polls_saw() -> None:
    for inference, started in ((2.5, 1.5), (2.25, 1.75), (3.75, 1.0), (1.0, 2.0)):
        seen = Seen()
        seen.status(1, "IN_QUEUE", queue_position=0)
        seen.status(2, "IN_PROGRESS")
        seen.status(4, "COMPLETED", metrics={"inference_time": inference})
        assert seen.timeline(5) == {"started": started, "completed": 4.0, "inferenceTime": inference}


def test_without_polls_there_is_no_timeline() -> None:
    assert Seen().timeline(3600) == {}


def test_without_polls_the_place_that_the_submit_told_is_kept() -> None:
    job = observed()
    job.observe({"status": "IN_QUEUE", "queue_position": 4}, START)
    assert job.timeline(START + 60) == {"positions": [{"at": 0.0, "position": 4}]}


def test_a_submit_may_tell_that_it_runs_already() -> None:
    job = observed()
    job.observe({"status": "IN_PROGRESS"}, START)
    job.observe({"status": "COMPLETED"}, START + 2)
    assert job.timeline(START + 3) == {"started": 0.0, "completed": 2.0}


def test_a_job_that_was_polled_but_never_seen_done_was_done_when_its_result_came() -> None:
    seen = Seen()
    seen.status(1, "IN_PROGRESS")
    assert seen.timeline(7.123) == {"started": 1.0, "completed": 7.12}


def test_positions_are_kept_when_they_change_but_not_the_one_that_is_assumed() -> None:
    seen = Seen()
    seen.status(1, "IN_QUEUE", queue_position=0)
    seen.status(2, "COMPLETED")
    assert "positions" not in seen.timeline(2)
    seen = Seen()
    for at, position in ((1, 0), (2, 3), (3, 3), (4, 1), (5, "next"), (6, True), (7, -1), (8, 0)):
        seen.status(at, "IN_QUEUE", queue_position=position)
    assert [(one["at"], one["position"]) for one in seen.timeline(9)["positions"]] == [
        (0.0, 0),
        (2.0, 3),
        (4.0, 1),
        (8.0, 0),
    ]


def test_log_lines_keep_their_own_times_where_the_clocks_agree() -> None:
    seen = Seen()
    seen.status(2, "IN_PROGRESS", logs=[log("one", 1.25)])
    seen.status(4, "COMPLETED", logs=[log("one", 1.25), log("two", 2.5), log("three", 3.75)])
    assert seen.logs() == [(1.25, "one"), (2.5, "two"), (3.75, "three")]


def test_a_clock_that_is_off_cannot_move_a_line_out_of_the_polls_around_it() -> None:
    for skew, times in ((-3600, (0.0, 2.0)), (3600, (2.0, 4.0))):
        seen = Seen()
        seen.status(2, "IN_PROGRESS", logs=[log("one", 1 + skew)])
        seen.status(4, "COMPLETED", logs=[log("one", 1 + skew), log("two", 3 + skew)])
        assert seen.logs() == [(times[0], "one"), (times[1], "two")]


def test_a_line_without_a_time_that_can_be_read_came_when_it_was_seen() -> None:
    for told in ({}, {"timestamp": "soon"}, {"timestamp": None}):
        seen = Seen()
        seen.status(2, "IN_PROGRESS", logs=[log("one", **told)])
        assert seen.logs() == [(2.0, "one")]


def test_logs_that_are_not_asked_for_take_nothing_away() -> None:
    seen = Seen()
    seen.status(2, "IN_PROGRESS", logs=[log("one", 1)])
    seen.status(3, "IN_PROGRESS", logs=None)
    seen.status(4, "COMPLETED", logs=[log("one", 1), log("two", 3)])
    assert [message for _, message in seen.logs()] == ["one", "two"]


def test_what_is_no_log_line_is_passed_over() -> None:
    seen = Seen()
    seen.status(2, "IN_PROGRESS", logs=["text", {"message": 1}, None, log("one", 1)])
    seen.status(3, "IN_PROGRESS", logs={"0": "an object"})
    assert [message for _, message in seen.logs()] == ["one"]


def test_level_and_source_of_a_line_stand_beside_it_or_in_labels() -> None:
    seen = Seen()
    bare = {"message": "one", "labels": {"level": "ERROR", "source": "RUNNER"}}
    seen.status(2, "IN_PROGRESS", logs=[bare, log("two", level="LOUD", source=3), log("three", level="STDERR")])
    assert seen.timeline(3)["logs"] == [
        {"at": 2.0, "message": "one", "level": "ERROR", "source": "RUNNER"},
        {"at": 2.0, "message": "two"},
        {"at": 2.0, "message": "three", "level": "STDERR"},
    ]


def test_a_stream_tells_new_lines_only() -> None:
    seen = Seen()
    seen.stream((1, [log("one", 1)]), (2, [log("two", 2)]), (3, None), (4, [log("three", 4)]))
    assert seen.logs() == [(1.0, "one"), (2.0, "two"), (4.0, "three")]
    assert seen.timeline(5)["started"] == 1.0


def test_a_second_stream_begins_with_the_lines_that_are_known() -> None:
    seen = Seen()
    seen.status(1, "IN_PROGRESS", logs=[log("one", 1)])
    seen.stream((2, [log("one", 1), log("two", 2)]))
    seen.stream((3, [log("one", 1)]), (4, [log("two", 2), log("three", 3.5)]))
    seen.status(5, "COMPLETED", logs=[log("one", 1), log("two", 2), log("three", 3.5)])
    assert seen.logs() == [(1.0, "one"), (2.0, "two"), (3.5, "three")]


def test_the_error_of_a_failed_job_is_kept() -> None:
    seen = Seen()
    seen.status(1, "COMPLETED", error="Request timed out", error_type="request_timeout", metrics={})
    seen.status(2, "COMPLETED", error=5)
    assert (seen.job.error, seen.job.error_type) == ("Request timed out", "request_timeout")


def test_an_inference_time_that_is_none_is_passed_over() -> None:
    for told in (True, "1", -1, 1e7, None, [1]):
        seen = Seen()
        seen.status(1, "COMPLETED", metrics={"inference_time": told})
        seen.status(1, "COMPLETED", metrics=told)
        assert seen.timeline(1) == {"started": 1.0, "completed": 1.0}


MOMENTS = st.floats(-5, 5).map(lambda at: round(at, 3))
SHOWN = st.fixed_dictionaries(
    {"status": st.sampled_from(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "ODD", None, 3])},
    optional={
        "queue_position": st.integers(-1, 3) | st.none(),
        "logs": st.none() | st.lists(MOMENTS.map(lambda at: log("line", at)) | st.just({}), max_size=3),
        "metrics": st.none() | st.fixed_dictionaries({"inference_time": st.floats() | st.none()}),
        "error": st.text(max_size=3) | st.integers(),
    },
)


@given(st.lists(st.tuples(MOMENTS, SHOWN), max_size=8), MOMENTS)
def test_whatever_is_shown_in_whatever_order_the_timeline_loads(shown: list[tuple[float, Any]], at: float) -> None:
    job = observed()
    for moment, status in shown:
        job.observe(status, START + moment)
    queue = job.timeline(START + at)
    assert decoded({"match": {}, "response": {"json": 1}, "queue": queue}).problems == []
    if "started" in queue:
        assert 0 <= queue["started"] <= queue["completed"]
