from __future__ import annotations

from pathlib import Path

import pytest

from falmock.cli.launch import folder


def test_git_ignores_it(tmp_path: Path) -> None:
    where = folder.made(tmp_path / ".falmock")
    assert (where / ".gitignore").read_text() == "*\n"
    (where / ".gitignore").write_text("mine\n")
    folder.made(where)
    assert (where / ".gitignore").read_text() == "mine\n"


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / ".falmock").write_text("")
    with pytest.raises(OSError, match=r"\.falmock"):
        folder.made(tmp_path / ".falmock")
