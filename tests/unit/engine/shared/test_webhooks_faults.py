"""Faults of webhooks, and how many may be undelivered, with a store."""

from __future__ import annotations

from typing import Any

from unit.engine.hooked import field
from unit.replicas import A
from unit.replicas import B
from unit.replicas import Replicas
from unit.replicas import play


def faulty(fault: dict[str, Any]) -> dict[str, Any]:
    """A fixture whose webhook has a fault."""
    return {"match": {"model": "acme/faulty"}, "response": {"json": {}}, "queue": {"completed": 0}, "fault": fault}


# faults


def test_never() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/faulty")
        assert await mock.at(B, 1e4) == []

    play(story, "recorded", faulty({"webhook": "never"}))


def test_twice() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/faulty")
        (first,) = await mock.at(A, 1)
        await mock.end(A, first)
        (second,) = await mock.at(B, 6)
        assert (second.key != first.key, second.body, second.attempt) == (True, first.body, 1)
        await mock.end(B, second)
        assert await mock.at(A, 1e4) == []

    play(story, "recorded", faulty({"webhook": {"kind": "twice", "seconds": 5}}))


def test_late_after_a_cancel() -> None:
    late = {**faulty({"webhook": {"kind": "late", "seconds": 5}}), "queue": {"completed": 60}}

    async def story(mock: Replicas) -> None:
        job = await mock.order(A, "acme/faulty")
        mock.time += 2
        await mock.cancel(B, job)
        assert await mock.at(A, 6.9) == []
        assert len(await mock.at(A, 7.1)) == 1

    play(story, "recorded", late)


def test_a_forged_signature() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/faulty")
        (post,) = await mock.at(B, 1)
        assert field(post, "Signature") == "01fe"

    play(story, "recorded", faulty({"webhook": "bad-signature"}))


def test_out_of_order_waits_for_a_later_one() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/faulty")
        await mock.order(B, "acme/faulty")  # only one yields at a time
        mock.time += 0.5
        await mock.order(A, "acme/quick", scope="other")
        foreign, own = sorted(await mock.at(B, 1), key=lambda post: post.request_id, reverse=True)
        await mock.end(B, foreign)
        assert await mock.due(A) == []
        await mock.end(B, own)
        (first,) = await mock.due(A)
        assert first.request_id < own.request_id
        await mock.end(A, first)
        assert await mock.at(A, 1e4) == []

    play(story, "recorded", faulty({"webhook": {"kind": "out-of-order", "seconds": 60}}))


def test_out_of_order_comes_after_its_time_if_nothing_comes_later() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/faulty")
        assert await mock.at(B, 59) == []
        (post,) = await mock.at(B, 61)
        await mock.end(B, post)
        await mock.order(A, "acme/faulty")  # it yields, as nothing else does now
        assert await mock.at(B, 120) == []
        assert len(await mock.at(B, 122)) == 1

    play(story, "recorded", faulty({"webhook": {"kind": "out-of-order", "seconds": 60}}))


# limits


def test_no_more_than_so_many_are_undelivered() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        await mock.order(B, "acme/quick", scope="other")
        for which in (A, B):
            full = await mock.ask(which, "acme/quick", scope="third")
            assert full.status == 507
            assert b"falmock holds 2 webhooks that are not delivered yet" in full.body
        for post in await mock.at(B, 1):
            await mock.end(B, post)
        await mock.order(A, "acme/quick", scope="third")

    play(story, max_jobs=2)


def test_a_full_table_of_jobs_is_told_from_one_of_webhooks() -> None:
    async def story(mock: Replicas) -> None:
        for _ in range(2):
            await mock.send(A, "POST", "queue.fal.run", "/acme/waits", body=b"{}")
        full = await mock.ask(B, "acme/waits")
        assert full.status == 507
        assert b"jobs that are not over" in full.body
        await mock.order(B, "acme/waits", scope="other")

    play(story, max_jobs=2)


def test_a_held_job_that_is_forgotten_makes_room() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        assert (await mock.ask(A, "acme/quick", scope="other")).status == 507
        assert await mock.at(B, 31) == []
        assert (await mock.ask(A, "acme/quick", scope="other")).status == 507
        for seconds in (61, 91):
            assert await mock.at(B, seconds) == []
        await mock.order(A, "acme/quick", scope="other")

    play(story, "manual", max_jobs=1, job_ttl=60.0)


def test_a_refused_one_is_told_once_a_host() -> None:
    async def story(mock: Replicas) -> None:
        for scope in ("", "other"):
            reply = await mock.ask(A, "acme/quick", "http://fal.run/x", scope=scope)
            assert reply.status == 200
        assert len(mock.hooks[A].warnings) == 1
        assert await mock.at(A, 1e3) == []

    play(story)
