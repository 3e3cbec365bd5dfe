"""What reads the output has ended, as `head` does in `falmock check | head`."""

from __future__ import annotations

import contextlib
import os
import sys

EXIT_CODE = 141
"""What a shell reports for a program that SIGPIPE ended."""


def discard_output() -> None:
    """Write standard output to nowhere from now on: the interpreter would fail to flush it."""
    with contextlib.suppress(OSError, ValueError):  # it is no file, or closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
