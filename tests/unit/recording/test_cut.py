from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.fixtures.disk.loader import Store
from falmock.recording.cut import complete
from falmock.recording.cut import completed
from falmock.recording.outcome import Save
from falmock.recording.writer import Writer
from falmock.wire.formats.frames import Close
from unit.recording.exchanges import saves
from unit.recording.test_sockets import packed
from unit.recording.test_sockets import record

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
    """And where its client left, maybe more."""
    with tempfile.TemporaryDirectory() as folder:
        for run in (before, now):
            written = recorded(Path(folder), [(answer(*frames(*told)), is_cut) for told, is_cut in run]) if run else []
            for turn, (told, is_cut) in enumerate(run):
                replayed = [frame["msgpack"]["n"] for frame in written[min(turn, len(written) - 1)]]
                assert replayed[: len(told)] == told
                assert is_cut or len(replayed) == len(told)


def recorded(folder: Path, answers: list[tuple[dict[str, Any], bool]]) -> list[Any]:
    """The frames of each answer in the one file that a run wrote."""
    writer = Writer(str(folder), Store([str(folder)]).load().index.fixtures)
    for at, (entry, is_cut) in enumerate(answers):
        writer.save(Save(entry, "a", "a message", float(at), {}, is_cut=is_cut))
    (file,) = folder.rglob("*.json")
    return [entry["realtime"] for entry in json.loads(file.read_bytes())["fixtures"]]
