"""What `falmock run` prints beside the output of a program, and its exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

BAD_USAGE = 2
FAILED = 96
REPLAY = "replay"
_KEYS = ("FAL_KEY", "FAL_KEY_ID")


def tell(text: str) -> None:
    """Print a text on standard error, as falmock's; a terminal that is gone is no error."""
    with suppress(OSError):
        shown = f"falmock: {text.removeprefix('falmock: ')}"
        encoding = sys.stderr.encoding or "utf-8"
        print(shown.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)  # noqa: T201


def has_no_key(mode: str) -> bool:
    """Whether the user has to give a key in this mode and has not; then it is told."""
    if mode == REPLAY or any(os.environ.get(name) for name in _KEYS):
        return False
    tell(f"FAL_KEY is not set. Mode {mode} sends calls to fal, which takes your key: export FAL_KEY=...")
    return True
