"""Reads the first word of the command line of `falmock`, and runs that command. The module of a command is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it would make each start slower
    import argparse

COMMANDS = {
    "run": ("run", "run a program so that its calls to fal are answered from fixtures"),
    "doctor": ("doctor", "run a program and tell which of its calls to fal go past the proxy, and what helps"),
    "serve": ("serve", "answer calls to fal from fixtures, on a port that apps use as their proxy"),
    "env": ("env", "print the environment variables that make programs use it"),
    "stop": ("stop", "end the server that falmock run --keep has left"),
    "ca": ("ca", "print the path of the CA that apps have to trust"),
    "check": ("check", "look for mistakes, secrets and leftovers in fixtures"),
    "schemas": ("schemas.command", "fetch, import and list the schemas of models, by which inputs are checked"),
    "import": ("imports", "make fixtures of HARs, flow files of mitmproxy and cassettes of vcrpy"),
    "addon": ("addon", 'print the path of the addon, for mitmdump -s "$(falmock addon)"'),
}
"""Each command: the module of this package with its `main`, and what it does."""
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process by default; returns the exit code.

    No command ends with a traceback because of Ctrl-C, or because what reads its output has ended (`falmock check | head`).
    """
    try:
        try:
            return _read(arguments)
        finally:  # also after --help, which raises SystemExit
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        from falmock.cli import broken_pipe

        broken_pipe.discard_output()
        return broken_pipe.EXIT_CODE


def _read(arguments: Sequence[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0] in COMMANDS:
        return _run(words[0], words[1:])
    whole = parser()
    given = whole.parse_args(words)
    if given.command not in COMMANDS:
        from falmock.fixtures.suggest import did_you_mean

        hint = did_you_mean(given.command, COMMANDS)
        whole.error(f"there is no command {given.command!r}{hint} (falmock --help lists all)")
    return _run(given.command, given.arguments)


def _run(command: str, words: Sequence[str]) -> int:
    module, _ = COMMANDS[command]
    code: int = import_module(f"falmock.cli.{module}").main(words)
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of what stands before the arguments of a command. It ends the process with code 2 for a bad command line."""
    import argparse

    import falmock

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
