from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
