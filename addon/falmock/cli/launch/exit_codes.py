"""The exit codes of `falmock run` and `falmock doctor` that are not the program's."""

from __future__ import annotations

BAD_USAGE = 2
FAILED = 96
"""falmock cannot start."""
MISSED = 97
"""The program passed, although calls missed."""
UNUSED = 98
"""The program passed, although fixtures were not used, in a strict run."""
NOT_EXECUTABLE = 126
NOT_FOUND = 127
OF_SIGNALS = 128
"""That of a program that a signal ended is this and the signal's number, as shells have it."""
