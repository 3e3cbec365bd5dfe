from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.totals import Totals
from falmock.proxy import run_summary
from unit.engine.calls import index_of

DAY = 86_400.0
NOW = 1772618400.0 + 100 * DAY
OLD, NEW = "2026-03-04T10:00:00Z", "2026-06-12T10:00:00Z"
"""100 days before NOW, and NOW."""


def fixtures(*times: str | None) -> Any:
    entries = [
        {"match": {"model": "a/b"}, "response": {"json": 1}, **({"recorded": {"at": at}} if at else {})} for at in times
    ]
    return index_of(*entries).fixtures


def lines(totals: Totals, *times: str | None, mode: Mode = Mode.REPLAY, started: float = NOW) -> list[str]:
    return run_summary.lines(Config(mode=mode), totals, fixtures(*times), started, NOW)


def test_without_calls_nothing_is_told() -> None:
    assert lines(Totals(), OLD, None) == []


@pytest.mark.parametrize(
    ("totals", "line"),
    [
        (Totals(1), "1 call: 1 replayed, 0 misses"),
        (Totals(0, 1), "1 call: 0 replayed, 1 miss"),
        (Totals(1, synthesized=2), "3 calls: 1 replayed, 2 synthesized, 0 misses"),
        (Totals(3, 2, 1, 4), "10 calls: 3 replayed, 2 misses, 1 forwarded to fal, 4 answered without a fixture"),
    ],
)
def test_the_counts_add_up(totals: Totals, line: str) -> None:
    assert lines(totals) == [line]


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.PASSTHROUGH])
def test_where_nothing_is_replayed_only_the_calls_are_told(mode: Mode) -> None:
    assert lines(Totals(forwarded=2), OLD, None, mode=mode) == ["2 calls: 2 forwarded to fal"]


def test_what_was_never_used_is_named_up_to_a_few() -> None:
    used = Totals(2, used={"test.json#0", "test.json#4"})
    assert lines(used, *[None] * 5)[1:] == [
        "3 of 5 fixtures were never used: test.json#1, test.json#2, test.json#3",
    ]
    assert lines(Totals(1, used={"test.json#0"}), *[None] * 6)[1].endswith("test.json#3 and 2 more")
    assert lines(used, None)[1:] == []


def test_the_age_of_the_oldest_recording() -> None:
    used = Totals(1, used={"test.json#0", "test.json#1"})
    assert lines(used, NEW, OLD)[1:] == ["the oldest recording is 100 days old: test.json#1"]


def test_what_this_run_recorded_is_not_unused() -> None:
    assert lines(Totals(forwarded=1), NEW, mode=Mode.AUTO, started=NOW - 5)[1:] == [
        "the oldest recording is 0 hours old: test.json#0"
    ]


@pytest.mark.parametrize(
    ("max_age", "mode", "told"),
    [
        (
            99 * DAY,
            Mode.REPLAY,
            "2 recordings are older than fal_max_age=99d; the oldest is 100 days old: test.json#1. ",
        ),
        (99 * DAY, Mode.AUTO, "2 recordings are older"),
        (101 * DAY, Mode.REPLAY, ""),
        (None, Mode.REPLAY, ""),
        (99 * DAY, Mode.RECORD, ""),
    ],
)
def test_recordings_that_are_too_old(max_age: float | None, mode: Mode, told: str) -> None:
    config = Config(mode=mode, max_age=max_age, max_age_text="99d")
    text = run_summary.too_old(config, fixtures(NEW, OLD, None, OLD), NOW)
    assert text.startswith(told)
    assert bool(text) == bool(told)
    assert run_summary.too_old(config, fixtures(None), NOW) == ""
