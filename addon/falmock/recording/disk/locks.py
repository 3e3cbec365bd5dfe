"""Locks that the kernel releases however their process ends. They also hold between containers that share a folder.

Process ids say nothing across containers. Where there are no such locks (Windows, some network disks), nothing is locked.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0
"""How long (seconds) a process waits for another that changes the fixtures of the same folder."""
_PAUSE = 0.005


class Busy(OSError):
    """Another process changes the files of a folder for longer than anyone waits."""


def take(handle: int) -> bool | None:
    """Take the lock of an open file, without waiting; returns whether it is ours, or None where files have no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def wait_for(handle: int, patience: float = PATIENCE) -> bool:
    """Take the lock of an open file; wait at most `patience` seconds. Returns whether nobody else has it."""
    until = time.monotonic() + patience
    while take(handle) is False:
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE)
    return True


@contextmanager
def locked(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock on a folder, which is made if needed; wait at most `patience` seconds. Raises Busy, OSError.

    Who reads a fixture file and replaces it holds the lock of its folder of fixtures from before the first to after the last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not wait_for(handle, patience):
            raise Busy(
                f"another process has held the lock on {folder} for {patience:g} s: expected it to write its fixtures and "
                "let go; stop it if it hangs"
            )
        yield
    finally:
        os.close(handle)
