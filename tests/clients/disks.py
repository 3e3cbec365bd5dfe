"""A disk with little room, for those who may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients import running

ROOT = os.geteuid() == 0


@contextmanager
def little_room(folder: Path) -> Iterator[Path]:
    """A disk of one megabyte. Without the right to mount one, the test is skipped; in CI it fails."""
    if not can_mount(folder.parent):
        running.lacking("a small disk cannot be mounted here: needs root and mount")
    with _mounted(folder):
        yield folder


def can_mount(folder: Path) -> bool:
    """Whether a disk can be mounted below this folder."""
    if not ROOT or shutil.which("mount") is None:
        return False
    try:
        with _mounted(folder / "probe"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
