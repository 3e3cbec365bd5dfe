"""Files of keys, and who may read them."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from falmock.serving.key_file import SECRET
from falmock.serving.key_file import make_once
from falmock.serving.key_file import mode_of
from falmock.serving.key_file import protect


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


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o777])
def test_rights_of_others_are_taken_away_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"")
    path.chmod(mode)
    protect(path, "the key", "Make a new one")
    assert mode_of(path) == SECRET
    assert caplog.messages == [
        f"falmock: the key, {path}, had mode {mode:04o}: others could use it. It is 0600 now. Make a new one"
    ]
    protect(path, "the key", "Make a new one")
    assert len(caplog.messages) == 1


def test_rights_that_cannot_be_changed_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    protect(tmp_path, "the folder", "Look into it", 0o700)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    protect(tmp_path, "the folder", "Look into it", 0o700)
    kept, refused = caplog.messages
    assert kept.endswith("This disk keeps no rights: move it to another one. Look into it")
    assert refused.endswith("It cannot be changed (Operation not permitted): set it to 0700")


def test_what_has_no_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mode_of(tmp_path / "none") == 0
    tmp_path.chmod(0o755)
    assert mode_of(tmp_path) == 0o755
    monkeypatch.setattr(sys, "platform", "win32")
    assert mode_of(tmp_path) == 0
