"""Ends programs with the process that started them, even if that is killed.

    python with_parent.py PID PROGRAM ARGUMENTS...

runs a program so that it ends with the process PID, which must be the one that starts this. Linux ends it, and so this
process becomes the program. Elsewhere this process stays, and looks. It is run as a file: nothing of falmock is imported.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

IS_TOLD = sys.platform == "linux"
"""Whether the system ends a process with its parent."""
_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
_LOOK = 0.5
"""How often (seconds) the parent is looked at elsewhere."""


def end_with(parent: int) -> None:
    """Have the system end this process with its parent, which has this id. Does nothing where the system cannot."""
    if IS_TOLD:
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it ended before
            os.kill(os.getpid(), signal.SIGKILL)


def main(words: Sequence[str]) -> int:
    """Run the program; returns its exit code."""
    parent, command = int(words[0]), list(words[1:])
    end_with(parent)
    if IS_TOLD:
        os.execv(command[0], command)  # noqa: S606 - no shell
    process = subprocess.Popen(command)  # noqa: S603 - no shell
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait(_LOOK)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
