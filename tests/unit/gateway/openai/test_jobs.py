from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from falmock.engine.effects import Reply
from falmock.gateway.openai import errors as openai_errors
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.gateway.openai.jobs import LONGEST_PAUSE
from falmock.gateway.openai.jobs import TRIES
from falmock.gateway.openai.jobs import JobWaiter
from falmock.wire import errors
from falmock.wire.formats import jsontext
from falmock.wire.message import Request

SUBMITTED = Reply(200, (), b'{"request_id": "the-job"}', "submitted")
MADE = Reply(200, (), b'{"images": []}', "made")


def status(word: str, code: int = 202) -> Reply:
    return Reply(code, (), jsontext.dump_queue({"status": word}), "polled")


QUEUED, RUNNING, OVER = status("IN_QUEUE"), status("IN_PROGRESS"), status("COMPLETED", 200)


class Fal:
    """Answers status and result requests one after the other, and repeats the last answer."""

    def __init__(self, polls: list[Reply], results: list[Reply] | None = None) -> None:
        self._answers = {True: _repeating(polls), False: _repeating(results or [MADE])}
        self.asked: list[tuple[str, str]] = []
        self.requests: list[Request] = []
        self.pauses: list[float] = []

    async def ask(self, request: Request) -> Reply:
        self.asked.append((request.method, request.path))
        self.requests.append(request)
        if request.method == "PUT":
            return Reply(202, (), b"{}", "cancelled")
        return next(self._answers[request.path.endswith("/status")])

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def outcome(self, submitted: Reply = SUBMITTED, key: str | None = None, patience: float = 3600.0) -> Reply:
        headers = {"accept": "application/json", "x-falmock-fault": "f", "x-fal-request-timeout": "5"}
        waiting = JobWaiter(FalCalls(self.ask, "mine", headers, patience), self.pause)
        return asyncio.run(waiting.outcome(submitted, "workflows/acme/flux/dev", key))

    @property
    def cancels(self) -> int:
        return sum(method == "PUT" for method, _ in self.asked)


def _repeating(replies: list[Reply]) -> Iterator[Reply]:
    yield from replies
    while True:
        yield replies[-1]


def test_a_job_is_asked_after_until_it_is_over() -> None:
    fal = Fal([QUEUED, RUNNING, OVER])
    assert fal.outcome(key="k:s") == MADE
    of_job = "/workflows/acme/flux/requests/the-job"
    assert fal.asked == [("GET", f"{of_job}/status")] * 3 + [("GET", of_job)]
    assert {request.host for request in fal.requests} == {"queue.fal.run"}
    assert {request.scope for request in fal.requests} == {"mine"}
    # What is for the submit alone does not go along.
    assert all(
        request.headers == {"accept": "application/json", "authorization": "Key k:s"} for request in fal.requests
    )
    assert len(fal.pauses) == 2


def test_what_is_over_at_once_takes_no_time() -> None:
    fal = Fal([OVER])
    fal.outcome()
    assert fal.pauses == []


def test_polls_grow_rarer() -> None:
    fal = Fal([RUNNING] * 10 + [OVER])
    fal.outcome()
    assert fal.pauses == sorted(fal.pauses)
    assert fal.pauses[0] < LONGEST_PAUSE == fal.pauses[-1]


def test_a_submit_that_is_refused_is_the_answer() -> None:
    fal = Fal([OVER])
    refused = Reply(422, (), b"{}", "refused")
    assert fal.outcome(refused) is refused
    assert fal.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"request_id": 5}', b'{"request_id": ""}'])
def test_a_submit_that_tells_no_job(body: bytes) -> None:
    assert Fal([OVER]).outcome(Reply(200, (), body, "odd")).status == 502


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_polls_that_fail_in_passing(code: int) -> None:
    bad = Reply(code, (), b"oops", "trouble")
    fal = Fal([bad, bad, QUEUED, bad, bad, OVER])
    assert fal.outcome() == MADE
    assert fal.cancels == 0


@pytest.mark.parametrize(
    ("bad", "told", "polls"),
    [
        (Reply(502, (), b"oops", "t"), 502, TRIES),
        (Reply(429, (), b"oops", "t"), 429, TRIES),
        (Reply(401, (), b"oops", "t"), 401, 1),
        (Reply(404, (), b"oops", "t"), 502, 1),  # a model of which there is none is something else
        (Reply(200, (), b"<html>", "t"), 502, TRIES),
    ],
)
def test_polls_that_go_on_failing(bad: Reply, told: int, polls: int) -> None:
    fal = Fal([bad])
    assert fal.outcome().status == told
    assert len(fal.asked) == polls + fal.cancels
    assert fal.cancels == (bad.status != 404)  # there is none to be cancelled


@pytest.mark.parametrize("answer", [Reply(404, (), b"{}", "t"), Reply(200, (), b"<html>", "t")])
def test_a_job_that_is_gone_is_not_made_again(answer: Reply) -> None:
    """As when the scope was reset meanwhile: the next test would see the job."""
    refused = openai_errors.of_fal(Fal([answer]).outcome(), "m")
    assert (refused.status, openai_errors.NO_RETRY in refused.headers) == (502, True)


def test_patience_has_an_end() -> None:
    fal = Fal([RUNNING])
    reply = fal.outcome(patience=7.0)
    assert 7.0 <= sum(fal.pauses) < 7.0 + LONGEST_PAUSE
    assert fal.cancels == 1
    refused = openai_errors.of_fal(reply, "m")
    assert (refused.status, refused.code) == (504, "request_timeout")
    assert openai_errors.NO_RETRY in refused.headers  # it would be paid for again


def test_a_result_behind_a_gateway_in_trouble_is_asked_for_again() -> None:
    bad = Reply(502, (), b"<html>", "trouble")
    assert Fal([OVER], [bad, bad, MADE]).outcome() == MADE
    fal = Fal([OVER], [bad])
    assert fal.outcome().status == 502
    assert len(fal.asked) == 1 + TRIES


@pytest.mark.parametrize(
    "own",
    [
        Reply(500, (), b"oops", "t"),
        Reply(503, ((errors.ERROR_TYPE_HEADER, b"runner_disconnected"),), b"{}", "t"),
        Reply(504, (), b'{"detail": "Generation timed out"}', "t"),
        Reply(502, (), b"oops", "t", fixture="a.json#0"),
        Reply(502, (), b"oops", "t", fault="bad gateway"),
        Reply(422, (), b"{}", "t"),
    ],
)
def test_what_a_job_came_to_is_asked_for_once(own: Reply) -> None:
    fal = Fal([OVER], [own])
    assert fal.outcome() is own
    assert len(fal.asked) == 2


def test_a_result_that_is_lost_is_no_model_that_there_is_not() -> None:
    gone = Reply(404, (), jsontext.dump_queue(errors.NOT_FOUND), "t", fixture="a.json#0", fault="loses-result")
    reply = Fal([OVER], [gone]).outcome()
    assert (reply.status, reply.fixture, reply.fault) == (502, "a.json#0", "loses-result")


@pytest.mark.parametrize("when", [0, 1, 5])
def test_a_wait_that_is_broken_off_cancels_the_job(when: int) -> None:
    fal = Fal([RUNNING])

    async def goes_away() -> None:
        async def pause(seconds: float) -> None:
            await fal.pause(seconds)
            if len(fal.pauses) > when:
                waiting.cancel()
            await asyncio.sleep(0)

        calls = FalCalls(fal.ask, "", {})
        waiting = asyncio.ensure_future(JobWaiter(calls, pause).outcome(SUBMITTED, "acme/flux", "k:s"))
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(goes_away())
    assert fal.asked[-1] == ("PUT", "/acme/flux/requests/the-job/cancel")
    assert fal.requests[-1].headers["authorization"] == "Key k:s"
    assert fal.cancels == 1
