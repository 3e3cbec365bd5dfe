"""Calls of apps whose state is in a store: what they ask it, and that what they take for granted is checked."""

from __future__ import annotations

import gc

from falmock.engine.shared.transaction import Transaction
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import run
from unit.stores import Counting

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"n": 1}}}
QUEUE = "https://queue.fal.run/a/b"


class Counted(Apps):
    """Two falmocks whose round trips are counted."""

    def __init__(self) -> None:
        super().__init__(FIXTURE)
        self.stores = self.through(Counting)

    async def trips(self, app: int, method: str, url: str, body: object = None) -> tuple[object, list[str]]:
        """What an app answers, and the round trips that it took."""
        self.stores[app].trips.clear()
        told = await self.asked(app, method, url, body)
        return told.value, list(self.stores[app].trips)

    async def submitted(self, app: int) -> str:
        """The URL of a new job; what is set up is known before."""
        for each in (0, 1):
            await self.asked(each, "GET", f"{QUEUE}/requests/none/status")
        job, trips = await self.trips(app, "POST", QUEUE, {})
        assert trips == ["commit"]
        assert isinstance(job, dict)
        return f"{QUEUE}/requests/{job['request_id']}"


def test_a_job_takes_one_trip_a_call_where_it_was_submitted() -> None:
    async def work() -> None:
        apps = Counted()
        job = await apps.submitted(0)
        for trips in (["commit"], ["load"], ["load"]):
            status, found = await apps.trips(0, "GET", f"{job}/status")
            assert isinstance(status, dict)
            assert (status["status"], found) == ("COMPLETED", trips)
        assert await apps.trips(0, "GET", job) == ({"n": 1}, ["load"])

    run(work())


def test_a_poll_at_falmocks_own_address_takes_one_trip_too() -> None:
    async def work() -> None:
        apps = Counted()
        job = (await apps.submitted(0)).removeprefix("https://queue.fal.run")
        await apps.told(0, "GET", f"/fal{job}/status", x_fal_target_host="queue.fal.run")
        for path in (f"/fal{job}/status", f"/fal{job}"):
            apps.stores[0].trips.clear()
            assert (await apps.told(0, "GET", path, x_fal_target_host="queue.fal.run")).status == 200
            assert list(apps.stores[0].trips) == ["load"]

    run(work())


def test_the_first_look_elsewhere_takes_one_more() -> None:
    async def work() -> None:
        apps = Counted()
        job = await apps.submitted(0)
        assert (await apps.trips(1, "GET", f"{job}/status"))[1] == ["load", "commit"]
        assert (await apps.trips(1, "GET", f"{job}/status"))[1] == ["load"]

    run(work())


def test_a_job_that_was_cancelled_elsewhere_is_not_taken_to_be_new() -> None:
    async def work() -> None:
        apps = Counted()
        job = await apps.submitted(0)
        alone = Apps(FIXTURE, is_alone=True)
        own = f"{QUEUE}/requests/{(await alone.asked(0, 'POST', QUEUE, {})).value['request_id']}"
        cancelled = (await alone.asked(0, "PUT", f"{own}/cancel")).value
        assert (await apps.trips(1, "PUT", f"{job}/cancel"))[0] == cancelled
        expected = (await alone.asked(0, "GET", f"{own}/status")).value["status"]
        status, trips = await apps.trips(0, "GET", f"{job}/status")
        assert isinstance(status, dict)
        assert status["status"] == expected
        assert trips == ["commit", "load", "commit"], "what it took for granted was checked"

    run(work())


def test_a_reset_elsewhere_hides_a_new_job() -> None:
    async def work() -> None:
        apps = Counted()
        job = await apps.submitted(0)
        assert (await apps.told(1, "POST", "/__falmock/reset")).status == 200
        assert (await apps.asked(0, "GET", f"{job}/status")).status == 404

    run(work())


def test_a_call_leaves_nothing_for_the_collector() -> None:
    async def work() -> int:
        apps = Counted()
        job = await apps.submitted(0)
        gc.collect()
        gc.disable()
        try:
            before = _transactions()
            for _ in range(3):
                await apps.asked(0, "GET", f"{job}/status")
                await apps.asked(0, "POST", QUEUE, {})
            return _transactions() - before
        finally:
            gc.enable()

    assert run(work()) == 0


def _transactions() -> int:
    return sum(isinstance(each, Transaction) for each in gc.get_objects())
