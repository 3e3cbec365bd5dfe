"""Reads the first word of the command line of `falmock`, and runs that command. The module of a command is imported when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

import falmock
from falmock.fixtures.suggest import did_you_mean

COMMANDS = {
    "serve": ("serve", "answer calls to fal from fixtures, on a port that apps use as their proxy"),
    "ca": ("ca", "print the path of the CA that apps have to trust"),
}
"""Each command: the module of this package with its `main`, and what it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process by default; returns the exit code."""
    whole = parser()
    given = whole.parse_args(arguments)
    if given.command not in COMMANDS:
        hint = did_you_mean(given.command, COMMANDS)
        whole.error(f"there is no command {given.command!r}{hint} (falmock --help lists all)")
    module, _ = COMMANDS[given.command]
    code: int = import_module(f"falmock.cli.{module}").main(given.arguments)
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of what stands before the arguments of a command. It ends the process with code 2 for a bad command line."""
    whole = argparse.ArgumentParser(
        "falmock",
        usage="falmock COMMAND ...",
        description="Stands in for the fal.ai inference API: free, offline, the same every time.",
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"falmock {falmock.__version__}")
    whole.add_argument("command", metavar="COMMAND", help="one of those below")
    whole.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="falmock COMMAND --help lists them")
    return whole


def _listed() -> str:
    width = max(map(len, COMMANDS))
    return "commands:\n" + "\n".join(f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items())
