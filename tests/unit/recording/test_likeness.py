from __future__ import annotations

import uuid
from typing import Any

import pytest

from falmock.recording.likeness import alike
from falmock.recording.likeness import settled


def entry(value: Any = None, answer: Any = 1, **more: Any) -> dict[str, Any]:
    match = {"model": "a/b", "input": value or {}, "exact": True}
    return {"match": match, "response": {"json": answer}, **more}


def paced(**queue: Any) -> dict[str, Any]:
    return entry(queue=queue, recorded={"at": "today"})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"started": 1, "completed": 2}, {"started": 1.9, "completed": 2.9}),
        ({"started": 10, "completed": 60}, {"started": 19, "completed": 35}),
        ({"started": 1, "logs": [{"at": 1, "message": "a"}]}, {"started": 1, "logs": [{"at": 9, "message": "a"}]}),
        ({"started": 1, "positions": [{"at": 0, "position": 3}]}, {"started": 1}),
        ({"inferenceTime": 1.0}, {"inferenceTime": 1.123}),
    ],
)
def test_timelines_that_tell_the_same_at_about_the_same_speed(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert alike(paced(**old), {**paced(**new), "recorded": {"at": "tomorrow"}})
    assert settled(paced(**old), paced(**new))["queue"] == old


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"started": 1, "completed": 2}, {"started": 1, "completed": 4.5}),
        ({"started": 1}, {"started": 1, "completed": 2}),
        ({"started": 1}, {"started": 1, "cancel": "ignored"}),
        ({"started": 1}, {"cancelled": 1}),
        ({"started": 1, "logs": [{"at": 1, "message": "a"}]}, {"started": 1, "logs": [{"at": 1, "message": "b"}]}),
        ({"error": "a"}, {"error": "b"}),
        ({}, {"refused": True}),
    ],
)
def test_timelines_that_do_not(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not alike(paced(**old), paced(**new))
    assert settled(paced(**old), paced(**new))["queue"] == new


def test_another_answer_is_another_recording() -> None:
    assert not alike(entry(answer=1), entry(answer=2))
    assert settled(entry(answer=1, queue={"started": 9}), entry(answer=2)) == entry(answer=2)
    assert settled(None, entry()) == entry()


def test_a_settled_recording_says_when_it_was_made() -> None:
    old = entry(queue={"started": 1}, recorded={"at": "yesterday"})
    new = entry(queue={"started": 1.5}, recorded={"at": "today"})
    assert settled(old, new) == entry(queue={"started": 1}, recorded={"at": "today"})


# streams and sockets

EVENTS = [{"at": 0.1, "json": 1}, {"at": 2.0, "data": "[DONE]"}]


def streaming(steps: Any, **more: Any) -> dict[str, Any]:
    return {"match": {"model": "a/b/stream"}, "stream": steps, **more}


def answering(*frames: Any, **more: Any) -> dict[str, Any]:
    return {"match": {"model": "a/b/realtime"}, "realtime": list(frames), **more}


def later(steps: list[dict[str, Any]], by: float) -> list[dict[str, Any]]:
    return [{**step, "at": step["at"] + by} for step in steps]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (EVENTS, later(EVENTS, 0.9)),
        ({"events": EVENTS, "billableUnits": 1}, {"events": later(EVENTS, 0.5), "billableUnits": 1}),
        (EVENTS, [*EVENTS, {"at": 2.5, "end": True}]),
        ([{"at": 0, "bytes": "AAEC"}], [{"at": 0, "bytes": "AA=="}, {"at": 0.2, "bytes": "AQI="}]),
        ([], []),
    ],
)
def test_streams_that_tell_the_same_at_about_the_same_speed(old: Any, new: Any) -> None:
    assert alike(streaming(old), streaming(new, recorded={"at": "today"}))
    assert settled(streaming(old), streaming(new, recorded={})) == streaming(old, recorded={})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (EVENTS, later(EVENTS, 3)),
        (EVENTS, EVENTS[:1]),
        (EVENTS, [*EVENTS, {"at": 9.0, "end": True}]),
        ({"events": EVENTS, "billableUnits": 1}, {"events": EVENTS, "billableUnits": 2}),
        ({"events": EVENTS, "billableUnits": 1}, EVENTS),
        ([{"at": 0, "bytes": "AAEC"}], [{"at": 0, "bytes": "AAED"}]),
        ([{"at": 0, "json": 1}], [{"at": 0, "json": 1, "event": "e"}]),
    ],
)
def test_streams_that_do_not(old: Any, new: Any) -> None:
    assert not alike(streaming(old), streaming(new))
    assert settled(streaming(old), streaming(new)) == streaming(new)


def test_frames_that_tell_the_same() -> None:
    def timed(seconds: float) -> dict[str, Any]:
        return {"at": 0.1, "json": {"type": "x-fal-message", "action": "timings", "timing": seconds}}

    one = {"at": 0.0, "msgpack": {"n": 1}}
    assert settled(answering(one, timed(0.1)), answering({**one, "at": 0.7}, timed(0.2))) == answering(one, timed(0.1))
    assert not alike(answering(one), answering({"at": 0.0, "msgpack": {"n": 2}}))
    assert not alike(answering(one), answering({"at": 5.0, "msgpack": {"n": 1}}))
    assert not alike(answering(one), streaming([]))


def workflow(run: str, output: Any, day: str) -> dict[str, Any]:
    events = [{"at": 0.1, "json": {"type": "submit", "request_id": run}}, {"at": 2.0, "json": {"output": output}}]
    return streaming(events, recorded={"at": day, "requestId": run})


def test_a_stream_that_differs_in_the_ids_of_its_run_is_left_as_it_was() -> None:
    old, new = (workflow(str(uuid.UUID(int=run)), "a cat", f"2025-0{run}-01T00:00:00Z") for run in (1, 2))
    assert settled(old, new) is old
    assert not alike(old, new), "as answers that take turns they are two"
    assert settled(old, workflow("none", "a cat", "")) == workflow("none", "a cat", "")


def test_a_stream_that_told_something_else_is_recorded_with_its_own_ids() -> None:
    old, new = (workflow(str(uuid.UUID(int=run)), f"cat {run}", "") for run in (1, 2))
    assert settled(old, new) is new
