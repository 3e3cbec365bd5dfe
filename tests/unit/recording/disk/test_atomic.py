from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from falmock.recording.disk import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    atomic.write_whole(path, b"one")
    atomic.write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a/b/c.json"]


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    atomic.write_whole(path, b"old")
    real = os.write
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def half(handle: int, data: memoryview, error: BaseException = error) -> int:
            real(handle, data[: len(data) // 2])
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(type(error)):
                atomic.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


def test_a_system_may_take_the_content_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:2]))
    atomic.write_whole(tmp_path / "a.json", b"content")
    assert (tmp_path / "a.json").read_bytes() == b"content"


def test_what_cannot_be_synced_or_renamed_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    for owner, name in ((os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            with pytest.raises(OSError, match="Input/output"):
                atomic.write_whole(path, b"new")
        assert names(tmp_path) == []


def test_the_content_is_on_disk_before_it_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    seen: list[tuple[bytes, bool]] = []
    real = os.fsync

    def synced(handle: int) -> None:
        (written,) = tmp_path.iterdir()
        seen.append((written.read_bytes(), path.exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", synced)
    atomic.write_whole(path, b"new")
    assert seen == [(b"new", False), (b"new", True)], "and then the name, in its folder"


def test_a_temporary_file_is_adopted(tmp_path: Path) -> None:
    part = atomic.temporary(tmp_path)
    part.write_bytes(b"content")
    atomic.adopt(part, tmp_path / "_assets" / "a.png")
    assert names(tmp_path) == ["_assets/a.png"]


def test_a_folder_is_tried_before_it_is_needed(tmp_path: Path) -> None:
    atomic.check_writable(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(atomic.NotWritable, match=r"recordings cannot be written to .*/file/below: Not a directory"):
        atomic.check_writable(tmp_path / "file" / "below")

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", read_only)
    with pytest.raises(atomic.NotWritable, match=f"{tmp_path}: Read-only file system"):
        atomic.check_writable(tmp_path)


def test_what_dead_processes_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    left = [tmp_path / "a" / f"{atomic.PREFIX}0123456789ab-1.tmp", tmp_path / f"{atomic.PREFIX}{os.getpid()}-1.tmp"]
    mine, living = atomic.temporary(tmp_path), tmp_path / f"{atomic.PREFIX}alive-1.tmp"
    others = [tmp_path / "a.tmp", tmp_path / f"{atomic.PREFIX}0123456789ab-1.json"]
    for path in (*left, mine, living, *others):
        path.write_bytes(b"")
    assert atomic.remove_leftovers(tmp_path, {"alive"}) == 2
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in (mine, living, *others))
    atomic.remove_own(tmp_path)
    assert not mine.exists()
    assert living.exists()


def test_a_forked_process_has_another_name() -> None:
    reader, writer = os.pipe()
    mine = atomic.owner()
    child = os.fork()
    if not child:
        try:
            os.write(writer, atomic.owner().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        forked = told.read()
    os.waitpid(child, 0)
    assert forked
    assert len({mine, atomic.owner(), forked}) == 2


def test_either_all_files_are_written_or_none_if_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, gone = (tmp_path / name for name in ("one", "two", "gone"))
    atomic.write_all({one: b"old", gone: b"old"})
    real = os.write

    def full(handle: int, data: memoryview) -> int:
        if bytes(data) == b"too much":
            raise OSError(28, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_all({one: b"new", gone: None, two: b"too much"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"old", "gone": b"old"}
    atomic.write_all({one: b"new", gone: None, two: b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"new", "two": b"new"}


def test_many_files_need_few_open_ones(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = {tmp_path / str(number): b"%d" % number for number in range(200)}
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(100, limits[0]), limits[1]))
    try:
        atomic.write_all(files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
