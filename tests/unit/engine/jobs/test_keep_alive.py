"""Keep-alive comments: every 15 s of silence, at any pace, wherever a status stream waits."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.effects import End
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.keep_alive import EVERY
from falmock.engine.jobs.keep_alive import PING
from falmock.engine.jobs.keep_alive import KeepAlive
from falmock.engine.jobs.pace import parse_pace
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import Listener

CAT = {"prompt": "a cat"}
SLOW = {**FLUX, "queue": {"started": 20, "completed": 61, "logs": [{"at": 34, "message": "half"}]}}
CANCELLED = {**FLUX, "queue": {"started": 1, "cancelled": 2}}


def follow(fixture: Any, pace: str, fault: Any = None) -> Listener:
    client = Client({**fixture, "fault": fault} if fault else fixture, pace=parse_pace(pace))
    return client.listen("GET", f"{client.job('fal-ai/flux/dev', CAT)}/status/stream?logs=1")


def test_a_comment_as_fal_sends_it() -> None:
    assert (PING, EVERY) == (b": ping\n\n", 15)


@pytest.mark.parametrize(
    ("pace", "pings"),
    [
        ("recorded", [15, 49]),
        ("x2", []),
        ("122s", [15, 30, 55, 83, 98, 113]),
        ("3s", []),
        ("instant", []),
        ("polls:2,4", []),
    ],
)
def test_every_15_s_of_silence_since_whatever_came_last(pace: str, pings: list[float]) -> None:
    listener = follow(SLOW, pace).wait()
    assert listener.end is End.WHOLE
    assert listener.pings == pytest.approx(pings, abs=1e-3)


@pytest.mark.parametrize(
    ("fixture", "pace", "fault"),
    [
        (FLUX, "manual", None),
        (CANCELLED, "recorded", None),
        (CANCELLED, "polls:1,2", None),
        (FLUX, "recorded", {"job": "stuck-in-queue"}),
        (FLUX, "instant", {"job": "stuck-in-progress"}),
    ],
)
def test_as_long_as_it_waits(fixture: Any, pace: str, fault: Any) -> None:
    listener = follow(fixture, pace, fault).wait()
    assert listener.end is End.OPEN
    last = listener.pieces[-1][0]
    assert listener.pings == pytest.approx([last + EVERY * (number + 1) for number in range(len(listener.pings))])
    assert len(listener.pings) > 3


def test_the_edge_of_silence() -> None:
    listener = follow({**FLUX, "queue": {"started": 0, "completed": 14.9}}, "recorded").wait()
    assert (listener.pings, listener.end) == ([], End.WHOLE)


class Script:
    """A source that sends at given times only."""

    def __init__(self, *steps: StreamStep) -> None:
        self.steps = list(steps)

    def step(self, now: float) -> StreamStep:  # noqa: ARG002
        return self.steps.pop(0)


def test_an_edge_that_comes_late_or_early_gets_one() -> None:
    stream = KeepAlive(Script(*[StreamStep(again=1000.0)] * 4))
    assert stream.step(0) == StreamStep(again=15)
    assert stream.step(14.999) == StreamStep(again=15)
    assert stream.step(100) == StreamStep((PING,), 115, keep_alive=True)
    assert stream.step(101) == StreamStep(again=115)


def test_nothing_after_the_end() -> None:
    over = StreamStep((b"last",), end=End.WHOLE)
    stream = KeepAlive(Script(StreamStep(again=None), over))
    assert stream.step(0) == StreamStep(again=15)
    assert stream.step(60) == over
