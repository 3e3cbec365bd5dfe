"""Two falmocks that share a store give the answers that one alone could give, whatever comes to which of them and when."""

from __future__ import annotations

import asyncio
from itertools import cycle
from itertools import permutations
from typing import Any
from typing import NamedTuple

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
SCOPES = st.sampled_from(["", "", "one"])
CANDIDATES = 12
"""The most histories that are followed, of those that explain the answers so far."""


def _calls(made: int) -> st.SearchStrategy[Act]:
    """A call; there are `made` earlier ones that it may be about."""
    model = st.sampled_from(MODELS)
    what = [
        model.map("POST https://fal.run/a/{}".format).map(_with_input),
        model.map("POST https://queue.fal.run/a/{}".format).map(_with_input),
    ]
    if made:
        job = st.integers(0, made - 1)
        kinds = ("GET {}/status", "GET {}/status?logs=1", "PUT {}/cancel", "GET {}")
        about = st.builds(
            lambda kind, number: Act(kind.format(f"https://queue.fal.run/a/plain/requests/{{{number}}}")),
            st.sampled_from(kinds),
            job,
        )
        what += [about, about]
    return st.builds(
        lambda act, scope, replica: act._replace(scope=scope, replica=replica),
        st.one_of(what),
        SCOPES,
        st.integers(0, 1),
    )


def _with_input(ask: str) -> Act:
    return Act(ask, {})


class Answered(NamedTuple):
    """The answers to calls that came in this order."""

    order: tuple[tuple[int, Act], ...]
    answers: dict[int, str]


class History(NamedTuple):
    """What one falmock alone was told, one call after the other, and what it is like since."""

    steps: tuple[tuple[int, Act] | float, ...]
    world: World


class Replicas(RuleBasedStateMachine):
    """Follows the histories of one falmock alone that explain all answers of two that share a store."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
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
        self.histories = [History((), World(FIXTURES, pace))]

    @rule(data=st.data())
    def one_call(self, data: st.DataObject) -> None:
        self.calls_come([data.draw(_calls(self.made))])

    @rule(data=st.data())
    def calls_at_once(self, data: st.DataObject) -> None:
        self.calls_come(data.draw(st.lists(_calls(self.made), min_size=2, max_size=3)))

    @rule(seconds=st.sampled_from([0.5, 2, 5000]))
    def time_passes(self, seconds: float) -> None:
        self.replicas.wait(seconds)
        for _, world in self.histories:
            world.wait(seconds)
        self.histories = [History((*steps, seconds), world) for steps, world in self.histories]

    def calls_come(self, acts: list[Act]) -> None:
        numbered = dict(enumerate(acts, self.made))
        self.made += len(acts)
        answers = self.loop.run(self.replicas.do(numbered))
        told = [
            (history, self._after(history, order))
            for known in self.histories
            for order in permutations(numbered.items())
            for history in [known if len(acts) == 1 else self._again(known)]
        ]
        explaining = [
            History((*history.steps, *answered.order), history.world)
            for history, answered in told
            if answered.answers == answers
        ]
        assert explaining, _unexplained(numbered, answers, [answered for _, answered in told])
        self.histories = explaining[:CANDIDATES]

    def _again(self, history: History) -> History:
        """The same history in another world."""
        world = World(FIXTURES, self.pace)
        for step in history.steps:
            if isinstance(step, tuple):
                self.loop.run(world.do(dict([step])))
            else:
                world.wait(step)
        return History(history.steps, world)

    def _after(self, history: History, order: tuple[tuple[int, Act], ...]) -> Answered:
        """What this one alone says to these calls, one after the other."""
        answers: dict[int, str] = {}
        for step in order:
            answers |= self.loop.run(history.world.do(dict([step])))
        return Answered(order, answers)


def _unexplained(acts: dict[int, Act], answers: dict[int, str], alone: list[Answered]) -> str:
    lines = [f"{number} {act}\n{answers[number]}" for number, act in acts.items()]
    for answered in alone[:3]:
        lines.append("one alone, in the order " + ", ".join(str(number) for number, _ in answered.order))
        lines += [answered.answers[number] for number in acts]
    return "\n".join(lines)


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
