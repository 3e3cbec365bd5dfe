"""What is told at the end of a run: a line, the misses, a file of JSON, and annotations for GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from falmock.cli import github
from falmock.cli.launch import exit_codes
from falmock.engine.totals import Totals
from falmock.proxy import run_summary

_SHOWN = 3
"""How many misses are shown."""


def as_json(
    control: Mapping[str, Any], command: Sequence[str], code: int, seconds: float, scope: str
) -> dict[str, Any]:
    """The report for a file, from that of the control API; `code` is the program's exit code."""
    counts = ("calls", "replayed", "synthesized", "misses", "forwarded", "without_fixture", "fixtures")
    return {
        "falmock": control["version"],
        "mode": control["mode"],
        "command": list(command),
        "exit_code": code,
        "seconds": round(seconds, 3),
        "scope": scope,
        **{name: control[name] for name in counts},
        "missed": control["missed"],
        "unused": control["unused"],
    }


def exit_code(report: Mapping[str, Any], *, allows_misses: bool, is_strict: bool) -> int:
    """The exit code of the run: the program's, or what falmock makes of one that passed."""
    if report["exit_code"] or report["mode"] not in _ANSWERING:
        return int(report["exit_code"])
    if report["misses"] and not allows_misses:
        return exit_codes.MISSED
    return exit_codes.UNUSED if report["unused"] and is_strict else 0


_ANSWERING = ("replay", "auto")


def lines(report: Mapping[str, Any], file: str, *, is_strict: bool) -> Iterator[str]:
    """What people read: one line, and then what was missed, and if it matters what was not used. `file` has the whole report."""
    counted = ("replayed", "synthesized", "misses", "forwarded", "without_fixture")
    totals = Totals(**{name: report[name] for name in counted})
    yield (
        f"{run_summary.counts(totals, answers=report['mode'] in _ANSWERING)}; "
        + ("" if report["forwarded"] else "nothing was sent to fal; ")
        + f"report: {file}"
    )
    if not totals.calls:
        yield "no call to fal came here. If the program made one, falmock doctor -- COMMAND finds out where it went"
    for missed in report["missed"][:_SHOWN]:
        times = f"{missed['count']} calls: " if missed["count"] > 1 else ""
        yield times + missed["text"].removeprefix("falmock: ").replace("\n", "\n    ")
    if len(report["missed"]) > _SHOWN:
        yield f"{len(report['missed']) - _SHOWN} more misses are in the report"
    unused = report["unused"]
    if is_strict and unused:
        yield run_summary.never_used(unused, report["fixtures"])


def github_commands(report: Mapping[str, Any]) -> Iterator[str]:
    """The workflow commands that make GitHub show each miss as an error."""
    for missed in report["missed"]:
        title = f"falmock: no fixture answers a call to {missed['endpoint'] or 'fal'}"
        yield github.annotation("error", missed["text"], title=title)


def summary(report: Mapping[str, Any]) -> str:
    """The run in Markdown, for the page of a job at GitHub."""
    rows = [
        ("calls", report["calls"]),
        ("replayed", report["replayed"]),
        ("synthesized", report["synthesized"]),
        ("misses", report["misses"]),
        ("forwarded to fal", report["forwarded"]),
        ("answered without a fixture", report["without_fixture"]),
        ("fixtures never used", f"{len(report['unused'])} of {report['fixtures']}"),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows)
    blocks = "".join(f"\n{_block(missed['text'])}\n" for missed in report["missed"])
    return f"### falmock\n\n| | |\n|---|---|\n{table}{blocks}"


def _block(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
