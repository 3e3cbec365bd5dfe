"""Jobs that a test lists and moves by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import invariant
from hypothesis.stateful import rule

from falmock.engine.effects import Effect
from falmock.engine.effects import End
from falmock.engine.effects import Stream
from falmock.engine.jobs.keep_alive import EVERY
from falmock.engine.jobs.pace import parse_pace
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

TIMED = {**answering({"done": True}), "queue": {"started": 2, "completed": 6}}
MANUAL = parse_pace("manual")
YEAR = 365 * 86400.0


def manual(*fixtures: dict[str, Any], **config: Any) -> Steered:
    return Steered(*(fixtures or (TIMED,)), **{"pace": MANUAL, "pace_text": "manual", "job_ttl": 2 * YEAR, **config})


def test_at_the_pace_manual_nothing_but_this_moves_a_job() -> None:
    steered = manual()
    job = steered.submit("t/e")
    for _ in range(3):
        steered.now += YEAR / 4
        assert steered.status("t/e", job)["status"] == "IN_QUEUE"
    assert steered.ask("POST", f"/jobs/{job}/advance")["state"] == "running"
    for _ in range(3):
        assert steered.status("t/e", job)["status"] == "IN_PROGRESS"
    assert steered.ask("POST", f"/jobs/{job}/advance")["state"] == "finished"
    assert steered.status("t/e", job)["status"] == "COMPLETED"
    told = steered.ask("POST", f"/jobs/{job}/advance", status=409)
    assert told["message"] == "The job is over (finished): it cannot be changed any more"


def test_runs_and_streams_are_answered_at_once() -> None:
    assert manual().run("t/e") == {"done": True}


def test_completing_and_failing() -> None:
    steered = manual()
    well, ill = steered.submit("t/e"), steered.submit("t/e")
    assert (steered.ask("POST", f"/jobs/{well}/complete")["state"], steered.status("t/e", ill)["status"]) == (
        "finished",
        "IN_QUEUE",
    )
    failed = steered.ask("POST", f"/jobs/{ill}/fail", {"error": "content_policy_violation"})
    assert (failed["status"], failed["error"][:24]) == ("COMPLETED", "The content could not be")
    seen = steered.status("t/e", ill)
    assert (seen["status"], "error_type" in seen) == ("COMPLETED", False)
    result = steered.call("GET", f"https://queue.fal.run/t/e/requests/{ill}")
    assert result.status == 422
    assert b"content_policy_violation" in result.body
    assert "error" not in steered.status("t/e", well)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "no_such_error"}, "expected one of"),
        ({"error": {"name": "x"}}, "A job cannot end with this error"),
        ({"error": "rate_limit"}, "A job cannot end with this error"),
        ({"error": 5}, "$.error"),
        ({"eror": "x"}, "error"),
    ],
)
def test_an_error_that_is_none(body: Any, said: str) -> None:
    steered = manual()
    job = steered.submit("t/e")
    assert said in repr(steered.ask("POST", f"/jobs/{job}/fail", body, 400))
    assert steered.status("t/e", job)["status"] == "IN_QUEUE"


def test_without_a_word_it_fails_as_an_app_does() -> None:
    steered = manual()
    job = steered.submit("t/e")
    assert steered.ask("POST", f"/jobs/{job}/fail")["error"] == "Internal server error"
    assert "error_type" not in steered.status("t/e", job)


def test_what_the_client_sees_of_a_platform_error() -> None:
    steered = manual()
    job = steered.submit("t/e")
    shown = steered.ask("POST", f"/jobs/{job}/fail", {"error": "runner_disconnected"})
    seen = steered.status("t/e", job)
    assert (seen["error"], seen["error_type"]) == (shown["error"], "runner_disconnected")


def test_why_a_job_failed_by_its_fixture() -> None:
    failing = {"match": {"model": "t/e"}, "response": {"status": 422, "json": {"detail": [{"msg": "Too small"}]}}}
    steered = Steered(failing)
    job = steered.submit("t/e")
    steered.status("t/e", job)
    assert steered.ask("GET", f"/jobs/{job}")["error"] == "Too small"


def test_a_job_that_is_held_and_released() -> None:
    steered = Steered(TIMED, pace=parse_pace("recorded"))
    job = steered.submit("t/e")
    steered.now += 3
    assert steered.ask("POST", f"/jobs/{job}/hold") | {"held": True} == steered.ask("GET", f"/jobs/{job}")
    steered.now += 100
    assert steered.status("t/e", job)["status"] == "IN_PROGRESS"
    released = steered.ask("POST", f"/jobs/{job}/release")
    assert (released["state"], released["held"]) == ("finished", False)


def test_a_job_that_is_released_before_its_time() -> None:
    steered = Steered(TIMED, pace=parse_pace("recorded"))
    job = steered.submit("t/e")
    steered.ask("POST", f"/jobs/{job}/hold")
    steered.now += 3
    assert steered.ask("GET", f"/jobs/{job}")["state"] == "queued"
    assert steered.ask("POST", f"/jobs/{job}/release")["state"] == "running"
    steered.now += 3.1
    assert steered.status("t/e", job)["status"] == "COMPLETED"


def test_a_held_job_does_not_count_polls() -> None:
    steered = Steered(TIMED, pace=parse_pace("polls:1,2"))
    job = steered.submit("t/e")
    steered.ask("POST", f"/jobs/{job}/hold")
    assert [steered.status("t/e", job)["status"] for _ in range(4)] == ["IN_QUEUE"] * 4
    steered.ask("POST", f"/jobs/{job}/release")
    assert [steered.status("t/e", job)["status"] for _ in range(2)] == ["IN_PROGRESS", "COMPLETED"]


def test_a_released_job_of_the_pace_manual_ends() -> None:
    steered = manual()
    assert steered.ask("POST", f"/jobs/{steered.submit('t/e')}/release")["state"] == "finished"


def test_a_job_that_is_held_can_be_cancelled() -> None:
    steered = manual()
    job = steered.submit("t/e")
    steered.call("PUT", f"https://queue.fal.run/t/e/requests/{job}/cancel")
    assert steered.ask("GET", f"/jobs/{job}")["state"] == "cancelled"


def test_a_status_stream_tells_each_move_and_is_woken_by_it() -> None:
    steered = manual()
    job = steered.submit("t/e")
    stream = steered.call("GET", f"https://queue.fal.run/t/e/requests/{job}/status/stream")
    assert isinstance(stream, Stream)
    seen = []
    for move in ("advance", "advance", None):
        step = stream.source.step(steered.now)
        seen += [piece for piece in step.pieces if b"event" in piece or b"data" in piece]
        if move is not None:
            assert (step.end, step.again) == (End.OPEN, steered.now + EVERY)
            steered.now += 1
            assert steered.reply("POST", f"/jobs/{job}/{move}").wakes == job == stream.key
    assert step.end is End.WHOLE
    assert [b"IN_QUEUE" in seen[0], b"IN_PROGRESS" in seen[1], b"COMPLETED" in seen[2], len(seen)] == [True] * 3 + [3]


def test_a_status_stream_over_a_job_that_is_released() -> None:
    steered = Steered(TIMED, pace=parse_pace("recorded"))
    job = steered.submit("t/e")
    stream = steered.call("GET", f"https://queue.fal.run/t/e/requests/{job}/status/stream")
    assert isinstance(stream, Stream)
    assert stream.source.step(steered.now).again is not None
    steered.ask("POST", f"/jobs/{job}/hold")
    assert stream.source.step(steered.now).again == steered.now + EVERY
    steered.ask("POST", f"/jobs/{job}/release")
    seen = b""
    while (step := stream.source.step(steered.now)).end is End.OPEN:
        seen += b"".join(step.pieces)
        assert step.again is not None
        steered.now = step.again
    assert (b"IN_PROGRESS" in seen, b"COMPLETED" in b"".join(step.pieces)) == (True, True)


def test_the_list() -> None:
    steered = manual(TIMED, answering(1, model="t/other"))
    jobs = [steered.submit("t/e"), steered.submit("t/other"), steered.submit("t/e")]
    steered.submit("t/e", scope="elsewhere")
    steered.ask("POST", f"/jobs/{jobs[0]}/advance")
    found = steered.ask("GET", "/jobs")
    assert ([job["request_id"] for job in found["jobs"]], found["total"]) == (jobs, 3)
    assert [job["request_id"] for job in steered.ask("GET", "/jobs", state="queued")["jobs"]] == jobs[1:]
    assert [job["request_id"] for job in steered.ask("GET", "/jobs", endpoint="t/e")["jobs"]] == [jobs[0], jobs[2]]
    assert [job["request_id"] for job in steered.ask("GET", "/jobs", offset=1, limit=1)["jobs"]] == jobs[1:2]
    shown = steered.ask("GET", f"/jobs/{jobs[0]}")
    assert (shown["endpoint"], shown["state"], shown["status"], shown["held"], shown["fixture"], shown["ended"]) == (
        "t/e",
        "running",
        "IN_PROGRESS",
        True,
        "test.json#0",
        None,
    )


def test_a_job_that_is_not_of_the_scope() -> None:
    steered = manual()
    job = steered.submit("t/e", scope="here")
    for method, path in (("GET", ""), ("POST", "/advance"), ("POST", "/fail"), ("POST", "/release")):
        assert "no job" in steered.ask(method, f"/jobs/{job}{path}", status=404)["message"]
        assert "no job" in steered.ask(method, f"/jobs/{job}{path}", status=404, scope="there")["message"]
    assert steered.reply("POST", f"/jobs/{job}/advance", scope="here").status == 200


class Moves(RuleBasedStateMachine):
    """Any mix of actions by hand, by clients and by the clock shows a valid sequence of states."""

    ORDER = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")

    def __init__(self) -> None:
        super().__init__()
        self.steered = Steered(TIMED, pace=parse_pace("recorded"))
        self.jobs: dict[str, int] = {}

    @rule()
    def submit(self) -> None:
        self.jobs[self.steered.submit("t/e")] = 0

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.9, 4.0]))
    def wait(self, seconds: float) -> None:
        self.steered.now += seconds

    @rule(number=st.integers(0, 5), move=st.sampled_from(["advance", "complete", "fail", "hold", "release", "cancel"]))
    def move(self, number: int, move: str) -> None:
        job = next(iter(list(self.jobs)[number:]), None)
        if job is None:
            return
        state = self.steered.ask("GET", f"/jobs/{job}")["state"]
        if move == "cancel":
            effect: Effect = self.steered.call("PUT", f"https://queue.fal.run/t/e/requests/{job}/cancel")
            assert effect.status == {"queued": 200, "running": 202}.get(state, 400)
            return
        was_over = self.jobs[job] == 2
        reply = self.steered.reply("POST", f"/jobs/{job}/{move}")
        assert reply.status == 200 if not was_over else reply.status == 409

    @invariant()
    def they_only_go_on(self) -> None:
        for job, place in self.jobs.items():
            before = self.steered.ask("GET", f"/jobs/{job}")
            seen = self.steered.status("t/e", job)
            assert before["status"] == seen["status"]
            now = self.ORDER.index(seen["status"])
            assert now >= place
            self.jobs[job] = now


class InstantMoves(RuleBasedStateMachine):
    """At the pace instant a job waits for its first look by a client; nothing here is one but `look`."""

    def __init__(self) -> None:
        super().__init__()
        self.steered = Steered(TIMED)
        self.states: dict[str, str] = {}
        self.held: set[str] = set()

    @rule()
    def submit(self) -> None:
        self.states[self.steered.submit("t/e")] = "queued"

    @rule(seconds=st.sampled_from([0.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.steered.now += seconds

    def some(self, number: int) -> str | None:
        return next(iter(list(self.states)[number:]), None)

    @rule(number=st.integers(0, 5), path=st.sampled_from(["", "/status"]))
    def look(self, number: int, path: str) -> None:
        job = self.some(number)
        if job is None:
            return
        self.steered.call("GET", f"https://queue.fal.run/t/e/requests/{job}{path}")
        if job not in self.held and self.states[job] in ("queued", "running"):
            self.states[job] = "finished"

    @rule(number=st.integers(0, 5))
    def cancel(self, number: int) -> None:
        job = self.some(number)
        if job is None:
            return
        effect: Effect = self.steered.call("PUT", f"https://queue.fal.run/t/e/requests/{job}/cancel")
        assert effect.status == {"queued": 200, "running": 202}.get(self.states[job], 400)
        if effect.status < 300:
            self.states[job] = "cancelled"

    @rule(number=st.integers(0, 5), move=st.sampled_from(["advance", "complete", "fail", "hold"]))
    def move(self, number: int, move: str) -> None:
        job = self.some(number)
        if job is None or self.states[job] in ("finished", "cancelled"):
            return
        moved = self.steered.ask("POST", f"/jobs/{job}/{move}")["state"]
        if move == "hold":
            self.held.add(job)
        elif move == "advance":
            self.states[job] = "running" if self.states[job] == "queued" else "finished"
        else:
            self.states[job] = "finished"
        assert moved == self.states[job]

    @invariant()
    def asking_here_is_no_look(self) -> None:
        listed = {job["request_id"]: job["state"] for job in self.steered.ask("GET", "/jobs")["jobs"]}
        assert listed == self.states
        assert all(self.steered.ask("GET", f"/jobs/{job}")["state"] == state for job, state in self.states.items())


TestMoves = Moves.TestCase
TestMoves.settings = settings(max_examples=25, stateful_step_count=25)
TestInstantMoves = InstantMoves.TestCase
TestInstantMoves.settings = settings(max_examples=25, stateful_step_count=25)
