"""Which command starts falmock."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_falmock import command
from pytest_falmock.errors import FalmockError


def program(folder: Path) -> str:
    folder.mkdir()
    path = folder / "falmock"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_one_that_the_variable_names(tmp_path: Path) -> None:
    program(tmp_path / "bin")
    environ = {"FALMOCK_COMMAND": "uvx 'a falmock' --x", "PATH": str(tmp_path / "bin")}
    assert command.find(environ) == ["uvx", "a falmock", "--x"]


def test_the_one_on_path_else_the_one_beside_python(tmp_path: Path) -> None:
    on_path, beside = program(tmp_path / "bin"), program(tmp_path / "venv")
    python = str(tmp_path / "venv" / "python")
    assert command.find({"PATH": str(tmp_path / "bin")}, python) == [on_path]
    assert command.find({"PATH": str(tmp_path)}, python) == [beside]
    assert command.find({"PATH": str(tmp_path), "FALMOCK_COMMAND": " "}, python) == [beside]


def test_none(tmp_path: Path) -> None:
    with pytest.raises(FalmockError, match="neither on PATH nor beside this Python"):
        command.find({"PATH": str(tmp_path)}, str(tmp_path / "python"))
    with pytest.raises(FalmockError, match="expected a command as for a shell"):
        command.find({"FALMOCK_COMMAND": "'"})
