"""What `falmock check` found, and how it is shown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import falmock
from falmock.cli import github
from falmock.fixtures.model import Problem
from falmock.serving.call_lines import styled

FORMATS = ("text", "json", "github")


class Level(StrEnum):
    """How bad a finding is: an error fails the check, a warning does with `--strict`, a note never."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: ""}


class Finding(NamedTuple):
    """One finding: its level, its kind, and where and what it is; `line` is its line in the file, 0 if it is not known."""

    level: Level
    kind: str
    problem: Problem
    line: int = 0


class Checked(NamedTuple):
    """The findings, and how much was looked at."""

    findings: Sequence[Finding]
    fixtures: int
    files: int

    def count(self, level: Level) -> int:
        """How many findings have this level."""
        return Counter(finding.level for finding in self.findings)[level]

    @property
    def summary(self) -> str:
        """The last line."""
        errors, warnings = self.count(Level.ERROR), self.count(Level.WARNING)
        found = f"{_many(errors, 'error')}, {_many(warnings, 'warning')}" if errors or warnings else "no problems"
        of = f"{_many(self.fixtures, 'fixture')}, {_many(self.files, 'file')}"
        return f"falmock: {found} ({of})"


def shown(checked: Checked, form: str, *, has_colors: bool = False) -> Iterator[str]:
    """The lines of a format, one of FORMATS."""
    if form == "json":
        yield json.dumps(_document(checked), indent=2, ensure_ascii=False)
        return
    lines = _annotations(checked.findings) if form == "github" else _lines(checked.findings, has_colors=has_colors)
    yield from lines
    yield checked.summary


def _lines(findings: Iterable[Finding], *, has_colors: bool) -> Iterator[str]:
    for finding in findings:
        level, (file, path, text) = finding.level, finding.problem
        place = f"line {finding.line}" if finding.line else path
        name = styled(level, _COLORS[level]) if has_colors else level
        yield _one_line(": ".join(part for part in (file, place, name, text) if part))


def _annotations(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        file, path, text = finding.problem
        yield github.annotation(
            "notice" if finding.level is Level.NOTE else finding.level,
            f"{path}: {text}" if path else text,
            file=github.file_of(file),
            line=str(finding.line or ""),
            title=f"falmock: {finding.kind}",
        )


def _document(checked: Checked) -> dict[str, object]:
    return {
        "falmock": falmock.__version__,
        "errors": checked.count(Level.ERROR),
        "warnings": checked.count(Level.WARNING),
        "fixtures": checked.fixtures,
        "files": checked.files,
        "findings": [
            {"level": finding.level, "kind": finding.kind, **finding.problem._asdict(), "line": finding.line or None}
            for finding in checked.findings
        ],
    }


def _one_line(text: str) -> str:
    """A file's name may have a line end."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
