"""Two falmocks that share a store give the answers that one alone could give, whatever comes to which of them and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import combinations
from itertools import cycle
from itertools import islice
from itertools import permutations
from typing import Any
from typing import NamedTuple

from hypothesis import Phase
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import rule

from unit.worlds import Act
from unit.worlds import World

FIXTURES: tuple[dict[str, Any], ...] = (
    {"match": {"model": "a/plain"}, "response": {"json": {"n": 1}}, "queue": {"started": 1, "completed": 3}},
    *({"match": {"model": "a/turns", "sequenceIndex": n}, "response": {"json": {"turn": n}}} for n in range(3)),
    {"match": {"model": "a/second"}, "response": {"json": {}}, "fault": {"error": "nginx_503", "nth": 2}},
    {"match": {"model": "a/chance"}, "response": {"json": {}}, "fault": {"error": "nginx_503", "rate": 0.5}},
    {
        "match": {"model": "a/late"},
        "response": {"json": {}},
        "fault": {"job": {"kind": "fails-late", "error": "bad_request"}},
    },
)
MODELS = ("plain", "turns", "second", "chance", "late", "nothing")


def _added(name: str, model: str = "a/plain") -> dict[str, Any]:
    return {"match": {"model": model}, "response": {"json": {"n": name}}}


def _faults(**fault: Any) -> dict[str, Any]:
    return {"faults": [{"match": {"model": "a/turns"}, "fault": fault}]}


SET_UP = (
    Act("POST /__falmock/fixtures", _added("added")),
    Act("POST /__falmock/fixtures", {"fixtures": [_added("two", "a/turns"), _added("three", "a/*")]}),
    Act("POST /__falmock/fixtures", {"match": {"model": 3}}),
    Act("DELETE /__falmock/fixtures/1"),
    Act("DELETE /__falmock/fixtures"),
    Act("PUT /__falmock/faults", _faults(error="bad_request", times=2)),
    Act("PUT /__falmock/faults", {"seed": 5, **_faults(error="internal_server_error", rate=0.5)}),
    Act("DELETE /__falmock/faults"),
    *(Act("PUT /__falmock/pace", {"pace": pace}) for pace in ("manual", "60s", None)),
    *(
        Act("PUT /__falmock/scopes/one", more)
        for more in ({"pace": "instant"}, {"alias_of": "two"}, {"alias_of": None})
    ),
    Act("PUT /__falmock/scopes/two", {"alias_of": "one"}),
    Act("DELETE /__falmock/scopes/one"),
    Act("POST /__falmock/reset"),
    Act("POST /__falmock/reset?all=true"),
    Act("POST /__aimock/fixtures", {"fixtures": [_added("by aimock")]}),
    Act("DELETE /__aimock/fixtures"),
    Act("POST /__aimock/error", {"status": 418}),
    *(Act("POST /__aimock/chaos", {"dropRate": rate}) for rate in (0, 0.5, 1)),
    Act("DELETE /__aimock/chaos"),
    Act("POST /__aimock/reset"),
)
LOOKS = (
    Act("POST /__falmock/verify", {"calls": [{"endpoint": "a/plain", "times": 2}], "nothing_unmatched": True}),
    Act("POST /__falmock/verify", {"calls": [{"endpoint": "a/turns", "times": 1}]}),
    Act("POST /__falmock/verify", {"nothing_unmatched": True, "fixtures_used": "added"}),
    *(Act(f"GET /__falmock/{path}") for path in ("fixtures", "faults", "journal", "misses", "jobs")),
    Act("DELETE /__falmock/journal"),
    Act("GET /__aimock/chaos"),
)
"""What shows the calls answered before it: beside other calls, too many histories explain it."""
FILES = (
    Act(
        "POST https://rest.fal.ai/storage/upload/initiate?storage_type=gcs",
        {"file_name": "a.json", "content_type": "application/json"},
    ),
)
SCOPES = st.sampled_from(["", "", "one", "two"])
TRIES = 300
"""How many histories are tried at most. Most calls do not depend on each other, so that nearly always the first one is right."""


def _calls(made: int) -> st.SearchStrategy[Act]:
    """A call; there are `made` earlier ones that it may be about."""
    model = st.sampled_from(MODELS)
    what = [
        model.map("POST https://fal.run/a/{}".format).map(_with_input),
        model.map("POST https://queue.fal.run/a/{}".format).map(_with_input),
    ]
    what += [st.sampled_from(SET_UP), st.sampled_from(FILES), st.just(Act("POST /fal/run/a/turns", {}))]
    if made:
        file = st.integers(0, made - 1)
        what += [
            file.map(lambda number: Act(f"PUT {{{number}}}", {"n": 1})),
            file.map(lambda number: Act(f"GET {{{number}}}")),
        ]
        job = st.integers(0, made - 1)
        kinds = ("GET {}/status", "GET {}/status?logs=1", "PUT {}/cancel", "GET {}")
        about = st.builds(
            lambda kind, number: Act(kind.format(f"https://queue.fal.run/a/plain/requests/{{{number}}}")),
            st.sampled_from(kinds),
            job,
        )
        what += [about, about]
    return _somewhere(st.one_of(what))


def _somewhere(acts: st.SearchStrategy[Act]) -> st.SearchStrategy[Act]:
    """These calls, in any scope and at any of the two."""
    return st.builds(
        lambda act, scope, replica: act._replace(scope=scope, replica=replica), acts, SCOPES, st.integers(0, 1)
    )


_looks = _somewhere(st.sampled_from(LOOKS))


def _with_input(ask: str) -> Act:
    return Act(ask, {})


UPLOADS_LAST = 3600.0
"""Seconds after which a store forgets uploads that nobody uses, and one falmock alone does not."""


class Together(NamedTuple):
    """Calls that came at the same time, by their numbers, and what was answered."""

    acts: dict[int, Act]
    answers: dict[int, str]


Step = Together | float
"""Calls, or seconds that passed."""


class Replicas(RuleBasedStateMachine):
    """Follows the history of one falmock alone that explains all answers of two that share a store."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.steps: list[Step] = []
        self.orders: list[tuple[int, ...]] = []
        """The order of the calls of each step in the history that is followed."""
        self.made = 0

    def teardown(self) -> None:
        self.loop.close()

    @initialize(
        pace=st.sampled_from(["instant", "recorded", "polls:1,3", "manual"]),
        turns=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    )
    def begin(self, pace: str, turns: list[int]) -> None:
        self.pace = pace
        self.replicas = World(FIXTURES, pace, cycle(turns))
        self.alone = World(FIXTURES, pace)

    @rule(data=st.data())
    def one_call(self, data: st.DataObject) -> None:
        self._come([data.draw(_calls(self.made) | _looks)])

    @rule(data=st.data())
    def calls_at_once(self, data: st.DataObject) -> None:
        self._come(data.draw(st.lists(_calls(self.made), min_size=2, max_size=3)))

    @rule(seconds=st.sampled_from([0.5, 2, 3000]))
    def time_passes(self, seconds: float) -> None:
        if sum(step for step in self.steps if isinstance(step, float | int)) + seconds >= UPLOADS_LAST:
            seconds = 1.0
        self._pass(seconds)

    def _come(self, acts: list[Act]) -> None:
        numbered = dict(enumerate(acts, self.made))
        self.made += len(acts)
        step = Together(numbered, self.loop.run(self.replicas.do(numbered, has_counts=len(acts) == 1)))
        self.steps.append(step)
        self.orders.append(tuple(numbered))
        if self._answers(self.alone, tuple(numbered)) != step.answers:
            explaining = self._explained()
            assert explaining is not None, self._unexplained(step)
            self.alone = explaining
        self._pass(0.001)  # calls that come one after another have times of their own

    def _pass(self, seconds: float) -> None:
        self.steps.append(seconds)
        self.replicas.wait(seconds)
        self.alone.wait(seconds)

    def _explained(self) -> World | None:
        """What happened to one alone that answered as the replicas did; None if there is none among the histories tried."""
        for orders in islice(self._histories(), TRIES):
            world = self._played(orders)
            if world is not None:
                self.orders = orders
                return world
        return None

    def _histories(self) -> Iterator[list[tuple[int, ...]]]:
        """The orders of the calls of each step: those that were followed, with one step in another order, then with two."""
        others = [
            (place, other)
            for place, order in reversed(list(enumerate(self.orders)))
            for other in permutations(order)
            if other != order
        ]
        for place, other in others:
            yield [*self.orders[:place], other, *self.orders[place + 1 :]]
        for (first, one), (second, two) in combinations(others, 2):
            if first != second:
                changed = list(self.orders)
                changed[first], changed[second] = one, two
                yield changed

    def _played(self, orders: list[tuple[int, ...]]) -> World | None:
        """One alone to which the calls came in this order, None if it answered otherwise. It is played from the beginning."""
        world, left = World(FIXTURES, self.pace), iter(orders)
        for step in self.steps:
            if not isinstance(step, Together):
                world.wait(step)
            elif self._answers(world, next(left)) != step.answers:
                return None
        return world

    def _answers(self, world: World, order: tuple[int, ...]) -> dict[int, str]:
        """What one alone says to these calls, one after the other."""
        acts = {number: act for step in self.steps if isinstance(step, Together) for number, act in step.acts.items()}
        answers: dict[int, str] = {}
        for number in order:
            answers |= self.loop.run(world.do({number: acts[number]}, has_counts=len(order) == 1))
        return answers

    def _unexplained(self, step: Together) -> str:
        told = self._answers(self.alone, ())
        lines = [f"{number} {act}\n{step.answers[number]}" for number, act in step.acts.items()]
        self.steps.pop()
        before = self._played(self.orders[:-1])
        self.steps.append(step)
        if before is not None:
            told = self._answers(before, tuple(step.acts))
        return "\n".join([*lines, "one alone, in this order:", *told.values(), f"after {self.steps}"])


TestReplicas = Replicas.TestCase
# Shrinking takes minutes, as each try is a history of its own: a failure is shown as it was found.
TestReplicas.settings = settings(max_examples=80, stateful_step_count=15, deadline=None, phases=[Phase.generate])
