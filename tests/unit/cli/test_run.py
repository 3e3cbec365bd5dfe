"""The arguments of `falmock run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.cli import main as main_
from falmock.cli import run as run_
from falmock.cli.launch import session
from falmock.cli.launch.server import Server
from falmock.cli.launch.session import Asked


@pytest.mark.parametrize(
    ("words", "options", "command"),
    [
        (["--", "npm", "test"], [], ["npm", "test"]),
        (["--keep", "--", "npm", "test", "--", "-x"], ["--keep"], ["npm", "test", "--", "-x"]),
        (["npm", "test", "--watch"], [], ["npm", "test", "--watch"]),
        (["--keep", "npm", "test"], ["--keep", "npm", "test"], []),
        (["--help"], ["--help"], []),
        ([], [], []),
        (["--"], [], []),
        (["--keep", "--"], ["--keep"], []),
    ],
)
def test_options_and_command(words: list[str], options: list[str], command: list[str]) -> None:
    assert run_.split(words) == (options, command)


class Started:
    """What was asked of the server and of the run."""

    def __init__(self) -> None:
        self.servers: list[list[str]] = []
        self.asked: list[Asked] = []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    done = Started()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAL_KEY", "a:b")
    monkeypatch.setattr(Server, "start", lambda self: done.servers.append(list(self._arguments)))
    monkeypatch.setattr(session, "run", lambda asked, server: done.asked.append(asked) or (5 if server else 6))
    return done


def test_what_it_asks_for(started: Started) -> None:
    words = ["run", "--strict", "--pace", "3s", "--scope", "mine", "--allow-misses", "--", "npm", "test"]
    assert main_.main(words) == 5
    (asked,) = started.asked
    assert (asked.command, asked.arguments) == (["npm", "test"], ["--port", "0", "--pace", "3s"])
    assert (asked.scope, asked.forwarding, asked.allows_misses, asked.is_strict) == ("mine", "", True, True)
    assert started.servers == [asked.arguments]


@pytest.mark.parametrize("mode", ["record", "auto"])
def test_its_flags_for_modes(started: Started, mode: str) -> None:
    main_.main(["run", f"--{mode}", "--", "npm"])
    assert started.servers == [["--port", "0", "--mode", mode]]
    assert started.asked[0].forwarding == mode


def test_the_inspector_is_asked_for(started: Started) -> None:
    main_.main(["run", "--inspect", "--", "npm"])
    main_.main(["run", "--", "npm"])
    assert [asked.inspects for asked in started.asked] == [True, False]


def test_a_kept_server_is_not_started_here(started: Started) -> None:
    assert main_.main(["run", "--keep", "--", "npm"]) == 6
    assert started.servers == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "there is no COMMAND"),
        (["--pace", "3s"], "there is no COMMAND"),
        (["--record", "--auto", "--", "x"], "not allowed with"),
        (["--keep", "--record", "--", "x"], "--keep is for replay"),
        (["--transparent", "--inspect", "--", "x"], "--transparent and --inspect exclude each other"),
        (["--scope"], "expected one argument"),
        (
            ["--workers", "2", "--", "x"],
            "falmock run has one worker: the report of a run counts the calls of one process",
        ),
        (["--pace", "3s", "--workers=1", "--workers=16", "--", "x"], "For several, start falmock serve --workers N"),
    ],
)
def test_bad_arguments(started: Started, words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["run", *words])
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert started.servers == []


@pytest.mark.parametrize("words", [["--workers", "1"], ["--workers=many"], ["--workers=2", "--workers=1"]])
def test_other_numbers_of_workers_are_for_the_server(started: Started, words: list[str]) -> None:
    assert main_.main(["run", *words, "--", "npm"]) == 5
    assert started.servers == [["--port", "0", *words]]


def test_recording_without_a_key(
    started: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FAL_KEY", "FAL_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    assert main_.main(["run", "--record", "--", "npm"]) == 2
    assert "FAL_KEY is not set" in capsys.readouterr().err
    assert started.servers == []


def test_a_folder_that_cannot_be_made(started: Started, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".falmock").write_text("")
    assert main_.main(["run", "--", "npm"]) == 96
    assert "it cannot start: " in capsys.readouterr().err
    assert started.servers == []


def test_help_lists_the_options_of_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["run", "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    for text in ("--keep", "--pace", "falmock run -- python app.py", "97"):
        assert text in out
