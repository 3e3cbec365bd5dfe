"""What a person reads: why a test failed, what it called, what happened in the session."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import TypedDict
from typing import cast

from pytest_falmock.types import Call

_SHOWN = 100
_HIDDEN = "[hidden]"
_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
NO_CALL = (
    "no call reached falmock in this test. A client that does not read HTTPS_PROXY and SSL_CERT_FILE, or that was made with other "
    "settings or before falmock was started, goes elsewhere: make it within the test or a fixture, or give it falmock.proxy"
)


class Report(TypedDict):
    """What falmock answered in all scopes, from its control API; several falmocks have one together."""

    version: str
    mode: str
    calls: int
    replayed: int
    synthesized: int
    misses: int
    forwarded: int
    without_fixture: int
    missed: list[Any]
    fixtures: int
    unused: list[str]


def joined(reports: Sequence[Report]) -> Report:
    """The report of several falmocks."""
    whole = cast("dict[str, Any]", dict(reports[0]))
    for other in reports[1:]:
        for name, value in other.items():
            if isinstance(value, int | list):
                whole[name] = whole[name] + value
    return cast("Report", whole)


def summary(report: Report, tests: int, file: str) -> str:
    """One line; `file` has the whole report."""
    parts = [f"{report['replayed']} replayed", f"{report['misses']} missed"]
    if report["synthesized"]:
        parts.insert(1, f"{report['synthesized']} synthesized")
    if report["forwarded"]:
        parts.append(f"{report['forwarded']} forwarded to fal")
    calls = f"{_number(report['calls'], 'call')} of {_number(tests, 'test')}"
    return f"falmock: {calls}, {', '.join(parts)}; report: {file}"


def as_json(report: Report, command: Sequence[str], code: int, seconds: float) -> dict[str, Any]:
    """The report for a file, as `falmock run` writes it; `code` is the exit code."""
    counts = (
        "calls",
        "replayed",
        "synthesized",
        "misses",
        "forwarded",
        "without_fixture",
        "fixtures",
        "missed",
        "unused",
    )
    found = cast("dict[str, Any]", report)
    return {
        "falmock": report["version"],
        "mode": report["mode"],
        "command": without_secrets(command),
        "exit_code": code,
        "seconds": round(seconds, 3),
        **{name: found[name] for name in counts},
    }


def without_secrets(words: Sequence[str]) -> list[str]:
    """The words of a command line, without the values in `API_KEY=value`, `--token=value` and `--token value`."""
    shown: list[str] = []
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        names_secret = _SECRET.search(name) is not None
        if is_value and not word.startswith("-"):
            shown.append(_HIDDEN)
        else:
            shown.append(f"{name}={_HIDDEN}" if equals and names_secret else word)
        is_value = names_secret and not equals and word.startswith("-")
    return shown


def missed(misses: Sequence[Call]) -> str:
    """Why a test fails whose calls no fixture answered."""
    lines = [f"falmock: no fixture answered {_number(len(misses), 'call')} of this test", *_reports(misses), ""]
    return "\n".join([*lines, "If the test expects that: @pytest.mark.falmock(allow_misses=True)"])


def journal(calls: Sequence[Call], *, has_reports: bool = True) -> str:
    """The calls of a test, and the reports of misses."""
    if not calls:
        return NO_CALL
    lines = [_line(call) for call in calls[-_SHOWN:]]
    if len(calls) > _SHOWN:
        lines.insert(0, f"... {_number(len(calls) - _SHOWN, 'call')} before")
    return "\n".join([*lines, *(_reports(calls) if has_reports else ())])


def _reports(calls: Iterable[Call]) -> Iterator[str]:
    """The report of each different miss."""
    for text in dict.fromkeys(call["miss"] for call in calls if call["miss"]):
        yield f"\n{text}"


def _line(call: Call) -> str:
    status = "fal" if call["forwarded"] else str(call["status"])
    by = call["fixture"] or ("MISS" if call["miss"] else call["why"])
    fault = f" fault {call['fault']}" if call["fault"] else ""
    warning = f" warning: {call['warning']}" if call["warning"] else ""
    return f"{call['number']:>4} {call['call']} {call['endpoint'] or call['path']} -> {status} {by}{fault}{warning}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
