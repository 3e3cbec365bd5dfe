"""Jobs in a store: what one falmock does to a job, the other sees; and they are as jobs in memory are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.status_object import status_object
from falmock.engine.jobs.table import Jobs
from falmock.engine.jobs.table import TooManyJobs
from falmock.fixtures.format.fault import read_text
from falmock.wire.lifecycle import State
from unit.engine.shared.table import two
from unit.engine.some_job import job


def test_a_job_is_known_to_all() -> None:
    _, here, there = two()
    here.add(job(name="one"))
    assert here.kept == ["one"], "its answer is kept with it"
    found = there.get("one")
    assert found is not None
    assert found.state is State.QUEUED
    assert there.get("other") is None


def test_the_clock_moves_a_job_without_a_write() -> None:
    clock, here, there = two()
    here.add(job(name="one"))
    clock.now = 103.0
    first, second = here.get("one"), there.get("one")
    assert first is not None
    assert second is not None
    assert first.state is second.state is State.RUNNING
    clock.now = 106.5
    ended = there.get("one")
    assert ended is not None
    assert ended.ended == 106.0
    clock.now = 166.5
    assert there.get("one") is None, "its time to live began with its end"


def test_a_cancel_here_is_seen_there() -> None:
    clock, here, there = two()
    here.add(job(name="one"))

    def cancel(now: float) -> list[Job]:
        found = there.jobs.get("one", now)
        assert found is not None
        found.cancel(now)
        there.jobs.settle(found)
        return there.jobs.take_ended()

    assert [ended.request_id for ended in there.run(cancel)] == ["one"]
    clock.now = 110.0
    found = here.get("one")
    assert found is not None
    assert found.state is State.CANCELLED
    assert here.jobs.ended == []


def test_the_first_look_decides_until_when_a_job_can_be_cancelled() -> None:
    clock, here, there = two()
    unseen = job("instant", "one")
    unseen.unseen = True
    here.add(unseen)
    clock.now = 105.0
    before = there.get("one")
    assert before is not None
    assert before.ended is None

    def look(now: float) -> None:
        found = here.jobs.get("one", now)
        assert found is not None
        here.jobs.note_look(found, now)

    here.run(look)
    after = there.get("one")
    assert after is not None
    assert after.state is State.FINISHED


def test_polls_of_all_count_together() -> None:
    _, here, there = two()
    here.add(job("polls:2,4", "one"))
    states = []
    for table in (here, there, here, there):

        def poll(now: float, jobs: Any = table.jobs) -> State:
            found = jobs.get("one", now)
            found.poll(now)
            jobs.settle(found)
            return found.state

        states.append(table.run(poll))
    assert states == [State.QUEUED, State.RUNNING, State.RUNNING, State.FINISHED]


def test_a_held_job_waits_for_its_release() -> None:
    clock, here, there = two()
    held = job(name="one")
    held.held = True
    here.add(held)
    clock.now = 108.0

    def release(now: float) -> State:
        found = there.jobs.peek("one")
        assert found is not None
        assert found.state is State.QUEUED
        there.jobs.release(found, now)
        return found.state

    assert there.run(release) is State.FINISHED
    found = here.get("one")
    assert found is not None
    assert found.ended == 106.0


def test_a_job_that_clients_ask_for_is_not_forgotten() -> None:
    clock, here, there = two()
    here.add(job("polls:9", "one"))
    for _ in range(10):
        clock.now += 40.0
        assert there.get("one"), clock.now
    clock.now += 61.0
    assert there.get("one") is None


def test_a_fault_is_kept_by_its_fixture() -> None:
    _, here, there = two()
    fault = read_text("runner_disconnected")
    faulty = job(name="one")
    faulty.injected = InjectedFault(fault, "f.json#0", SeededRandom(1, "k", 2))
    here.add(faulty)
    there.fault = fault
    found = there.get("one")
    assert found is not None
    assert found.injected is not None
    assert found.injected.rng.share("x") == faulty.injected.rng.share("x")
    there.fault = None
    without = there.get("one")
    assert without is not None
    assert without.injected is None


def test_only_so_many_jobs() -> None:
    clock, here, there = two(limit=2)
    here.add(job("polls:9", "live"))
    here.add(job("instant", "done"))
    there.add(job("polls:9", "live too"))  # in place of the one that is over
    assert here.get("done") is None
    with pytest.raises(TooManyJobs):
        there.add(job("polls:9", "one too many"))
    assert [each.request_id for each in here.run(here.jobs.all)] == ["live", "live too"]
    clock.now += 61.0
    there.add(job("polls:9", "later"))
    assert here.run(lambda _: len(here.jobs)) == 1


def test_an_unseen_job_makes_room() -> None:
    _, here, there = two(limit=1)
    unseen = job("instant", "unseen")
    unseen.unseen = True
    here.add(unseen)
    there.add(job("polls:9", "next"))
    assert here.get("unseen") is None
    assert here.get("next")


def test_of_many_jobs_some_are_dropped_at_once_without_loading_all() -> None:
    clock, here, there = two(limit=600)
    here.add(job("polls:9", "live"))
    for number in range(599):
        clock.now += 0.001
        done = job("instant", f"{number}")
        done.submitted = clock.now
        here.add(done)
    loaded: list[int] = []
    load = there.calls.store.load

    async def counted(keys: Sequence[str]) -> list[bytes | None]:
        loaded.append(len(keys))
        return await load(keys)

    there.calls.store.load = counted  # type: ignore[method-assign]
    there.add(job("instant", "next"))
    assert max(loaded) < 20
    kept = {each.request_id for each in here.run(here.jobs.all)}
    assert kept == {"live", *map(str, range(3, 599)), "next"}


def test_those_that_are_not_over_stay_however_many_they_are() -> None:
    clock, here, there = two(limit=50)
    for number in range(49):
        here.add(job("polls:9", f"live {number}"))
    clock.now += 1.0
    here.add(job("instant", "done"))
    there.add(job("polls:9", "next"))
    assert here.get("done") is None
    assert len(here.run(here.jobs.all)) == 50


def test_a_job_that_the_store_lost_makes_room() -> None:
    _, here, there = two(limit=1)
    here.add(job("polls:9", "lost"))
    there.run(lambda _: there.jobs._place.transaction.put(there.jobs._key("lost"), None, 1.0, checked=False))
    there.add(job("polls:9", "next"))
    assert [each.request_id for each in here.run(here.jobs.all)] == ["next"]


def test_how_many_wait() -> None:
    _, here, there = two()
    for number in range(3):
        here.add(job("polls:9", str(number)))
    assert there.run(lambda now: there.jobs.queued("a/b", now)) == 3
    assert there.run(lambda now: there.jobs.queued("a/c", now)) == 0


def test_a_reset_hides_all_jobs() -> None:
    _, here, there = two()
    here.add(job(name="one"))
    there.run(lambda _: there.jobs._place.reset())
    assert here.get("one") is None
    assert there.get("one") is None


PACES = ("instant", "recorded", "x10", "3s", "polls:1,2", "polls:3", "manual")
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(PACES), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 2.5, 30.0]), st.just(False)),
    st.tuples(
        st.sampled_from(["look", "poll", "cancel", "release", "complete", "all", "queued"]),
        st.integers(0, 5),
        st.booleans(),
    ),
)


def act(jobs: Jobs, step: tuple[str, Any, bool], count: int, now: float) -> Any:
    """What a step does to a table, and what it shows."""
    what, value, _ = step
    if what == "add":
        new = job(value, str(count), at=now, cancels=not step[2])
        new.held = value == "manual"
        new.unseen = value == "instant" and not step[2]
        jobs.add(new, now)
        return None
    if what == "all":
        return [status_object(each, now, logs=True) for each in jobs.all(now)]
    if what == "queued":
        return jobs.queued("a/b", now)
    found = jobs.get(str(value), now)
    if found is None:
        return None
    if what == "look":
        jobs.note_look(found, now)
    elif what == "poll":
        jobs.note_look(found, now)
        found.poll(now)
        jobs.settle(found)
    elif found.ended is None and what != "release":
        found.cancel(now) if what == "cancel" else found.complete(now)
        jobs.settle(found)
    elif what == "release":
        jobs.release(found, now)
    return status_object(found, now, logs=True)


@settings(max_examples=150)
@given(st.lists(STEPS, max_size=30))
def test_as_in_memory(steps: list[tuple[str, Any, bool]]) -> None:
    clock, here, there = two()
    alone = Jobs(1000, 60.0)
    count = 0
    for number, step in enumerate(steps):
        if step[0] == "wait":
            clock.now += step[1]
            continue
        table = here if number % 2 else there
        expected = act(alone, step, count, clock.now)
        found = table.run(lambda now, table=table, step=step, count=count: act(table.jobs, step, count, now))  # type: ignore[misc]
        assert found == expected, step
        count += step[0] == "add"
