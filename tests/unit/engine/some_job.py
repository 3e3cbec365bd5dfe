"""A sample job that takes some time."""

from __future__ import annotations

from falmock.engine.jobs.job import Job
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.fixtures.model import Log
from falmock.fixtures.model import Position
from falmock.fixtures.model import Timeline
from falmock.wire.lifecycle import State

TIMELINE = Timeline(
    2.0,
    6.0,
    (Position(0.0, 2), Position(1.0, 1), Position(1.5, 0)),
    (Log(2.5, "loading"), Log(4.0, "half way"), Log(5.9, "done")),
)


def job(
    pace: str = "recorded",
    name: str = "r",
    *,
    deadline: float = 3600.0,
    cancels: bool = True,
    at: float = 100.0,
    reaches: State = State.FINISHED,
) -> Job:
    return Job(
        request_id=name,
        app="a/b",
        host="queue.fal.run",
        submitted=at,
        deadline=deadline,
        schedule=schedule(parse_pace(pace), TIMELINE._replace(reaches=reaches)),
        answer="digest",
        logs=TIMELINE.logs,
        inference_time=4.0,
        honours_cancel=cancels,
        fixture="f",
        why="w",
    )
