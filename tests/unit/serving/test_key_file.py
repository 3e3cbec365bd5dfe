from __future__ import annotations

import stat
from pathlib import Path

import pytest

from falmock.serving.key_file import SECRET
from falmock.serving.key_file import make_once


@pytest.mark.parametrize("mode", [SECRET, 0o644])
def test_the_first_one_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    assert make_once(path, b"one", mode)
    assert not make_once(path, b"two")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"one", mode)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert make_once(tmp_path / "key", b"one")
    assert (tmp_path / "key").read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_once(tmp_path / "none" / "key", b"one")
