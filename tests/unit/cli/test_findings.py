"""How findings are shown."""

from __future__ import annotations

import json

import pytest

import falmock
from falmock.cli.findings import Checked
from falmock.cli.findings import Finding
from falmock.cli.findings import Level
from falmock.cli.findings import shown
from falmock.fixtures.model import Problem

FINDINGS = (
    Finding(Level.ERROR, "does not load", Problem("a/b.json", "$.fixtures[0].match", "expected an object, found 1")),
    Finding(Level.ERROR, "secret", Problem("a/b.json", "", "fal key: take it out"), 7),
    Finding(Level.WARNING, "unnamed asset", Problem("a/\n_assets/50%.png", "", "no fixture names this asset")),
    Finding(Level.NOTE, "note", Problem("", "", "2 are ignored")),
)
CHECKED = Checked(FINDINGS, 1, 2)


def test_lines() -> None:
    assert list(shown(CHECKED, "text")) == [
        "a/b.json: $.fixtures[0].match: error: expected an object, found 1",
        "a/b.json: line 7: error: fal key: take it out",
        "a/\\n_assets/50%.png: warning: no fixture names this asset",
        "note: 2 are ignored",
        "falmock: 2 errors, 1 warning (1 fixture, 2 files)",
    ]
    colored = list(shown(CHECKED, "text", has_colors=True))
    assert colored[1] == "a/b.json: line 7: \x1b[31merror\x1b[0m: fal key: take it out"
    assert colored[2] == "a/\\n_assets/50%.png: \x1b[33mwarning\x1b[0m: no fixture names this asset"
    assert colored[3:] == list(shown(CHECKED, "text"))[3:]


def test_annotations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert list(shown(CHECKED, "github")) == [
        "::error file=a/b.json,title=falmock%3A does not load::$.fixtures[0].match: expected an object, found 1",
        "::error file=a/b.json,line=7,title=falmock%3A secret::fal key: take it out",
        "::warning file=a/%0A_assets/50%25.png,title=falmock%3A unnamed asset::no fixture names this asset",
        "::notice title=falmock%3A note::2 are ignored",
        "falmock: 2 errors, 1 warning (1 fixture, 2 files)",
    ]


def test_a_document() -> None:
    (text,) = shown(CHECKED, "json", has_colors=True)
    document = json.loads(text)
    findings = document.pop("findings")
    assert document == {"falmock": falmock.__version__, "errors": 2, "warnings": 1, "fixtures": 1, "files": 2}
    assert findings[1] == {
        "level": "error",
        "kind": "secret",
        "file": "a/b.json",
        "path": "",
        "message": "fal key: take it out",
        "line": 7,
    }
    assert (findings[0]["path"], findings[0]["line"]) == ("$.fixtures[0].match", None)


def test_nothing_found() -> None:
    assert list(shown(Checked((), 0, 1), "text")) == ["falmock: no problems (0 fixtures, 1 file)"]
