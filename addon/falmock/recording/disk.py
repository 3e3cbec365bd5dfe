"""Files written whole or not at all: a temporary file beside the target, fsynced, then renamed over it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PREFIX = ".falmock-"
"""How temporary files begin: loading passes them over, and what a killed process left is known by it."""


class NotWritable(OSError):
    """A folder in which recordings cannot be kept; the text says which and why."""


def temporary(folder: Path) -> Path:
    """A new name for a temporary file in a folder; it tells the process that made it."""
    return folder / f"{PREFIX}{os.getpid()}-{os.urandom(6).hex()}.tmp"


def write_whole(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """Have `fill` write a file. A crash at any point leaves the old file or the new one. Raises OSError."""
    part = temporary(path.parent)
    try:
        with _created(part) as opened:
            fill(opened)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _created(part: Path) -> BinaryIO:
    try:
        return part.open("xb")
    except FileNotFoundError:
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.open("xb")


def adopt(part: Path, path: Path) -> None:
    """Make a finished temporary file of the same file system the target. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as opened:
        os.fsync(opened.fileno())
    part.replace(path)


def check_writable(folder: Path) -> None:
    """Make the folder if need be, and a file in it. Raises NotWritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = temporary(folder)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise NotWritable(f"recordings cannot be written to {folder}: {error.strerror or error}") from None


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files of processes that are gone; how many there were."""
    removed = 0
    for part in folder.rglob(f"{PREFIX}*.tmp"):
        pid = part.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            part.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
