"""What `falmock run` prints beside the output of a program."""

from __future__ import annotations

import sys
from contextlib import suppress


def tell(text: str) -> None:
    """Print a text on standard error, as falmock's; a terminal that is gone is no error."""
    with suppress(OSError):
        shown = f"falmock: {text.removeprefix('falmock: ')}"
        encoding = sys.stderr.encoding or "utf-8"
        print(shown.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)  # noqa: T201
