"""Webhooks of a store: whichever falmock posts them, each is posted as if there was one."""

from __future__ import annotations

import asyncio
import json

import pytest

from falmock.engine.shared.delivery import Name
from falmock.engine.shared.delivery import lease
from falmock.engine.webhooks.delivery import HEAD_START
from falmock.store.memory import MemoryStore
from falmock.wire.webhook import AttemptOutcome
from unit.engine.calls import read
from unit.replicas import START
from unit.replicas import A
from unit.replicas import B
from unit.replicas import Replicas
from unit.replicas import play

# who posts


@pytest.mark.parametrize("poster", [A, B])
def test_a_job_of_one_falmock_is_posted_once_by_any(poster: int) -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        assert await mock.due(poster) == []
        (post,) = await mock.at(poster, HEAD_START)
        assert job.endswith(post.request_id)
        assert (post.attempt, post.tries, json.loads(post.body)["status"]) == (1, 31, "OK")
        assert await mock.due(1 - poster) == []
        result = await mock.end(poster, post)
        assert result is not None
        assert result.outcome is AttemptOutcome.DELIVERED
        assert await mock.at(A, 1e4) == await mock.due(B) == []

    play(story)


def test_the_one_that_schedules_it_knows_when_it_is_due() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        assert mock.hooks[A].shared.next() == START + HEAD_START
        assert mock.hooks[B].shared.next() is None
        assert mock.hooks[A].woken == 1
        await mock.at(A, 1)
        assert mock.hooks[A].shared.next() == START + 1 + lease(15.0)

    play(story)


def test_both_at_once_post_each_once() -> None:
    async def story(mock: Replicas) -> None:
        for _ in range(20):
            await mock.order(A, "acme/quick")
        mock.time += 1
        posts = [post for found in await asyncio.gather(mock.due(A, 15), mock.due(B, 15)) for post in found]
        assert len({post.request_id for post in posts}) == len(posts) == 20

    play(story)


def test_one_that_dies_between_take_and_post_delays_it() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        (first,) = await mock.at(A, 1)
        over = 1 + lease(first.timeout)
        assert await mock.at(B, over - 0.1) == []
        (again,) = await mock.at(B, over)
        assert (again.request_id, again.attempt) == (first.request_id, 2)
        assert await mock.end(A, first) is None  # it was only slow, and B has it now
        assert (await mock.end(B, again)) is not None

    play(story)


def test_one_that_dies_as_soon_as_it_has_taken_delays_it_too() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        mock.time += 1
        ((item),) = await mock.store.take("{}:hooks", mock.time, mock.time + 30, 10)
        assert Name.of(item).scope == ""
        assert await mock.due(B) == []
        (post,) = await mock.at(B, 31)
        assert post.attempt == 1

    play(story)


# when a job is over


def test_a_job_that_the_clock_ends_is_posted_then_though_nobody_asks() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/waits")
        assert await mock.at(B, 59.9) == []
        (post,) = await mock.at(B, 60.1)
        await mock.end(B, post)

    play(story)


@pytest.mark.parametrize("pace", ["recorded", "polls:5,5", "manual"])
def test_a_cancel_elsewhere_is_posted_at_once(pace: str) -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/waits")
        mock.time += 3
        assert await mock.cancel(B, job) == "OK"
        assert mock.hooks[B].woken == 1
        assert mock.hooks[B].shared.next() == mock.time
        (post,) = await mock.due(A)
        assert json.loads(post.body)["error"] == "Invalid status code: 499"
        await mock.end(A, post)
        assert await mock.at(B, 1e4) == []

    play(story, pace)


def test_a_job_that_was_posted_cannot_be_cancelled() -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        (post,) = await mock.at(B, 1)
        assert json.loads(post.body)["status"] == "OK"
        assert await mock.cancel(A, job) == "ALREADY_COMPLETED"

    play(story, "instant")


def test_a_cancelled_job_says_so_also_at_the_pace_instant() -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        assert await mock.cancel(B, job) == "OK"
        (post,) = await mock.at(A, 1)
        assert json.loads(post.body)["error"] == "Invalid status code: 499"

    play(story, "instant")


def test_polls_end_a_job() -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        mock.time += 1
        assert await mock.status(B, job) == "IN_PROGRESS"
        assert await mock.due(A) == []
        assert await mock.status(A, job) == "COMPLETED"
        assert len(await mock.due(B)) == 1

    play(story, "polls:1,2")


def test_a_job_that_waits_for_polls_that_never_come_times_out() -> None:
    async def story(mock: Replicas) -> None:
        await mock.ask(A, "acme/quick", x_fal_request_timeout="30")
        assert await mock.at(B, 29) == []
        (post,) = await mock.at(B, 31)
        assert json.loads(post.body)["error"] == "Invalid status code: 504"

    play(story, "polls:1,2")


@pytest.mark.parametrize(("operation", "error"), [("complete", None), ("fail", "Invalid status code: 500")])
def test_the_control_api_ends_a_job(operation: str, error: str | None) -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        assert await mock.at(A, 100) == []
        request_id = job.rpartition("/")[2]
        assert (await mock.control(B, "POST", f"jobs/{request_id}/{operation}")).status == 200
        (post,) = await mock.due(A)
        assert json.loads(post.body)["error"] == error

    play(story, "manual")


def test_a_job_that_was_held_ends_when_it_is_released_and_its_time_has_come() -> None:
    async def story(mock: Replicas) -> None:
        request_id = (await mock.order(A, "acme/waits")).rpartition("/")[2]
        await mock.control(B, "POST", f"jobs/{request_id}/hold")
        assert await mock.at(A, 100) == []
        await mock.control(B, "POST", f"jobs/{request_id}/release")
        assert len(await mock.due(A)) == 1

    play(story)


def test_a_job_that_is_released_early_ends_by_the_clock() -> None:
    async def story(mock: Replicas) -> None:
        request_id = (await mock.order(A, "acme/waits")).rpartition("/")[2]
        await mock.control(B, "POST", f"jobs/{request_id}/hold")
        mock.time += 30
        await mock.control(A, "POST", f"jobs/{request_id}/release")
        assert await mock.at(B, 59) == []
        assert len(await mock.at(B, 60.1)) == 1

    play(story)


# attempts


def test_retries_are_made_by_any() -> None:
    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/quick")
        (first,) = await mock.at(A, 1)
        result = await mock.end(A, first, None, "no answer within 15 s")
        assert result is not None
        assert result.text.endswith("attempt 1 of 31: no answer within 15 s; again in 15 s")
        assert await mock.at(B, 15.9) == []
        (second,) = await mock.at(B, 16)
        assert (second.attempt, second.timeout, second.body) == (2, 120, first.body)
        await mock.end(B, second, 500)
        (third,) = await mock.at(A, 46)
        result = await mock.end(A, third, 204)
        assert result is not None
        assert result.text.endswith("delivered at attempt 3 (status 204)")
        shown = read(await mock.control(B, "GET", f"jobs/{job.rpartition('/')[2]}"))
        assert [attempt["status"] for attempt in shown["webhook"]["attempts"]] == [None, 500, 204]

    play(story)


def test_it_is_retried_though_its_job_was_forgotten() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        for which, seconds in ((A, 1), (B, 16), (A, 46), (B, 106)):
            (post,) = await mock.at(which, seconds)
            assert json.loads(post.body)["status"] == "OK"
            await mock.end(which, post, 500)

    play(story, job_ttl=60.0)


def test_an_answer_that_redirects_ends_it() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        (post,) = await mock.at(B, 1)
        result = await mock.end(B, post, 302)
        assert result is not None
        assert result.outcome is AttemptOutcome.GIVEN_UP
        assert await mock.at(A, 1e4) == []

    play(story)


# resets and scopes


@pytest.mark.parametrize(("query", "left"), [("", ["o/f: ~"]), ("scope=o%2Ff%3A%20~", [""]), ("all=true", [])])
def test_a_reset_makes_it_void(query: str, left: list[str]) -> None:
    async def story(mock: Replicas) -> None:
        for scope in ("", "o/f: ~"):
            await mock.order(A, "acme/waits", scope)
        assert (await mock.control(B, "POST", "reset", query)).status == 200
        assert [Name.of(item).scope for item, _ in await mock.store.ranged("{}:hooks", 0, 1e12, 10)] == left
        assert len(await mock.at(A, 61)) == len(left)
        for scope in ("", "o/f: ~"):
            await mock.order(B, "acme/quick", scope)
        assert len(await mock.at(A, 62)) == 2

    play(story)


def test_a_reset_during_an_attempt_ends_it() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        (post,) = await mock.at(A, 1)
        await mock.control(B, "POST", "reset")
        assert await mock.end(A, post, 500) is None
        assert await mock.at(A, 1e4) == await mock.due(B) == []

    play(story)


def test_one_that_a_reset_did_not_see_is_void_too() -> None:
    class Blind(MemoryStore):
        """A store that misses what is written after it was asked."""

        async def ranged(self, key: str, low: float, high: float, limit: int) -> list[tuple[bytes, float]]:
            return [] if is_blind else await super().ranged(key, low, high, limit)

    is_blind = True

    async def story(mock: Replicas) -> None:
        nonlocal is_blind
        await mock.order(A, "acme/quick")
        await mock.control(B, "POST", "reset")
        is_blind = False
        assert len(await mock.store.ranged("{}:hooks", 0, 1e12, 10)) == 1
        assert await mock.at(A, 1) == []
        assert await mock.store.ranged("{}:hooks", 0, 1e12, 10) == []
        assert await mock.store.ranged("{}:hooks:open", 0, 1e12, 10) == []

    play(story, make=Blind)


def test_a_job_has_the_entry_of_its_attempt_in_its_own_scope() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick", scope="a:b")
        (post,) = await mock.at(A, 1)
        await mock.end(A, post)
        entries = await mock.journal(A, "a:b")
        assert [entry.status for entry in entries] == [200, 200]
        assert entries[-1].job == post.request_id
        assert await mock.journal(A) == []

    play(story)
