"""`falmock addon`: where the script for `mitmdump -s` is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from falmock.cli import settings

FAILED = 1
_EXAMPLE = """\
example:
  mitmdump --listen-host 127.0.0.1 -s "$(falmock addon)"
  mitmweb -s "$(falmock addon)"

exit codes: 0 printed, 1 it is not there, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock addon`."""
    return argparse.ArgumentParser(
        "falmock addon",
        description=(
            "Prints the path of falmock_addon.py, for mitmproxy's tools. mitmproxy must be the one that falmock is installed "
            "with, or have falmock's packages as well."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def main(words: Sequence[str]) -> int:
    """Print the path; returns the exit code."""
    settings.parse(parser(), words)
    if not settings.ADDON.is_file():
        print(  # noqa: T201
            f"falmock: expected the addon at {settings.ADDON}, found no file: install falmock again", file=sys.stderr
        )
        return FAILED
    print(settings.ADDON)  # noqa: T201
    return 0
