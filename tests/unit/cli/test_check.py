"""`falmock check`: what it finds, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import main as main_
from falmock.fixtures.disk import overlooked_secrets

KEY = "01234567-89ab-cdef-0123-456789abcdef:0123456789abcdef0123456789abcdef"
DEAD = "https://v3b.fal.media/files/b/0a8c1d2e/zWk3nQ5rT7yU9iO1pA_S_out.png"
FINE = {"match": {"model": "a/b"}, "response": {"json": {"image": {"url": {"$file": "cat.png"}}}}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of somebody's fixtures, which are fine."""
    monkeypatch.chdir(tmp_path)
    fixtures = tmp_path / "fixtures"
    (fixtures / "_assets").mkdir(parents=True)
    (fixtures / "_assets" / "cat.png").write_bytes(b"\x89PNG\0")
    has(fixtures / "fine.json", FINE)
    return fixtures


def has(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"fixtures": entries}, indent=1))
    return path


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main_.main(["check", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys) == (0, ["falmock: no problems (1 fixture, 2 files)"])
    assert check(capsys, "fixtures/fine.json", "--strict") == (0, ["falmock: no problems (1 fixture, 1 file)"])


def test_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has(folder / "bad.json", {"match": {"modle": "a/b"}, "response": {"json": {"key": KEY}}})
    has(folder / "lacks.json", {"match": {}, "response": {"json": {"url": {"$file": "dog.png"}}}})
    (folder / "_assets" / "unnamed.png").write_bytes(b"")
    code, lines = check(capsys)
    assert code == 1
    bad, lacks, secret, note, summary = lines
    assert bad.startswith("./fixtures/bad.json: $.fixtures[0].match.modle: error: ")
    assert "did you mean 'model'" in bad
    assert lacks.startswith(
        "./fixtures/lacks.json: $.fixtures[0].response.json.url: error: expected the asset 'dog.png' in "
    )
    assert secret == ("./fixtures/bad.json: line 9: error: fal key: take it out, and if it is real, treat it as stolen")
    assert note == "note: dead URLs, unnamed assets and unused fixtures are looked for when everything loads"
    assert summary == "falmock: 3 errors, 0 warnings (0 fixtures, 5 files)"
    assert KEY[-12:] not in str(lines)


def test_a_secret_in_what_does_not_load_is_hidden(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has(folder / "bad.json", {"match": {"model": f"Key {KEY}"}, "response": {"status": f"Key {KEY}", "json": 1}})
    code, lines = check(capsys)
    assert code == 1
    assert KEY[-12:] not in str(lines)


def test_warnings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has(
        folder / "doubtful.json",
        {"match": {"model": "a/c"}, "response": {"json": {"image": {"url": DEAD}}}},
        {"match": {"method": "GET", "host": "fal.rum", "path": "/x"}, "response": {"json": 1}},
    )
    (folder / "_assets" / "dog.png").write_bytes(b"")
    (folder.parent / ".falmock").mkdir()
    (folder.parent / ".falmock" / "last.json").write_text(json.dumps({"unused": ["./fixtures/fine.json#0"]}))
    code, lines = check(capsys)
    assert code == 0
    host, dead, asset, unused, summary = lines
    assert host.startswith(
        "./fixtures/doubtful.json: $.fixtures[1].match.host: warning: no call to fal.rum reaches falmock"
    )
    assert dead.startswith(f"./fixtures/doubtful.json: $.fixtures[0]: warning: {DEAD} is a file on fal's CDN")
    assert asset.startswith("./fixtures/_assets/dog.png: warning: no fixture names this asset: delete it, or ")
    assert unused.startswith("./fixtures/fine.json: $.fixtures[0]: warning: the last run did not use this fixture (")
    assert summary == "falmock: 0 errors, 4 warnings (3 fixtures, 4 files)"
    assert check(capsys, "--strict")[0] == 1
    code, lines = check(capsys, "fixtures", "--hosts", "fal.rum=rest", "--report", ".falmock/last.json")
    assert (code, lines[-1]) == (0, "falmock: 0 errors, 3 warnings (3 fixtures, 4 files)")


def test_more_of_one_kind_than_a_log_would_have(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has(folder / "many.json", *[{"match": {"model": f"a/c{n}"}, "response": {"json": DEAD}} for n in range(30)])
    assert len(check(capsys)[1]) == 31


def test_notes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has(folder / "aimock.json", {"match": {"endpoint": "chat"}, "response": {"content": "hi"}})
    code, lines = check(capsys, "--strict")
    assert (code, lines[0]) == (0, "note: 1 fixtures for other providers than fal are ignored")


def test_more_options(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.parent / "faults.json").write_text("{}")
    code, lines = check(capsys, "--faults", "faults.json", "--redact", "/cat.png/", "--format", "json")
    document = json.loads("\n".join(lines))
    assert code == 1
    assert [found["file"] for found in document["findings"]][:2] == ["faults.json", "./fixtures/fine.json"]
    code, lines = check(capsys, "--redact", "/cat.png/", "--format", "github")
    assert lines[0].startswith("::error file=fixtures/fine.json,line=")


def test_what_cannot_be_read_is_told_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: str) -> str:
        raise PermissionError(13, "Permission denied", file)

    monkeypatch.setattr(overlooked_secrets, "text_of", refuse)
    has(folder / "bad.json", {"match": {}})
    code, lines = check(capsys)
    assert code == 1
    assert [line for line in lines if "bad.json" in line and "cannot be read" in line] == []
    assert "./fixtures/fine.json: error: cannot be read: Permission denied" in lines


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["gone"], "falmock: gone: expected a folder or file of fixtures, found nothing"),
        (["--hosts", "a b"], "falmock: --hosts: "),
        (["--report", "gone.json"], "falmock: --report gone.json: cannot be read: No such file or directory"),
        (
            ["--report", "fixtures/fine.json"],
            "falmock: fixtures/fine.json: expected the report of `falmock run`, found",
        ),
    ],
)
def test_bad_usage(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["check", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_colors_are_for_terminals_whose_user_wants_them(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "_assets" / "dog.png").write_bytes(b"")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[33mwarning\x1b[0m" in check(capsys)[1][0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in check(capsys)[1][0]
