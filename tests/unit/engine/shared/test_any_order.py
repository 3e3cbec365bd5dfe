"""Whatever is set up, in whatever order and by whichever falmock: two on one store answer as one with its state in memory."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any
from typing import NamedTuple

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import Told
from unit.stores import Slow

FIXTURES = (
    *({"match": {"model": "test/turns"}, "response": {"json": {"turn": turn}}} for turn in (1, 2, 3)),
    {"match": {"model": "test/turns", "input": {"seed": 7}}, "response": {"json": {"turn": "seven"}}},
)
NAMES = ("", "a", "worker")
OF_STORE = {"ready", "replica", "replicas", "store"}
UNEQUAL = frozenset({"request_id", "response_url", "status_url", "cancel_url", "path", "number", "numbers", *OF_STORE})
"""What differs between runs, or is told where there is a store alone."""
OF_JOURNAL = frozenset({"calls", "misses", "used"})


class Step(NamedTuple):
    """One call, at one of the falmocks."""

    app: int
    method: str
    path: str
    body: Any
    headers: dict[str, str]

    async def told(self, apps: Apps, jobs: list[str]) -> Any:
        """What is answered, without what differs between runs. `jobs` are the URLs of those submitted so far."""
        if self.path.startswith("job"):
            if not jobs:
                return None
            told = await apps.asked(
                self.app, self.method, jobs[-1] + self.path.removeprefix("job"), None, **self.headers
            )
        elif self.path.startswith("/"):
            told = await apps.told(self.app, self.method, self.path, self.body, **self.headers)
        else:
            told = await apps.asked(self.app, self.method, f"https://{self.path}", self.body, **self.headers)
            if self.path.startswith("queue") and told.status == 200:
                jobs.append(told.value["response_url"])
        return told.status, same(value_of(told))


def value_of(told: Told) -> Any:
    try:
        return told.value
    except ValueError:
        return told.body


def same(value: Any, unequal: frozenset[str] = UNEQUAL) -> Any:
    """A value without what differs between runs."""
    if isinstance(value, dict):
        return {key: same(item, unequal) for key, item in value.items() if key not in unequal}
    return [same(item, unequal) for item in value] if isinstance(value, list) else value


def fixture(number: int, **match: Any) -> dict[str, Any]:
    return {"match": {"model": "test/turns", **match}, "response": {"json": {"turn": f"added {number}"}}}


def control(method: str, path: str, body: Any = None) -> tuple[str, str, Any]:
    return method, f"{CONTROL}{path}", body


def aimock(method: str, path: str, body: Any = None) -> tuple[str, str, Any]:
    return method, f"/__aimock{path}", body


names = st.sampled_from(NAMES[1:])
numbers = st.integers(1, 3)
paces = st.sampled_from(["manual", "instant", "60s"])
calls: list[st.SearchStrategy[tuple[str, str, Any]]] = [
    st.just(("POST", "fal.run/test/turns", {})),
    st.just(("POST", "fal.run/test/turns", {})),
    st.just(("POST", "fal.run/test/turns", {"seed": 7})),
    st.just(("POST", "queue.fal.run/test/turns", {})),
    st.just(("GET", "job/status", None)),
    st.just(("GET", "job", None)),
]
changes: list[st.SearchStrategy[tuple[str, str, Any]]] = [
    numbers.map(lambda number: control("POST", "/fixtures", fixture(number))),
    numbers.map(lambda number: control("POST", "/fixtures", {"fixtures": [fixture(number), fixture(number + 1)]})),
    st.just(control("POST", "/fixtures", fixture(9, input={"seed": 7}))),
    st.just(control("POST", "/fixtures", {"match": {"model": 3}})),
    numbers.map(lambda number: control("DELETE", f"/fixtures/{number}")),
    st.just(control("DELETE", "/fixtures")),
    numbers.map(lambda number: aimock("POST", "/fixtures", {"fixtures": [fixture(number)]})),
    st.just(aimock("DELETE", "/fixtures")),
    st.just(control("PUT", "/faults", {"faults": [{"fault": {"error": "runner_disconnected", "times": 2}}]})),
    st.just(
        control("PUT", "/faults", {"seed": 5, "faults": [{"fault": {"error": "internal_server_error", "rate": 0.5}}]})
    ),
    st.just(control("DELETE", "/faults")),
    paces.map(lambda pace: control("PUT", "/pace", {"pace": pace})),
    st.just(control("PUT", "/pace", {"pace": None})),
    st.tuples(names, paces).map(lambda both: control("PUT", f"/scopes/{both[0]}", {"pace": both[1]})),
    st.tuples(names, st.sampled_from(NAMES)).map(
        lambda both: control("PUT", f"/scopes/{both[0]}", {"alias_of": both[1]})
    ),
    names.map(lambda name: control("PUT", f"/scopes/{name}", {"alias_of": None})),
    names.map(lambda name: control("DELETE", f"/scopes/{name}")),
    st.just(control("POST", "/reset")),
    st.just(control("POST", "/reset?all=true")),
    st.just(aimock("POST", "/reset")),
    st.just(aimock("POST", "/error", {"status": 418})),
    st.sampled_from([0, 0.5, 1]).map(lambda rate: aimock("POST", "/chaos", {"dropRate": rate})),
    st.just(aimock("DELETE", "/chaos")),
]
looks: list[st.SearchStrategy[tuple[str, str, Any]]] = [
    st.just(control("GET", "/fixtures")),
    st.just(control("GET", "/faults")),
    st.just(control("GET", "/scopes")),
    st.just(control("GET", "/health")),
    st.just(control("GET", "/journal")),
    st.just(control("DELETE", "/journal")),
    st.just(control("GET", "/misses")),
    st.just(control("GET", "/jobs")),
    st.just(control("POST", "/verify", {"nothing_unmatched": True, "fixtures_used": "added"})),
    st.just(
        control("POST", "/verify", {"in_order": True, "calls": [{"call": "run", "times": 1}, {"call": "submit"}]}),
    ),
    st.just(("POST", "fal.run/test/none", {"api_key": "sk-1234567890abcdef", "prompt": "a cat"})),
    st.just(aimock("GET", "/chaos")),
    st.just(("POST", "/fal/test/turns", {})),
]


def step(call: tuple[str, str, Any], app: int, scope: str) -> Step:
    method, path, body = call
    headers = {"x_falmock_scope": scope} if scope else {}
    if path.startswith("/fal/"):
        headers["x_fal_target_host"] = "fal.run"
    return Step(app, method, path, body, headers)


def some(kinds: Sequence[st.SearchStrategy[tuple[str, str, Any]]]) -> st.SearchStrategy[Step]:
    return st.builds(step, st.one_of(*kinds), st.integers(0, 1), st.sampled_from(NAMES))


@settings(max_examples=80, deadline=None)
@given(st.lists(some([*calls, *changes, *looks]), max_size=25))
def test_two_answer_as_one(steps: list[Step]) -> None:
    async def all_told(apps: Apps) -> list[Any]:
        jobs: list[str] = []
        told = []
        for each in steps:
            apps.wait(2)  # the order of scopes is known by the second
            told.append(await each.told(apps, jobs))
        return told

    alone = asyncio.run(all_told(Apps(*FIXTURES, is_alone=True)))
    shared = asyncio.run(all_told(Apps(*FIXTURES)))
    for number, (one, two) in enumerate(zip(alone, shared, strict=True)):
        assert two == one, (number, steps[number])


def unread(told: Any) -> Any:
    """An answer without what is of the journal, which has a call after its answer: those at once may not see each other."""
    return told and (told[0], same(told[1], OF_JOURNAL))


PROBES = tuple(
    step(call, app, scope)
    for scope in NAMES
    for app, call in enumerate(
        [control("GET", "/fixtures"), control("GET", "/faults"), ("POST", "fal.run/test/turns", {})]
    )
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(some([*calls, *changes]), max_size=4),
    st.lists(some([*calls[:4], *changes]), min_size=2, max_size=3),
    st.integers(0, 1000),
)
def test_at_once_is_as_one_after_the_other(before: list[Step], at_once: list[Step], seed: int) -> None:
    async def in_order(order: Sequence[int]) -> tuple[dict[int, Any], list[Any]]:
        apps, jobs = Apps(*FIXTURES, is_alone=True), list[str]()
        for each in before:
            await each.told(apps, jobs)
        told = {place: unread(await at_once[place].told(apps, jobs)) for place in order}
        return told, [await each.told(apps, jobs) for each in PROBES]

    async def together() -> tuple[dict[int, Any], list[Any]]:
        apps, jobs = Apps(*FIXTURES), list[str]()
        rolled = random.Random(seed)
        apps.through(lambda store: Slow(store, iter(lambda: rolled.randrange(4), None)))
        for each in before:
            await each.told(apps, jobs)
        told = await asyncio.gather(*(each.told(apps, jobs) for each in at_once))
        return dict(enumerate(map(unread, told))), [await each.told(apps, jobs) for each in PROBES]

    found = asyncio.run(together())
    possible = [asyncio.run(in_order(order)) for order in permutations(range(len(at_once)))]
    assert found in possible
