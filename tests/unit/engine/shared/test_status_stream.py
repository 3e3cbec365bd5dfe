"""A status stream in shared mode: it shows what any falmock did to the job, and ends when it cannot look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.status_stream import StatusEvents
from falmock.engine.shared.background import AGAIN
from falmock.engine.shared.status_stream import BETWEEN_LOOKS
from falmock.engine.shared.status_stream import SharedStatusEvents
from falmock.store.interface import Unavailable
from unit.engine.shared.table import Clock
from unit.engine.shared.table import Table
from unit.engine.shared.table import two
from unit.engine.some_job import job


class Look:
    """A look at the job that is done when the test says so."""

    def __init__(self, table: Table, decide: Callable[[float], Any]) -> None:
        self._table = table
        self._decide = decide
        self._result: Any = None
        self.is_done = False
        self.is_away = False

    def done(self) -> bool:
        return self.is_done

    def result(self) -> Any:
        if self.is_away:
            raise Unavailable("the store is away")
        return self._table.run(self._decide)


class Followed:
    """A job that a client follows at `here`."""

    def __init__(self, pace: str = "recorded") -> None:
        self.clock: Clock
        self.clock, self.here, self.there = two()
        self.here.add(job(pace, "one"))
        first = self.here.get("one")
        assert first is not None
        events = StatusEvents(first, self.here.jobs, self.clock.now, lambda: None, logs=False)
        self.source = SharedStatusEvents(events, self._background)
        self.looks: list[Look] = []

    def _background(self, decide: Callable[[float], Any]) -> Look:
        self.looks.append(Look(self.here, decide))
        return self.looks[-1]

    def step(self) -> StreamStep:
        assert self.source.step(self.clock.now) == StreamStep(again=self.clock.now + AGAIN)
        self.looks[-1].is_done = True
        return self.source.step(self.clock.now)


def said(step: StreamStep) -> list[str]:
    return [piece.decode().partition('"status": "')[2].partition('"')[0] for piece in step.pieces]


def test_the_clock() -> None:
    followed = Followed()
    step = followed.step()
    assert said(step) == ["IN_QUEUE"]
    assert step.again is not None
    assert step.again <= followed.clock.now + BETWEEN_LOOKS
    followed.clock.now = 103.0
    assert said(followed.step())[-1] == "IN_PROGRESS"
    followed.clock.now = 107.0
    step = followed.step()
    assert said(step)[-1] == "COMPLETED"
    assert step.end is End.WHOLE


def test_others() -> None:
    followed = Followed()
    assert said(followed.step()) == ["IN_QUEUE"]

    def cancel(now: float) -> None:
        found = followed.there.jobs.get("one", now)
        assert found is not None
        found.cancel(now)
        followed.there.jobs.settle(found)

    followed.clock.now = 101.0
    followed.there.run(cancel)
    step = followed.step()
    assert said(step)[-1] == "COMPLETED"
    assert step.end is End.WHOLE


def test_each_look_but_the_first_is_a_poll() -> None:
    followed = Followed("polls:1,2")
    states = [said(followed.step()) for _ in range(3)]
    assert states == [["IN_QUEUE"], ["IN_PROGRESS"], ["COMPLETED"]]
    seen = followed.there.get("one")
    assert seen is not None
    assert seen.polls == 2


def test_it_is_cut_when_the_store_is_away() -> None:
    followed = Followed()
    followed.source.step(followed.clock.now)
    followed.looks[-1].is_done = followed.looks[-1].is_away = True
    assert followed.source.step(followed.clock.now) == StreamStep(end=End.CUT)
