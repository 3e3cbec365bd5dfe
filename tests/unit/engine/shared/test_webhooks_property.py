"""Whatever happens at two falmocks of a store in whatever order, they post what one falmock alone would post."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple
from urllib.parse import quote

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.request import post
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of
from unit.engine.calls import read
from unit.engine.hooked import HOOK
from unit.engine.hooked import Edge
from unit.replicas import START
from unit.replicas import Replicas
from unit.stores import Slow


def fixture(name: str, completed: float, **more: Any) -> dict[str, Any]:
    return {
        "match": {"model": f"acme/{name}"},
        "response": {"json": {}},
        "queue": {"started": completed / 2, "completed": completed},
        **more,
    }


FAULTS: Mapping[str, Any] = {
    "late": {"kind": "late", "seconds": 5},
    "twice": {"kind": "twice", "seconds": 5},
    "disordered": {"kind": "out-of-order", "seconds": 60},
    "never": "never",
}
FIXTURES = (
    fixture("quick", 0),
    fixture("waits", 8),
    *(fixture(name, 2, fault={"webhook": fault}) for name, fault in FAULTS.items()),
)
ENDPOINTS = ("quick", "waits", *FAULTS)
SCOPES = ("", "other")
LEASE = 14.0


class Step(NamedTuple):
    """What happens at one of the falmocks."""

    what: str
    which: int
    choice: int
    scope: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["submit", "submit", "cancel", "poll", "pass", "pass", "take", "take", "end", "end", "reset"]),
        st.integers(0, 1),
        st.integers(0, 50),
        st.sampled_from(SCOPES),
    ),
    max_size=40,
)
# Not the very moment at which something ends: one falmock may take it as over a microsecond before the other does.
TIMES = (0.0501, 0.2003, 1.0007, 4.0011, 8.0013, 25.0017, 90.0019)
STATUSES = (200, 500, 302)


class Alone:
    """One falmock that has its state in memory."""

    def __init__(self, **config: Any) -> None:
        numbers = itertools.count(10**6)  # the ids of the others are other ones
        self.edge, self.time = Edge(), START
        self.engines = Engines(
            Config(**config), index_of(*FIXTURES), lambda now: uuid7(now, next(numbers)), b"falmock", self.edge
        )

    def send(self, method: str, path: str, query: str, scope: str) -> Reply:
        headers = {"content-type": "application/json"}
        effect = self.engines.handle(
            Request(method, "queue.fal.run", path, query, headers, b"{}", scope=scope), self.time
        )
        assert isinstance(effect, Reply)
        return effect

    def due(self) -> list[WebhookPost]:
        return [post(self.edge, attempt, self.time) for attempt in self.engines.due_webhooks(self.time)]


class Both:
    """The same happens to one falmock alone, and to two that share their state; what they post is compared."""

    def __init__(self, pace: str) -> None:
        self.alone = Alone(pace=parse_pace(pace))
        self.two = Replicas(*FIXTURES, pace=parse_pace(pace))
        self.jobs: list[tuple[str, str, str]] = []
        self.numbers: dict[str, int] = {}
        self.under_way: list[tuple[WebhookPost, WebhookPost, int, float]] = []

    async def take(self, step: Step) -> None:
        await getattr(self, f"_{step.what}")(step)

    async def _submit(self, step: Step) -> None:
        endpoint, query = ENDPOINTS[step.choice % len(ENDPOINTS)], f"fal_webhook={quote(HOOK, safe='')}"
        path = f"/acme/{endpoint}"
        alone = self.alone.send("POST", path, query, step.scope)
        two = await self.two.send(
            step.which, "POST", "queue.fal.run", path, query, b"{}", step.scope, content_type="application/json"
        )
        assert alone.status == two.status == 200
        ids = [str(read(reply)["request_id"]) for reply in (alone, two)]
        self.numbers.update(dict.fromkeys(ids, len(self.jobs)))
        self.jobs.append((f"{path}/requests/{ids[0]}", f"{path}/requests/{ids[1]}", step.scope))

    async def _about(self, step: Step, method: str, what: str) -> None:
        if not self.jobs:
            return
        alone, two, scope = self.jobs[step.choice % len(self.jobs)]
        one = self.alone.send(method, alone + what, "", scope)
        other = await self.two.send(step.which, method, "queue.fal.run", two + what, scope=scope)
        assert (one.status, read(one).get("status")) == (other.status, read(other).get("status"))

    async def _cancel(self, step: Step) -> None:
        await self._about(step, "PUT", "/cancel")

    async def _poll(self, step: Step) -> None:
        await self._about(step, "GET", "/status")

    async def _pass(self, step: Step) -> None:
        now = self.two.time + TIMES[step.choice % len(TIMES)]
        while self.under_way and now - self.under_way[0][3] > LEASE:
            await self._end(step._replace(choice=0))
        self.alone.time = self.two.time = now

    async def _take(self, step: Step) -> None:
        alone = sorted(self.alone.due(), key=self.shown)
        two = sorted(await self.two.due(step.which), key=self.shown)
        assert list(map(self.shown, alone)) == list(map(self.shown, two))
        self.under_way += [(one, other, step.which, self.two.time) for one, other in zip(alone, two, strict=True)]

    async def _end(self, step: Step) -> None:
        if not self.under_way:
            return
        one, other, which, _ = self.under_way.pop(step.choice % len(self.under_way))
        status = STATUSES[step.choice % len(STATUSES)]
        alone = self.alone.engines.webhook_posted(int(one.key), status, "", self.alone.time)
        two = await self.two.end(which, other, status)
        assert two is not None
        assert alone.outcome is two.outcome

    async def _reset(self, step: Step) -> None:
        while self.under_way:  # one falmock alone goes on with attempts that are under way
            await self._end(step._replace(choice=0))
        self.alone.engines.reset(step.scope)
        await self.two.control(step.which, "POST", "reset", f"scope={step.scope}" if step.scope else "")

    def shown(self, post: WebhookPost) -> tuple[Any, ...]:
        """A post, without what differs."""
        body = json.loads(post.body)
        return self.numbers[post.request_id], post.attempt, post.timeout, str(body["error"]), body["status"]


@settings(max_examples=150, deadline=None)
@given(pace=st.sampled_from(["recorded", "instant", "polls:1,2", "manual", "x10"]), steps=STEPS)
def test_two_post_what_one_posts(pace: str, steps: list[Step]) -> None:
    async def story() -> None:
        both = Both(pace)
        for step in steps:
            await both.take(step)
        for seconds in range(12):  # nothing is forgotten either
            await both.take(Step("pass", 0, len(TIMES) - 1 - seconds % 2, ""))
            await both.take(Step("take", seconds % 2, 0, ""))

    asyncio.run(story())


# steps that overlap


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), pace=st.sampled_from(["instant", "recorded", "polls:1,2"]))
def test_what_overlaps_is_posted_once(seed: int, pace: str) -> None:
    rng = random.Random(seed)
    mock: Replicas
    held: Counter[str] = Counter()
    delivered: Counter[str] = Counter()
    jobs: list[str] = []

    async def work(which: int) -> None:
        for _ in range(15):
            what = rng.randrange(6)
            if what == 0:
                jobs.append(await mock.order(which, f"acme/{rng.choice(('quick', 'waits'))}"))
            elif what == 1 and jobs:
                await mock.cancel(which, rng.choice(jobs))
            elif what == 2 and jobs:
                await mock.status(which, rng.choice(jobs))
            elif what == 3:
                mock.time += rng.choice((0.0, 0.1, 0.2))  # all in all less than an attempt may take
            else:
                await deliver(which)

    async def deliver(which: int) -> None:
        for each in await mock.due(which):
            held[each.request_id] += 1
            assert held[each.request_id] == 1
            await asyncio.sleep(0)
            status = rng.choice((200, 200, 500))
            held[each.request_id] -= 1
            assert await mock.end(which, each, status) is not None
            delivered[each.request_id] += status == 200

    def slow(clock: Callable[[], float]) -> Any:
        return Slow(MemoryStore(clock), iter(lambda: rng.randrange(4), None))

    async def story() -> None:
        nonlocal mock
        mock = Replicas(*FIXTURES, pace=parse_pace(pace), make=slow)
        await asyncio.gather(work(0), work(1), work(0), work(1))
        for job in jobs:
            await mock.cancel(0, job)
        for _ in range(20):
            mock.time += 100
            await asyncio.gather(deliver(0), deliver(1))
        assert delivered == Counter(job.rpartition("/")[2] for job in jobs)

    asyncio.run(story())
