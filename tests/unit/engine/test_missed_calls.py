from __future__ import annotations

from falmock.engine.journal import JournalEntry
from falmock.engine.missed_calls import MissedCalls
from falmock.fixtures.matching.miss import Miss


def entry(at: float) -> JournalEntry:
    return JournalEntry(at, "POST", "fal.run", "/a/b", 404, None, "", "text")


def test_equal_calls_are_one_and_the_latest_comes_first() -> None:
    missed = MissedCalls()
    for number, key in enumerate("abcab", 1):
        missed.add(Miss(f"POST {key} \ud800", f"text {number}", ()), number, entry(number))
    found = [(each.miss.text, each.last.at, each.count, list(each.numbers)) for _, each in missed]
    assert found == [("text 5", 5, 2, [2, 5]), ("text 4", 4, 2, [1, 4]), ("text 3", 3, 1, [3])]
    assert len({key for key, _ in missed}) == len(missed) == 3


def test_they_are_bounded() -> None:
    missed = MissedCalls(limit=2)
    for number, key in enumerate("abac" + "c" * 30, 1):
        missed.add(Miss(key, key, ()), number, entry(number))
    assert [(each.miss.text, each.count, len(each.numbers)) for _, each in missed] == [("c", 31, 20), ("a", 2, 2)]
