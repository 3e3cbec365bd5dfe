"""What people read."""

from __future__ import annotations

from typing import Any
from typing import cast

from pytest_falmock import report
from pytest_falmock.report import Report
from pytest_falmock.types import Call


def call(number: int, **more: Any) -> Call:
    usual = {"call": "run", "endpoint": "a/b", "path": "/a/b", "status": 200, "forwarded": False, "fixture": "f.json#0"}
    other = {"why": "matched", "miss": None, "warning": None, "fault": None}
    return cast("Call", {"number": number, **usual, **other, **more})


MISSES = [call(each, miss=text, status=404, fixture=None) for each, text in enumerate(("one", "one", "two"), 1)]


def told(**more: Any) -> Report:
    counts = dict.fromkeys(
        ("calls", "replayed", "synthesized", "misses", "forwarded", "without_fixture", "fixtures"), 0
    )
    return cast("Report", {"version": "1", "mode": "replay", **counts, "missed": [], "unused": [], **more})


def test_why_a_test_fails() -> None:
    assert report.missed(MISSES) == (
        "falmock: no fixture answered 3 calls of this test\n\none\n\ntwo\n\n"
        "If the test expects that: @pytest.mark.falmock(allow_misses=True)"
    )


def test_the_journal() -> None:
    calls = [
        call(1),
        call(2, endpoint="", fixture=None, why="a file", status=204),
        call(3, forwarded=True, status=None, fixture=None, why="record"),
        call(4, fault="reset", warning="slow"),
        *MISSES[:1],
    ]
    lines = [
        "   1 run a/b -> 200 f.json#0",
        "   2 run /a/b -> 204 a file",
        "   3 run a/b -> fal record",
        "   4 run a/b -> 200 f.json#0 fault reset warning: slow",
        "   1 run a/b -> 404 MISS",
    ]
    assert report.journal(calls, has_reports=False).splitlines() == lines
    assert report.journal(calls).splitlines() == [*lines, "", "one"]


def test_a_journal_that_is_long_or_empty() -> None:
    lines = report.journal([call(number) for number in range(1, 151)]).splitlines()
    assert (lines[0], lines[1][:5], len(lines)) == ("... 50 calls before", "  51 ", 101)
    assert "no call reached falmock in this test" in report.journal([])


def test_the_session() -> None:
    whole = report.joined(
        [told(calls=3, replayed=2, misses=1, missed=["x"]), told(calls=2, forwarded=2, unused=["f#0"])]
    )
    assert (whole["calls"], whole["missed"], whole["unused"], whole["version"]) == (5, ["x"], ["f#0"], "1")
    assert report.summary(whole, 1, "file") == (
        "falmock: 5 calls of 1 test, 2 replayed, 1 missed, 2 forwarded to fal; report: file"
    )
    made = report.summary(told(calls=3, replayed=1, synthesized=2), 1, "file")
    assert made == "falmock: 3 calls of 1 test, 1 replayed, 2 synthesized, 0 missed; report: file"
    assert report.summary(told(), 2, "file") == "falmock: 0 calls of 2 tests, 0 replayed, 0 missed; report: file"
    written = report.as_json(whole, ["pytest", "-x"], 1, 1.23456)
    assert (written["falmock"], written["command"], written["exit_code"], written["seconds"]) == (
        "1",
        ["pytest", "-x"],
        1,
        1.235,
    )
    assert written["misses"] == 1


def test_no_secret_of_the_command_line_is_written() -> None:
    words = [
        "pytest",
        "--api-key=hunter2",
        "--token",
        "hunter2",
        "-k",
        "a or b",
        "A_SECRET=hunter2",
        "--password",
        "-x",
    ]
    written = report.as_json(report.joined([told()]), words, 0, 1)
    assert written["command"] == [
        *(
            "pytest",
            "--api-key=[hidden]",
            "--token",
            "[hidden]",
            "-k",
            "a or b",
            "A_SECRET=[hidden]",
            "--password",
            "-x",
        )
    ]
