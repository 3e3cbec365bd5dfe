from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.disk.runs import RecordedRun
from falmock.recording.disk.runs import fold


def entry(answer: str) -> dict[str, Any]:
    return {"match": {"model": "a/b"}, "response": {"json": answer}}


@pytest.mark.parametrize(
    ("answers", "left"), [("", ""), ("a", "a"), ("aa", "a"), ("abbb", "ab"), ("aab", "aab"), ("abab", "abab")]
)
def test_only_what_repeats_at_the_end_is_folded(answers: str, left: str) -> None:
    entries = [entry(answer) for answer in answers]
    assert fold(entries) == len(answers) - len(left)
    assert entries == [entry(answer) for answer in left]


def test_an_answer_keeps_the_urls_of_those_that_are_folded_into_it() -> None:
    entries = [{**entry("a"), "recorded": {"at": str(number), "urls": {f"u{number}": "x"}}} for number in range(3)]
    assert fold(entries) == 2
    assert entries[0]["recorded"] == {"at": "0", "urls": {"u0": "x", "u1": "x", "u2": "x"}}


def test_the_last_answer_was_asked_for_every_time_since() -> None:
    run = RecordedRun(Path("f.json"), asked=[1.0, 2.0, 3.0, 4.0], repeats=2)
    assert [run.turns(place) for place in range(2)] == [[1.0], [2.0, 3.0, 4.0]]


def test_what_stood_there_before() -> None:
    run = RecordedRun(Path("f.json"), before=[entry("a")])
    assert (run.former(0), run.former(1)) == (entry("a"), None)


def recorded(answers: str, order: Sequence[int]) -> list[dict[str, Any]]:
    """The entries of a run whose answers came in this order."""
    run = RecordedRun(Path("f.json"))
    entries: list[dict[str, Any]] = []
    for place in order:
        entries = run.insert(entries, entry(answers[place]), float(place), is_cut=False)
    assert run.asked == [float(place) for place in range(len(answers))]
    return entries


@given(
    st.text("ab", min_size=1, max_size=6).flatmap(
        lambda text: st.tuples(st.just(text), st.permutations(range(len(text))))
    )
)
def test_answers_stand_in_the_order_of_their_requests(case: tuple[str, list[int]]) -> None:
    answers, order = case
    whole = [entry(answer) for answer in answers]
    fold(whole)
    assert recorded(answers, order) == whole


def test_an_answer_is_taken_back() -> None:
    run = RecordedRun(Path("f.json"))
    entries = run.insert([], entry("a"), 1.0, is_cut=False)
    for answer, path in (("a", "f.json"), ("b", "g.json")):
        take_back = run.taking_back(run.place_of(2.0))
        run.path = Path(path)
        run.insert(list(entries), entry(answer), 2.0, is_cut=True)
        take_back()
        take_back()
        assert (run.path, run.asked, run.cut, run.repeats) == (Path("f.json"), [1.0], [False], 0)
