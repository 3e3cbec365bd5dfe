"""What is told at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.cli.launch import report

MISS = {
    "endpoint": "fal-ai/flux/dev",
    "scope": "",
    "text": "falmock: no fixture answers this call to fal-ai/flux/dev.\nAsked: POST 100%, {}",
    "count": 1,
}


def told(code: int = 0, **more: Any) -> dict[str, Any]:
    control = {
        "version": "1.2.3",
        "mode": "replay",
        "calls": 1,
        "replayed": 1,
        "synthesized": 0,
        "misses": 0,
        "forwarded": 0,
        "without_fixture": 0,
        "fixtures": 1,
        "missed": [],
        "unused": [],
        **more,
    }
    return report.as_json(control, ["npm", "test"], code, 1.23456, "s")


MISSED = {"calls": 2, "misses": 1, "missed": [MISS]}


def test_the_file() -> None:
    whole = told(3, unused=["a.json#0"])
    assert (whole["falmock"], whole["command"], whole["exit_code"], whole["seconds"], whole["scope"]) == (
        "1.2.3",
        ["npm", "test"],
        3,
        1.235,
        "s",
    )
    assert (whole["calls"], whole["unused"], whole["missed"]) == (1, ["a.json#0"], [])


@pytest.mark.parametrize(
    ("whole", "allows", "strict", "code"),
    [
        (told(), False, True, 0),
        (told(7), False, False, 7),
        (told(7, **MISSED), False, True, 7),
        (told(**MISSED), False, False, 97),
        (told(**MISSED), True, False, 0),
        (told(unused=["a.json#0"]), False, False, 0),
        (told(unused=["a.json#0"]), False, True, 98),
        (told(unused=["a.json#0"], **MISSED), False, True, 97),
        (told(unused=["a.json#0"], **MISSED), True, True, 98),
        (told(unused=["a.json#0"], mode="auto"), False, True, 98),
        (told(unused=["a.json#0"], mode="record"), False, True, 0),
        (told(unused=["a.json#0"], mode="passthrough"), False, True, 0),
    ],
)
def test_the_exit_code(whole: dict[str, Any], allows: bool, strict: bool, code: int) -> None:  # noqa: FBT001
    assert report.exit_code(whole, allows_misses=allows, is_strict=strict) == code


def lines(strict: bool = False, **more: Any) -> list[str]:  # noqa: FBT001, FBT002
    return list(report.lines(told(**more), ".falmock/last.json", is_strict=strict))


def test_the_line() -> None:
    assert lines() == ["1 call: 1 replayed, 0 misses; nothing was sent to fal; report: .falmock/last.json"]
    assert lines(calls=6, replayed=2, misses=1, forwarded=2, without_fixture=1) == [
        "6 calls: 2 replayed, 1 miss, 2 forwarded to fal, 1 answered without a fixture; report: .falmock/last.json"
    ]


def test_no_call_at_all() -> None:
    assert "falmock doctor" in lines(calls=0, replayed=0)[1]


def test_misses_are_shown_with_their_reports() -> None:
    first = lines(**MISSED)[1]
    assert first == "no fixture answers this call to fal-ai/flux/dev.\n    Asked: POST 100%, {}"
    many = lines(misses=9, missed=[{**MISS, "count": 2}] * 5)
    assert many[1].startswith("2 calls: no fixture")
    assert many[-1] == "2 more misses are in the report"
    assert len(many) == 5


def test_what_was_not_used_matters_to_a_strict_run() -> None:
    unused = [f"{name}.json#0" for name in "abcd"]
    assert len(lines(unused=unused, fixtures=9)) == 1
    assert lines(strict=True, unused=unused, fixtures=9)[1] == (
        "4 of 9 fixtures were never used: a.json#0, b.json#0, c.json#0 and 1 more"
    )


def test_annotations_for_github() -> None:
    (line,) = report.github_commands(told(**MISSED))
    assert line == (
        "::error title=falmock%3A no fixture answers a call to fal-ai/flux/dev::"
        "falmock: no fixture answers this call to fal-ai/flux/dev.%0AAsked: POST 100%25, {}"
    )
    (line,) = report.github_commands(told(missed=[{**MISS, "endpoint": "", "text": "a\r\nb"}]))
    assert line == "::error title=falmock%3A no fixture answers a call to fal::a%0D%0Ab"


def test_the_summary_of_a_job() -> None:
    text = report.summary(told(**{**MISSED, "missed": [{**MISS, "text": "a ```` fence"}]}))
    assert "| misses | 1 |\n" in text
    assert "`````text\na ```` fence\n`````" in text
