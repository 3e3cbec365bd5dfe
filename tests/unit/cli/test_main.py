"""The command line of `falmock`."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

import falmock
from falmock.cli import broken_pipe
from falmock.cli import main as main_
from falmock.cli import serve

ROOT = Path(__file__).resolve().parents[3]


def test_the_script_is_declared() -> None:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]["falmock"]
    module, _, name = script.partition(":")
    assert getattr(import_module(module), name) is main_.main


@pytest.mark.parametrize(
    "arguments", [[], ["serve", "--pac", "x"], ["serve", "--port", "65536"], ["serve", "--port", "-1"], ["serve", "x"]]
)
def test_what_is_not_known_ends_it(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(arguments)
    assert end.value.code == 2
    assert "usage: falmock" in capsys.readouterr().err


def test_a_command_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["chek"])
    assert end.value.code == 2
    assert "there is no command 'chek', did you mean 'check'? (falmock --help lists all)" in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in (
        (["--version"], f"falmock {falmock.__version__}\n"),
        (["--help"], "serve"),
        (["serve", "--help"], "falmock serve --fixtures ./fixtures --pace 3s"),
    ):
        with pytest.raises(SystemExit) as end:
            main_.main(arguments)
        assert end.value.code == 0
        assert text in capsys.readouterr().out


@pytest.mark.parametrize("command", main_.COMMANDS)
def test_each_command_has_help_with_an_example_and_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main([command, "--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert f"usage: falmock {command} " in told
    assert re.search(rf"^examples?:\n(  .*\n)*  .*falmock {command}\b", told, re.MULTILINE)
    assert re.search(r"^exit codes: (.*\n)*.*\b2 bad arguments", told, re.MULTILINE)


@pytest.mark.parametrize("command", main_.COMMANDS)
def test_ctrl_c_ends_a_command_without_a_traceback(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Sequence[str]) -> int:
        raise KeyboardInterrupt

    module = import_module(f"falmock.cli.{main_.COMMANDS[command][0]}")
    monkeypatch.setattr(module, "main", interrupted)
    assert main_.main([command]) == main_.INTERRUPTED


@pytest.mark.parametrize("arguments", [["addon"], ["--help"], ["addon", "--help"]])
def test_nobody_reads_the_output(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main_.main(arguments) == broken_pipe.EXIT_CODE


def test_a_command_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "main", len)
    assert main_.main(["serve", "--port", "7"]) == 2
