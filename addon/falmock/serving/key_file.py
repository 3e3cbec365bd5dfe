"""Writes files of keys, such that several processes that start at once all use the same one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

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
