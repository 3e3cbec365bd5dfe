"""Finds the command that starts falmock."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pytest_falmock.errors import FalmockError

VARIABLE = "FALMOCK_COMMAND"
_NAME = "falmock"


def find(environ: Mapping[str, str], python: str = sys.executable) -> list[str]:
    """The words of the command: those of FALMOCK_COMMAND, else `falmock` on PATH or beside `python`. Raises FalmockError."""
    given = environ.get(VARIABLE, "")
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise FalmockError(f"{VARIABLE}={given}: expected a command as for a shell: {error}") from None
    if words:
        return words
    found = shutil.which(_NAME, path=environ.get("PATH")) or shutil.which(_NAME, path=str(Path(python).parent))
    if found is None:
        raise FalmockError(
            "there is no falmock: it is neither on PATH nor beside this Python. Install it in an environment of its own or in this "
            f"one (pip install PATH_OF_ITS_CLONE), or set {VARIABLE} to the command that starts it; --falmock-mode=off leaves "
            "tests alone"
        )
    return [found]
