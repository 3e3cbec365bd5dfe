"""The events of a scope in a store: who listens at one falmock learns what all of them did, and can go on at another."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.edge import Client
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.shared.background import AGAIN
from falmock.gateway.control import scope_events
from falmock.gateway.control import shared_events
from falmock.wire.formats import sse
from falmock.wire.message import Request
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.stores import Away

TIMED = {"match": {"model": "t/e"}, "response": {"json": {"done": True}}, "queue": {"started": 2, "completed": 6}}
SLOW = {"pace": parse_pace("recorded"), "pace_text": "recorded"}


class Listener:
    """A client that listens at one falmock of several, and what it knows."""

    def __init__(self, apps: Apps) -> None:
        self.apps = apps
        self.calls: dict[int, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.names: list[str] = []
        self.last = ""

    async def open(self, app: int) -> None:
        headers = {"host": "127.0.0.1:8080"} | ({"last-event-id": self.last} if self.last else {})
        self.jobs = {}
        request = Request("GET", "127.0.0.1", f"{CONTROL}/events", "", headers, b"", peer="127.0.0.1")
        stream = await self.apps.apps[app].answer(request, Client(is_direct=True))
        assert isinstance(stream, Stream)
        self.source, self.parser = stream.source, sse.Parser()

    async def listen(self, seconds: float = 0.0) -> list[str]:
        """The names of the events that are due in so much time."""
        self.apps.wait(seconds)
        names, now = [], self.apps.edges[0].time
        while True:
            step = self.source.step(now)
            for event in [event for piece in step.pieces for event in self.parser.feed(piece)]:
                names.append(event.type)
                self._take(event)
            if step.again is None or step.again > now + AGAIN:
                self.names += names
                return names
            await asyncio.sleep(0)

    def _take(self, event: sse.Event) -> None:
        self.last = event.id
        value = json.loads(event.data)
        if event.type == "call":
            self.calls[value["number"]] = value
        elif event.type == "job":
            self.jobs[value["request_id"]] = value
        elif event.type == "reset":
            self.calls, self.jobs = {}, {}


async def flushed(apps: Apps) -> None:
    for app in (0, 1):
        await apps.state(app).replicas.writer.flush()


async def whole(apps: Apps, app: int) -> tuple[dict[int, Any], dict[str, Any]]:
    """The calls and the jobs as the API shows them."""
    entries = (await apps.told(app, "GET", f"{CONTROL}/journal?limit=1000")).value["entries"]
    calls = {each["number"]: {**each, "miss": each["miss"] is not None} for each in entries}
    for call in calls.values():
        del call["input"]
    jobs = (await apps.told(app, "GET", f"{CONTROL}/jobs")).value["jobs"]
    return calls, {each["request_id"]: each for each in jobs}


def test_what_others_did() -> None:
    async def test() -> None:
        apps = Apps(TIMED, **SLOW)
        await apps.asked(0, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        listener = Listener(apps)
        await listener.open(1)
        assert await listener.listen() == ["hello", "call", "fixtures", "faults", "assets", "scopes", "settings"]
        assert await listener.listen(scope_events.EVERY) == []
        job = (await apps.asked(0, "POST", "https://queue.fal.run/t/e", {})).value["request_id"]
        await flushed(apps)
        assert await listener.listen(scope_events.EVERY) == ["call", "job"]
        assert (listener.jobs[job]["state"], listener.jobs[job]["number"]) == ("queued", 2)
        states = []
        for _ in range(4):
            await listener.listen(2)
            states.append(listener.jobs[job]["state"])
        assert states == ["running", "running", "finished", "finished"]
        assert (listener.calls, listener.jobs) == await whole(apps, 0)
        await apps.told(0, "POST", f"{CONTROL}/reset")
        assert "reset" in await listener.listen(scope_events.EVERY)

    asyncio.run(test())


def test_it_goes_on_at_another() -> None:
    async def test() -> None:
        apps, listener = Apps(TIMED), None
        await apps.asked(0, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        listener = Listener(apps)
        await listener.open(0)
        await listener.listen()
        await apps.asked(1, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        await listener.open(1)
        names = await listener.listen()
        assert (names[:2], names.count("call"), sorted(listener.calls)) == (["hello", "call"], 1, [1, 2])
        await apps.told(1, "DELETE", f"{CONTROL}/journal")
        await listener.open(0)
        assert (await listener.listen())[:2] == ["reset", "hello"]

    asyncio.run(test())


def test_a_store_that_lost_all_is_a_reset() -> None:
    async def test() -> None:
        apps = Apps(TIMED)
        for _ in range(3):
            await apps.asked(0, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        listener = Listener(apps)
        await listener.open(1)
        await listener.listen()
        apps.store._logs.clear()
        await apps.asked(0, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        assert await listener.listen(scope_events.EVERY) == ["reset", "call"]
        assert list(listener.calls) == [1]
        (fixture,) = (await apps.told(1, "GET", f"{CONTROL}/fixtures")).value["fixtures"]
        assert fixture["used"], "which fixtures answered is written again"

    asyncio.run(test())


def test_while_the_store_is_away_the_client_stays() -> None:
    async def test() -> None:
        apps = Apps(TIMED)
        store, _ = apps.through(Away)
        listener = Listener(apps)
        await listener.open(0)
        await listener.listen()
        store.is_away = True
        assert await listener.listen(1) == []
        store.is_away = False
        await apps.asked(1, "POST", "https://fal.run/t/e", {})
        await flushed(apps)
        assert await listener.listen(shared_events.AWAY) == ["call"]

    asyncio.run(test())


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.sampled_from(["run", "submit", "poll", "cancel", "miss", "wait", "listen", "clear"])
        ),
        max_size=20,
    )
)
def test_in_the_end_it_knows_what_the_api_shows(steps: list[tuple[int, str]]) -> None:
    async def test() -> None:
        apps = Apps(TIMED, **SLOW)
        listener = Listener(apps)
        await listener.open(0)
        jobs = ["0190a000-0000-7000-8000-000000000000"]
        for app, what in steps:
            apps.wait(0.5)
            if what in ("run", "miss"):
                await apps.asked(app, "POST", f"https://fal.run/t/{'e' if what == 'run' else 'none'}", {})
            elif what == "submit":
                jobs.append((await apps.asked(app, "POST", "https://queue.fal.run/t/e", {})).value["request_id"])
            elif what == "poll":
                await apps.asked(app, "GET", f"https://queue.fal.run/t/e/requests/{jobs[-1]}/status")
            elif what == "cancel":
                await apps.asked(app, "PUT", f"https://queue.fal.run/t/e/requests/{jobs[-1]}/cancel")
            elif what == "clear":
                await apps.told(app, "DELETE", f"{CONTROL}/journal")
            elif what == "wait":
                apps.wait(3)
            else:
                await listener.listen()
        apps.wait(20)
        await flushed(apps)
        for _ in range(3):
            await listener.listen(scope_events.EVERY)
        calls, shown = await whole(apps, 1)
        assert listener.calls == calls
        told = {name: {**job, "poll_times": [], "number": None} for name, job in listener.jobs.items()}
        assert told == {name: {**job, "poll_times": [], "number": None} for name, job in shown.items()}

    asyncio.run(test())
