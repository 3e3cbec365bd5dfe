from __future__ import annotations

import pytest

from falmock.engine.jobs.table import Jobs
from falmock.engine.jobs.table import TooManyJobs
from falmock.wire.lifecycle import State
from unit.engine.some_job import job


def test_a_job_that_waits_to_be_cancelled_takes_room_until_it_is_forgotten() -> None:
    jobs = Jobs(limit=1, ttl=60)
    jobs.add(job("recorded", "held", reaches=State.RUNNING), 100.0)
    with pytest.raises(TooManyJobs):
        jobs.add(job("recorded", "next", at=150.0), 150.0)
    jobs.add(job("recorded", "later", at=200.0), 200.0)
    assert jobs.get("held", 200.0) is None


def test_the_job_that_ended_first_makes_room() -> None:
    jobs = Jobs(limit=2, ttl=1000)
    jobs.add(job("instant", "old", at=100.0), 100.0)
    jobs.add(job("instant", "new", at=101.0), 101.0)
    jobs.get("old", 101.5)  # asking for it does not make it younger
    jobs.add(job("instant", "third", at=102.0), 102.0)
    assert jobs.get("old", 102.0) is None
    assert jobs.get("new", 102.0)
    assert len(jobs) == 2


def test_a_live_job_is_never_dropped() -> None:
    jobs = Jobs(limit=2, ttl=1000)
    jobs.add(job("polls:9", "live"), 100.0)
    for number in range(5):
        jobs.add(job("instant", f"done{number}"), 100.0)
    assert jobs.get("live", 100.0)
    jobs.add(job("polls:9", "live too"), 100.0)
    with pytest.raises(TooManyJobs):
        jobs.add(job("instant", "one too many"), 100.0)
    assert jobs.get("live", 100.0)
    assert jobs.get("live too", 100.0)


def test_jobs_that_the_clock_ended_make_room_unasked() -> None:
    jobs = Jobs(limit=1, ttl=1000)
    jobs.add(job("recorded", "slow", at=100.0), 100.0)
    with pytest.raises(TooManyJobs):
        jobs.add(job("recorded", "early", at=105.9), 105.9)
    jobs.add(job("recorded", "next", at=106.0), 106.0)
    assert jobs.get("slow", 106.0) is None


def test_time_to_live_starts_at_the_end_of_a_job() -> None:
    jobs = Jobs(limit=10, ttl=60)
    jobs.add(job("recorded", "slow", at=100.0), 100.0)
    assert jobs.get("slow", 165.9)
    assert jobs.get("slow", 166.1) is None
    assert len(jobs) == 0


def test_a_job_that_the_clock_ends_is_not_forgotten_before() -> None:
    jobs = Jobs(limit=10, ttl=2)
    jobs.add(job("recorded", "slow", at=100.0), 100.0)
    jobs.add(job("polls:9", "polled", at=100.0), 100.0)
    for now in (102.5, 105.0):
        jobs.expire(now)
        assert (jobs.peek("slow") is None, jobs.peek("polled") is None) == (False, True)
    slow = jobs.get("slow", 105.9)
    assert slow is not None
    assert slow.state is State.RUNNING
    assert (jobs.get("slow", 107.9), jobs.get("slow", 108.1)) == (slow, None)


def test_a_live_job_lives_as_long_as_it_is_asked_for() -> None:
    jobs = Jobs(limit=10, ttl=60)
    jobs.add(job("polls:9", "polled"), 100.0)
    jobs.add(job("polls:9", "forgotten"), 100.0)
    for now in (150.0, 200.0, 250.0):
        assert jobs.get("polled", now)
    jobs.expire(250.0)
    assert len(jobs) == 1


def test_the_queue_of_an_app() -> None:
    jobs = Jobs(limit=10, ttl=1000)
    for name in ("one", "two"):
        jobs.add(job("recorded", name, at=100.0), 100.0)
    assert jobs.queued("a/b", 101.0) == 2
    assert jobs.queued("a/c", 101.0) == 0
    assert jobs.queued("a/b", 102.0) == 0


def test_the_end_of_a_job_is_told_once_whoever_finds_it() -> None:
    jobs = Jobs(10, 60.0)
    by_clock, asked_for, cancelled = (job(name=name) for name in "012")
    for one in (by_clock, asked_for, cancelled):
        jobs.add(one, one.submitted)
    cancelled.cancel(cancelled.submitted + 1)
    jobs.settle(cancelled)
    told = jobs.take_ended()
    assert told == [cancelled]
    late = by_clock.submitted + 50
    assert jobs.get("1", late) is asked_for
    jobs.expire(late)
    assert jobs.get("0", late) is by_clock
    assert told + jobs.take_ended() == [cancelled, asked_for, by_clock]
    assert jobs.take_ended() == []
