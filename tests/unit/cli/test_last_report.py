"""What the report of the last run says about fixtures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from falmock.cli.last_report import BadReport
from falmock.cli.last_report import LastReport
from unit.fixtures.build import fixtures


def report(folder: Path, unused: Any) -> LastReport:
    path = folder / "last.json"
    path.write_text(json.dumps({"falmock": "1", "unused": unused}))
    return LastReport(str(path))


def test_unused_fixtures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = {"match": {"model": "a/b"}, "response": {"json": 1}}
    loaded = [fixture._replace(source="fixtures/a.json") for fixture in fixtures(entry, entry, entry)]
    (tmp_path / "fixtures").mkdir()
    file = tmp_path / "fixtures" / "a.json"
    file.write_text("{}")
    found = report(tmp_path, ["./fixtures/a.json#1", "./fixtures/gone.json#0", "fixtures/a.json#7", "strange", 3])
    (problem,) = found.unused(loaded)
    assert (problem.file, problem.path) == ("fixtures/a.json", "$.fixtures[1]")
    assert "the last run did not use this fixture (" in problem.message
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))  # the place may be that of another fixture now
    assert list(found.unused(loaded)) == []
    file.unlink()
    assert len(list(found.unused(loaded))) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "found Expecting property name"),
        ("[]", "found JSON that is no object"),
        ("{}", 'found an object without "unused", a list'),
        ('{"unused": 1}', 'found an object without "unused", a list'),
        ("[" * 100_000, "found "),
        ("\xff", "found "),
    ],
)
def test_what_is_no_report(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "last.json"
    path.write_text(content, "latin-1")
    with pytest.raises(BadReport) as error:
        LastReport(str(path))
    assert str(error.value).startswith(f"{path}: expected the report of `falmock run`, {why}")


def test_no_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LastReport(str(tmp_path / "gone.json"))
