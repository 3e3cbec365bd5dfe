from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.recording.comparison import alike
from falmock.recording.comparison import complete
from falmock.recording.comparison import completed
from falmock.recording.comparison import less_incidental
from falmock.recording.comparison import settled
from falmock.recording.disk.writer import Writer
from falmock.recording.outcome import Save
from falmock.wire.formats.frames import Close
from unit.recording.exchanges import saves
from unit.recording.test_sockets import packed
from unit.recording.test_sockets import record


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


TIMING = {"at": 0.2, "json": {"type": "x-fal-message", "action": "timings", "timing": 0.1}}


def frames(*numbers: int) -> list[dict[str, Any]]:
    return [{"at": at / 10, "msgpack": {"n": number}} for at, number in enumerate(numbers)]


def answer(*told: Any, seed: int = 1) -> dict[str, Any]:
    match = {"model": "a/b/realtime", "input": {"seed": seed}, "exact": True}
    return {"match": match, "realtime": list(told), "recorded": {"at": "today"}}


def cuts(*said: tuple[float, str, Any], **more: Any) -> list[bool]:
    return [save.is_cut for save in saves(record(*said, **more))]


def test_what_the_client_did_not_wait_for_is_cut() -> None:
    one, two, answered = packed({"n": 1}), packed({"n": 2}), packed({"ok": 1})
    said = ((0.0, ">", one), (1.0, "<", answered), (2.0, ">", two), (3.0, "<", answered))
    assert cuts(*said) == [False, True]
    assert cuts(*said[:3]) == [True, True]
    assert cuts(*said, close=Close(1000)) == [False, False]
    assert cuts(*said, close=Close(1006), lost="it broke off") == [False, True]
    assert cuts((0.0, "<", "hello"), to="a/b/ws") == [True]


def test_a_cut_answer_is_the_longest_that_begins_like_it() -> None:
    part = answer(*frames(1))
    other = answer(*frames(2, 3, 4))
    assert completed(part, [other, answer(*frames(1, 2)), answer(*frames(1, 2, 3)), other]) == answer(*frames(1, 2, 3))
    assert completed(part, [other, answer(*frames(1, 2), seed=2), {"match": part["match"], "response": {}}]) is part
    assert completed(answer(), [answer(*frames(5))]) == answer(*frames(5))


def test_the_whole_takes_the_place_of_what_was_cut() -> None:
    whole = answer(*frames(1, 2))
    answers = [answer(*frames(1)), answer(*frames(1)), answer(*frames(3)), answer(*frames(1, 2, 3))]
    assert complete(answers, [True, False, True, True, True], whole)
    assert answers == [whole, answer(*frames(1)), answer(*frames(3)), answer(*frames(1, 2, 3))]
    assert not complete(answers, [True, False, True, True], whole)


@pytest.mark.parametrize("cut_first", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_a_client_that_left_early_makes_no_other_answer(tmp_path: Path, *, cut_first: bool, again: bool) -> None:
    part, whole = answer(*frames(1)), answer(*frames(1), TIMING)
    made = [(part, True), (whole, False)] if cut_first else [(whole, False), (part, True)]
    written = recorded(tmp_path, made)
    assert written == [whole["realtime"]]
    if again:
        assert recorded(tmp_path, [(part, True)]) == written


def test_a_shorter_answer_that_was_whole_is_another(tmp_path: Path) -> None:
    part, whole = answer(*frames(1)), answer(*frames(1, 2))
    assert recorded(tmp_path, [(part, False), (whole, False)]) == [part["realtime"], whole["realtime"]]


def test_among_other_answers_a_cut_one_keeps_its_turn(tmp_path: Path) -> None:
    first, part, whole, other = (answer(*frames(*told)) for told in ((9,), (1,), (1, 2), (3,)))
    written = recorded(tmp_path, [(first, False), (part, True), (other, False), (whole, True), (part, True)])
    assert written == [entry["realtime"] for entry in (first, whole, other, whole)]


TOLD = st.lists(st.integers(1, 2), max_size=3)


@given(
    st.lists(st.tuples(TOLD, st.booleans()), min_size=1, max_size=6),
    st.lists(st.tuples(TOLD, st.booleans()), max_size=3),
)
def test_every_turn_says_what_was_said_then(
    before: list[tuple[list[int], bool]], now: list[tuple[list[int], bool]]
) -> None:
    """If the client left, the replay may have more frames."""
    with tempfile.TemporaryDirectory() as folder:
        for run in (before, now):
            written = recorded(Path(folder), [(answer(*frames(*told)), is_cut) for told, is_cut in run]) if run else []
            for turn, (told, is_cut) in enumerate(run):
                replayed = [frame["msgpack"]["n"] for frame in written[min(turn, len(written) - 1)]]
                assert replayed[: len(told)] == told
                assert is_cut or len(replayed) == len(told)


def recorded(folder: Path, answers: list[tuple[dict[str, Any], bool]]) -> list[Any]:
    """The frames of each answer in the one file that a run wrote."""
    writer = Writer(str(folder), FixtureLoader([str(folder)]).load().index.fixtures)
    for at, (entry, is_cut) in enumerate(answers):
        (written,) = writer.write([Save(entry, "a", "a message", float(at), {}, is_cut=is_cut)])
        assert not isinstance(written, Exception)
    (file,) = folder.rglob("*.json")
    return [entry["realtime"] for entry in json.loads(file.read_bytes())["fixtures"]]


ONE, OTHER, THIRD = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
ULID = "01JZ0000000000000000000000"
DAY, MONTH_LATER = "2025-07-15T22:43:18Z", "2025-08-15T09:00:00Z"


def told(*values: Any, at: Any = DAY) -> Any:
    """The events of a recording made at a time, with placeholders."""
    return less_incidental({"stream": [{"at": 0.5, "json": value} for value in values], "recorded": {"at": at}})[
        "stream"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (({"request_id": ONE}, {"request_id": ONE}), ({"request_id": OTHER}, {"request_id": OTHER})),
        (({"a": ONE}, {"a": THIRD}), ({"a": OTHER}, {"a": ONE})),
        ((f"run {ONE} of {OTHER}",), (f"run {THIRD} of {ONE}",)),
        (([ULID],), ([ULID[:-1] + "1"],)),
        (({"url": "https://x.org/a.png?sig=abc"},), ({"url": "https://x.org/a.png?sig=xyz"},)),
    ],
)
def test_ids_count_by_where_they_stand(one: Any, other: Any) -> None:
    assert one != other
    assert told(*one) == told(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (({"a": ONE}, {"a": ONE}), ({"a": ONE}, {"a": OTHER})),
        (({"a": ONE}, {"b": OTHER}), ({"a": ONE}, {"b": ONE})),
        (({"a": ONE},), ({"a": "id-1"},)),
        (({"a": ONE},), ({"b": ONE},)),
        (({"a": ONE, "n": 1},), ({"a": ONE, "n": 2},)),
        ((True,), (False,)),
        ((10**400,), (10**401,)),
    ],
)
def test_whatever_else_differs_counts(one: Any, other: Any) -> None:
    assert told(*one) != told(*other)


@pytest.mark.parametrize(
    ("then", "later"),
    [
        ("2025-07-15T22:43:19.123456Z", "2025-08-15T09:00:01Z"),
        ("2025-07-16T08:43:19", "2025-08-15 09:00:01"),
        ("20250715T224319Z", "20250815T090001Z"),
        ("at 1752619399", "at 1755248401"),
        (1_752_619_399, 1_755_248_401.5),
        (1_752_619_399_000, 1_755_248_401_000),
    ],
)
def test_times_of_the_run_do_not_count(then: Any, later: Any) -> None:
    assert told({"created": then}) == told({"created": later}, at=MONTH_LATER)
    assert told({"created": then}) != told({"created": then}, at=MONTH_LATER), "of another day it is something told"
    for unknown in (None, "today", [], 1e400):
        assert told({"created": then}, at=unknown) != told({"created": later}, at=unknown)


def test_a_seed_is_no_time() -> None:
    assert told({"seed": 1_600_000_000}) != told({"seed": 1_600_000_001})


def test_all_that_an_event_tells_is_looked_at_and_nothing_else() -> None:
    def entry(run: str) -> dict[str, Any]:
        events = [{"at": 1, "event": f"begin {run}", "id": run, "data": f"I am {run}"}, {"at": 2, "end": True}]
        return {"match": {"input": {"id": ONE}}, "stream": {"events": events, "billableUnits": 1}}

    named = less_incidental(entry(ONE))
    assert named == less_incidental(entry(OTHER))
    assert named["match"] == {"input": {"id": ONE}}
    assert named["stream"]["billableUnits"] == 1
    assert [event["at"] for event in named["stream"]["events"]] == [1, 2]


def test_what_is_no_stream_is_left_alone() -> None:
    answer = {"response": {"json": {"id": ONE}}, "recorded": {"at": DAY}}
    assert less_incidental(answer) is answer


IDS = st.lists(st.uuids(), min_size=4, max_size=4, unique=True)
PLACES = st.lists(st.integers(0, 3), min_size=3, max_size=4)


@given(first=IDS, second=IDS, one=PLACES, other=PLACES)
def test_only_ids_that_stand_for_each_other_one_to_one_are_the_same(
    first: list[uuid.UUID], second: list[uuid.UUID], one: list[int], other: list[int]
) -> None:
    def events(ids: list[uuid.UUID], places: list[int]) -> Any:
        return told(*({"request_id": str(ids[place])} for place in places))

    def pattern(places: list[int]) -> list[int]:
        return [places.index(place) for place in places]

    assert events(first, one) == events(second, one)
    assert (events(first, one) == events(second, other)) == (pattern(one) == pattern(other))
