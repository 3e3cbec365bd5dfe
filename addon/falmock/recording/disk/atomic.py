"""Writes files atomically: a temporary file next to the target, fsynced, then renamed to the target."""

from __future__ import annotations

import os
from pathlib import Path

PREFIX = ".falmock-"
"""The prefix of temporary files: loading skips them, and leftovers of killed processes are found by it."""


class NotWritable(OSError):
    """Recordings cannot be written to a folder; the text says which and why."""


def temporary(folder: Path) -> Path:
    """A new name for a temporary file in a folder; it contains the id of this process."""
    return folder / f"{PREFIX}{os.getpid()}-{os.urandom(6).hex()}.tmp"


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file. A crash at any point leaves the old file or the new one. Raises OSError."""
    part = temporary(path.parent)
    try:
        handle = _created(part, mode)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _created(part: Path, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(part, flags, mode)
    except FileNotFoundError:
        part.parent.mkdir(parents=True, exist_ok=True)
        return os.open(part, flags, mode)


def adopt(part: Path, path: Path) -> None:
    """Move a finished temporary file to the target on the same file system. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as opened:
        os.fsync(opened.fileno())
    part.replace(path)


def check_writable(folder: Path) -> None:
    """Create the folder if needed, and check that files can be written to it. Raises NotWritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = temporary(folder)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise NotWritable(f"recordings cannot be written to {folder}: {error.strerror or error}") from None


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files of processes that no longer run; returns how many."""
    removed = 0
    for part in folder.rglob(f"{PREFIX}*.tmp"):
        pid = part.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            part.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_own(folder: Path) -> None:
    """Remove this process's temporary files in a folder: parts of uploads that were never completed."""
    for part in folder.glob(f"{PREFIX}{os.getpid()}-*.tmp"):
        part.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
