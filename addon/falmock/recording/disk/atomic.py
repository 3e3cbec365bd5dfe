"""Writes files atomically: a temporary file next to the target, fsynced, then renamed to the target."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PREFIX = ".falmock-"
"""The prefix of temporary files: loading skips them, and leftovers of killed processes are found by it."""
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


class NotWritable(OSError):
    """Recordings cannot be written to a folder; the text says which and why."""


def owner() -> str:
    """The name of this process in its temporary files: random, because process ids mean nothing in another container."""
    return _name_of(os.getpid())


@cache
def _name_of(_pid: int) -> str:  # a forked process has another one
    return os.urandom(6).hex()


def temporary(folder: Path) -> Path:
    """A new name for a temporary file in a folder; it contains the name of this process."""
    return folder / f"{PREFIX}{owner()}-{os.urandom(6).hex()}.tmp"


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file. A crash at any point leaves the old file or the new one. Raises OSError."""
    write_all({path: data}, mode)


def write_all(files: Mapping[Path, bytes | None], mode: int = 0o666) -> None:
    """Write files, and remove those without content. Raises OSError; if there is no room, before any file has changed.

    A crash leaves each file old or new. Nothing is removed before everything is written.
    """
    parts: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            if data is not None:
                parts[path] = part = temporary(path.parent)
                with _closed(_created(part, mode)) as handle:
                    _write(handle, data)
        for part in parts.values():  # after all are written: the disk then takes them at once
            with _closed(os.open(part, os.O_RDWR)) as handle:
                os.fsync(handle)
        for path, part in parts.items():
            part.replace(path)
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    sync_folders({path.parent for path in parts})
    for path, data in files.items():
        if data is None:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _closed(handle: int) -> Iterator[int]:
    """Close each file before the next: a process may have few open ones (256 on macOS), and there may be many to write."""
    try:
        yield handle
    finally:
        os.close(handle)


def _created(part: Path, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(part, flags, mode)
    except FileNotFoundError:
        part.parent.mkdir(parents=True, exist_ok=True)
        return os.open(part, flags, mode)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folders(folders: Iterable[Path]) -> None:
    """Have the names of new files survive a loss of power, where the system can do that."""
    for folder in folders:
        with contextlib.suppress(OSError), _closed(os.open(folder, _FOLDER_FLAGS)) as handle:
            os.fsync(handle)


def adopt(part: Path, path: Path) -> None:
    """Move a finished temporary file to the target on the same file system. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as opened:
        os.fsync(opened.fileno())
    part.replace(path)
    sync_folders([path.parent])


def check_writable(folder: Path) -> None:
    """Create the folder if needed, and check that files can be written to it. Raises NotWritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = temporary(folder)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritable(f"recordings cannot be written to {folder}: {error.strerror or error}") from None


def remove_leftovers(folder: Path, keep: Container[str]) -> int:
    """Remove the temporary files below a folder, except those of the processes with these names; returns how many."""
    removed = 0
    for part in folder.rglob(f"{PREFIX}*.tmp"):
        name = part.name.removeprefix(PREFIX).partition("-")[0]
        if name != owner() and name not in keep:
            part.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_own(folder: Path) -> None:
    """Remove this process's temporary files in a folder: parts of uploads that were never completed."""
    for part in folder.glob(f"{PREFIX}{owner()}-*.tmp"):
        part.unlink(missing_ok=True)
