from __future__ import annotations

import pytest

from falmock.engine.jobs.job import Job
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


def unseen(name: str, at: float) -> Job:
    one = job("instant", name, at=at)
    one.unseen = True
    return one


def test_an_unseen_job_makes_room_in_the_order_of_ends() -> None:
    jobs = Jobs(limit=3, ttl=1000)
    jobs.add(job("instant", "over", at=100.0), 100.0)
    jobs.add(unseen("unseen", 101.0), 101.0)
    jobs.add(job("instant", "over later", at=102.0), 102.0)
    kept = []
    for number in range(3):
        jobs.add(job("instant", str(number), at=103.0 + number), 103.0 + number)
        kept.append([name for name in ("over", "unseen", "over later") if jobs.peek(name)])
    assert kept == [["unseen", "over later"], ["over later"], []]
    assert [each.request_id for each in jobs.take_ended()] == ["unseen"]
    assert len(jobs) == 3


def test_an_unseen_job_makes_room_after_the_clock_was_set_back() -> None:
    jobs = Jobs(limit=1, ttl=1000)
    jobs.add(unseen("unseen", 101.0), 101.0)
    jobs.add(job("instant", "next", at=50.0), 50.0)
    assert [each.request_id for each in jobs] == ["next"]


def test_an_unseen_job_is_no_match_for_one_that_is_not_over() -> None:
    jobs = Jobs(limit=1, ttl=1000)
    jobs.add(job("polls:9", "live"), 100.0)
    with pytest.raises(TooManyJobs):
        jobs.add(unseen("next", 101.0), 101.0)


def test_an_unseen_job_is_kept_for_its_time_after_the_last_use() -> None:
    jobs = Jobs(limit=10, ttl=60)
    jobs.add(unseen("one", 100.0), 100.0)
    assert jobs.get("one", 150.0)
    assert [each.state for each in jobs.all(200.0)] == [State.QUEUED]
    assert jobs.get("one", 209.0)
    assert jobs.get("one", 270.0) is None
    jobs.add(unseen("two", 300.0), 300.0)
    jobs.expire(361.0)
    assert len(jobs) == 0


def test_a_look_lets_the_clock_end_a_job() -> None:
    jobs = Jobs(limit=10, ttl=60)
    jobs.add(unseen("one", 100.0), 100.0)
    found = jobs.get("one", 150.0)
    assert found is not None
    for _ in range(2):
        jobs.look(found, 150.0)
    assert (found.state, found.ended, jobs.take_ended()) == (State.FINISHED, 100.0, [found])


def test_a_held_job_stays_after_a_look_and_ends_when_it_is_released() -> None:
    jobs = Jobs(limit=10, ttl=60)
    one = unseen("one", 100.0)
    jobs.add(one, 100.0)
    one.held = True
    jobs.look(one, 101.0)
    assert jobs.get("one", 102.0) is one
    assert one.state is State.QUEUED
    jobs.release(one, 103.0)
    assert (one.state, jobs.take_ended()) == (State.FINISHED, [one])


def test_a_job_that_was_looked_at_elsewhere_is_over_when_it_is_asked_for() -> None:
    jobs = Jobs(limit=10, ttl=60)
    one = unseen("one", 100.0)
    jobs.add(one, 100.0)
    one.look(101.0)  # as the schedule of webhooks does
    assert jobs.get("one", 102.0) is one
    assert jobs.take_ended() == [one]


def test_clearing_forgets_unseen_jobs() -> None:
    jobs = Jobs(limit=10, ttl=60)
    jobs.add(unseen("one", 100.0), 100.0)
    assert [each.request_id for each in jobs] == ["one"]
    jobs.clear()
    assert (len(jobs), jobs.peek("one")) == (0, None)


def test_which_jobs_may_have_changed() -> None:
    jobs = Jobs(limit=3, ttl=1000)
    for name in ("one", "two", "three"):
        jobs.add(job("recorded", name), 100.0)
    before = jobs.changes
    assert [each.request_id for each in jobs.changed_since(0)] == ["one", "two", "three"]
    assert jobs.changed_since(before) == []
    first = jobs.peek("one")
    assert first is not None
    jobs.note_look(first, 101.0)
    assert [each.request_id for each in jobs.changed_since(before)] == ["one"]
    assert list(first.looks or ()) == [101.0]


def test_a_dropped_job_is_none_that_changed() -> None:
    jobs = Jobs(limit=1, ttl=1000)
    jobs.add(job("instant", "old"), 100.0)
    jobs.add(job("instant", "new"), 101.0)
    assert [each.request_id for each in jobs.changed_since(0)] == ["new"]
    jobs.clear()
    assert jobs.changed_since(0) == []


def test_advancing_a_job_does_not_count_as_a_use() -> None:
    jobs = Jobs(limit=1, ttl=1000)
    jobs.add(job("recorded", "slow"), 100.0)
    slow = jobs.advanced("slow", 103.0)
    assert slow is not None
    assert (slow.state, slow.touched) == (State.RUNNING, 100.0)
    assert (jobs.advanced("slow", 200.0), slow.state, jobs.take_ended()) == (slow, State.FINISHED, [slow])
    assert jobs.advanced("none", 200.0) is None
