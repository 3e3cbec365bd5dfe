"""`falmock stop`: ends the server that `falmock run --keep` has left."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from falmock.cli.launch import folder
from falmock.cli.launch import kept
from falmock.cli.launch.output import tell

_EXAMPLE = """\
example:
  falmock run --keep -- npx vitest --watch
  falmock stop

exit codes: 0 it was ended, 1 there was none, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock stop`."""
    return argparse.ArgumentParser(
        "falmock stop",
        description=f"Ends the server that falmock run --keep has left in this folder. It ends by itself after {kept.IDLE} without a call.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def main(words: Sequence[str]) -> int:
    """End the server; returns the exit code."""
    parser().parse_args(words)
    if kept.stop(folder.FOLDER):
        tell("the kept server was ended")
        return 0
    tell(f"there is no kept server in {folder.FOLDER}")
    return 1
