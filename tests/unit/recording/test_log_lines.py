"""The log of a job from whatever polls and streams showed of it."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.log_lines import LogLines
from falmock.recording.log_lines import lines_of
from unit.recording.exchanges import START

BEGIN = datetime.fromtimestamp(START, UTC)


def entry(message: str, micros: int | None = None, **more: Any) -> dict[str, Any]:
    """A log entry as recorded in 2024, `micros` microseconds after START."""
    if micros is None:
        return {"message": message, **more}
    at = (BEGIN + timedelta(microseconds=micros)).replace(tzinfo=None)
    return {"timestamp": at.isoformat(timespec="microseconds"), "message": message, "labels": {}, **more}


def put_together(*windows: list[dict[str, Any]]) -> list[str]:
    """The messages of the log that these windows show, seen in this order."""
    log = LogLines()
    for number, window in enumerate(windows):
        log.add(lines_of(window, START + number, START + number + 1))
    return [line["message"] for line in log.queue(START).get("logs", [])]


def timed(messages: str) -> list[dict[str, Any]]:
    """One entry for each letter, each at its own time."""
    return [entry(letter, ord(letter) * 1000) for letter in messages]


def untimed(messages: str) -> list[dict[str, Any]]:
    return [entry(letter) for letter in messages]


@pytest.mark.parametrize(
    ("windows", "log"),
    [
        (["abc", "abcd", "abcde"], "abcde"),
        (["abc", "bcd", "cde"], "abcde"),
        (["ab", "cd"], "abcd"),
        (["ab", "", "b", "bc"], "abc"),
        (["cd", "ab", "bc"], "abcd"),
        (["cd", "abc"], "abcd"),
        (["abcd", "bc"], "abcd"),
        (["ad", "bc"], "abcd"),
        (["ac", "abcd"], "abcd"),
        (["ac", "bcd"], "abcd"),
        (["aab", "abc"], "aabc"),
        (["ab", "aab"], "aab"),
        (["b", "aab"], "aab"),
        (["a", "aa", "aa"], "aa"),
        (["aa", "aa", "a"], "aa"),
    ],
)
def test_windows_of_a_log(windows: list[str], log: str) -> None:
    assert "".join(put_together(*map(timed, windows))) == log


@pytest.mark.parametrize(
    ("windows", "log"),
    [
        (["x", "xy", "yx", "xz"], "xyxz"),
        (["ab", "ba", "ab"], "abab"),
        (["xyx", "xyxz"], "xyxz"),
        (["ab", "cd"], "abcd"),
        (["aab", "aab"], "aab"),
    ],
)
def test_windows_without_times_follow_one_another(windows: list[str], log: str) -> None:
    assert "".join(put_together(*map(untimed, windows))) == log


@st.composite
def windowed(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """A log, and windows in any order that together cover it. Equal lines are next to each other and not torn apart."""
    steps = draw(
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(1, 3)), min_size=1, max_size=9)
    )
    groups: list[list[dict[str, Any]]] = []
    known: set[tuple[int, str]] = set()
    micros = 0
    for step, message, times in steps:
        micros += step
        if (micros, message) not in known:
            known.add((micros, message))
            groups.append([entry(message, micros)] * times)
    size = len(groups)
    spans = []
    covered = 0
    while covered < size:
        start = draw(st.integers(0, covered))
        covered = draw(st.integers(covered + 1, size))
        spans.append((start, covered))
    spans += [
        tuple(sorted(pair))
        for pair in draw(st.lists(st.tuples(st.integers(0, size), st.integers(0, size)), max_size=3))
    ]
    windows = [[line for group in groups[start:stop] for line in group] for start, stop in spans]
    return [line for group in groups for line in group], windows


@given(windowed())
def test_the_log_is_the_log_whatever_each_poll_showed(drawn: Any) -> None:
    log, windows = drawn
    assert put_together(*windows) == [line["message"] for line in log]


def test_lines_of_one_moment_that_were_seen_before_do_not_come_again() -> None:
    one, two = entry("a", 0), entry("b", 0)
    assert sorted(put_together([two], [one], [one, two])) == ["a", "b"]


@given(windowed(), st.randoms())
def test_nothing_is_lost_or_doubled_in_any_order(drawn: Any, random: Any) -> None:
    log, windows = drawn
    random.shuffle(windows)
    assert sorted(put_together(*windows)) == sorted(line["message"] for line in log)


def test_times_without_a_zone_are_utc_and_stay_apart_to_the_digit() -> None:
    micros = [120_314 + number * 15_171 for number in range(11)]
    log = LogLines()
    log.add(lines_of([entry(str(micro), micro) for micro in micros], START, START + 1))
    queue = log.queue(START)
    assert [line["at"] for line in queue["logs"]] == [micro / 1e6 for micro in micros]
    assert queue["logs"][0] == {"at": 0.120314, "message": "120314"}
    assert (queue["rawLogs"], "logZone" in queue) == (True, False)


@given(
    st.lists(st.integers(0, 5_000_000), min_size=1, max_size=6),
    st.floats(-7200, 7200),
    st.sampled_from([0.1, 0.5, 1, 7]),
    st.floats(1.6e9, 2e9),
)
def test_clocks_that_disagree_move_all_lines_alike(written: list[int], skew: float, every: float, start: float) -> None:
    micros = sorted(written)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    shift = round((start + skew) * 1e6)
    entries = [
        {"timestamp": (epoch + timedelta(microseconds=shift + micro)).isoformat(), "message": "x"} for micro in micros
    ]
    log, now = LogLines(), start
    while now < start + 6:
        shown = [one for one, micro in zip(entries, micros, strict=True) if start + micro / 1e6 <= now + every]
        log.add(lines_of(shown, now, now + every))
        now += every
    at = [round(line["at"] * 1e6) for line in log.queue(start)["logs"]]
    assert [later - at[0] for later in at] == [micro - micros[0] for micro in micros]
    assert all(abs(one - micro) <= every * 1e6 + 2 for one, micro in zip(at, micros, strict=True))


def test_a_time_that_makes_no_sense_moves_no_other() -> None:
    log = LogLines()
    log.add(lines_of([{"timestamp": "1970-01-01T00:00:00", "message": "odd"}, entry("one", 250_000)], START, START + 1))
    assert [line["at"] for line in log.queue(START)["logs"]] == [0.0, 0.25]


def test_a_line_that_is_shown_late_keeps_its_time() -> None:
    log = LogLines()
    log.add(lines_of([entry("two", 500_000)], START, START + 1))
    log.add(lines_of([entry("one", 250_000), entry("two", 500_000)], START + 1, START + 2))
    assert [(line["at"], line["message"]) for line in log.queue(START)["logs"]] == [(0.25, "one"), (0.5, "two")]


def test_a_line_without_a_time_does_not_come_before_the_one_above_it() -> None:
    log = LogLines()
    log.add(lines_of([entry("one", 996_000), entry("two")], START, START + 0.996))
    assert [line["at"] for line in log.queue(START)["logs"]] == [0.996, 1.0]
    log = LogLines()
    log.add(lines_of([entry("one", 994_000), entry("two")], START, START + 0.994))
    assert [line["at"] for line in log.queue(START)["logs"]] == [0.994, 0.994]


FULL = {"level": "INFO", "source": "USER"}
STAMP = "2025-07-15T22:43:18.250000"


@pytest.mark.parametrize(
    ("entries", "queue"),
    [
        ([{"timestamp": STAMP, "labels": {}}], {"rawLogs": True, "logs": [{}]}),
        ([{"timestamp": f"{STAMP}Z"}], {"rawLogs": True, "logZone": "Z", "logs": [{"labels": None}]}),
        ([{"timestamp": STAMP, "labels": {"host": "a"}}], {"rawLogs": True, "logs": [{"labels": {"host": "a"}}]}),
        (
            [{"timestamp": STAMP, "labels": {"level": "INFO"}}],
            {"rawLogs": True, "logs": [{"labels": {"level": "INFO"}}]},
        ),
        (
            [{"timestamp": STAMP, **FULL, "labels": {}}, {"timestamp": STAMP, "labels": {}}],
            {"rawLogs": True, "logs": [{**FULL}, {}]},
        ),
        ([{"timestamp": f"{STAMP}+00:00", **FULL, "labels": FULL}], {"logs": [{}]}),
        ([{"timestamp": f"{STAMP}+00:00", "labels": FULL}], {"logs": [{}]}),
        ([{"timestamp": f"{STAMP}Z", **FULL}], {"logZone": "Z", "logs": [{}]}),
        ([{"timestamp": STAMP, **FULL}], {"logZone": "", "logs": [{}]}),
        ([{"timestamp": "2025-07-16T00:43:18.250000+02:00", **FULL}], {"logs": [{}]}),
        (
            [{"timestamp": f"{STAMP}+00:00", **FULL, "labels": {**FULL, "host": "a"}}],
            {"logs": [{"labels": {"host": "a"}}]},
        ),
        (
            [{"timestamp": f"{STAMP}+00:00", "level": "WARN", "source": "RUNNER"}],
            {"logs": [{"level": "WARN", "source": "RUNNER"}]},
        ),
        ([{"timestamp": f"{STAMP}+00:00", "level": "LOUD", "source": 3}], {"logs": [{}]}),
    ],
)
def test_what_entries_have_is_kept(entries: list[Any], queue: dict[str, Any]) -> None:
    log = LogLines()
    log.add(lines_of([{"message": "one", **one} for one in entries], START, START + 1))
    lines = [{"at": 0.25, "message": "one", **line} for line in queue["logs"]]
    assert log.queue(START) == {**queue, "logs": lines}


def test_no_log() -> None:
    assert LogLines().queue(START) == {}
    assert lines_of(["text", {"message": 1}, None], START, START) == lines_of({"0": 1}, START, START) == []
