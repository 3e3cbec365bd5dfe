"""Writes files of keys, such that several processes that start at once all use the same one, and keeps others from them."""

from __future__ import annotations

import logging
import os
import stat
import sys
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)
SECRET = 0o600
"""The rights of a file for its owner alone."""


def make_once(path: Path, data: bytes, mode: int = SECRET) -> bool:
    """Write a whole file with these rights, unless there is one; returns whether there was none. Raises OSError."""
    handle, part = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(mode)
        return _put_in_place(Path(part), path)
    finally:
        Path(part).unlink(missing_ok=True)


def _put_in_place(part: Path, path: Path) -> bool:
    try:
        path.hardlink_to(part)  # unlike a rename it fails where the file is there already
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        part.replace(path)
    return True


def mode_of(path: Path) -> int:
    """The permissions of a file or folder; none if it does not exist, and on Windows, where they say nothing."""
    if sys.platform == "win32":
        return 0
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def protect(path: Path, name: str, advice: str, mode: int = SECRET) -> None:
    """Take the rights of others to a file or folder away, and log that they had some: `name` says what it is."""
    found = mode_of(path)
    if not found & 0o077:
        return
    became = f"It is {mode:04o} now. {advice}"
    try:
        path.chmod(mode)
        if mode_of(path) & 0o077:
            became = f"This disk keeps no rights: move it to another one. {advice}"
    except OSError as error:
        became = f"It cannot be changed ({error.strerror}): set it to {mode:04o}"
    logger.warning("falmock: %s, %s, had mode %04o: others could use it. %s", name, path, found, became)
