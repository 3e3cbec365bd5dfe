"""`falmock schemas`: reads the first word, and runs that command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from falmock.cli import settings

ACTIONS = {
    "fetch": ("fetching", "fetch them from fal, without a key"),
    "import": ("importing", "make them of the types in an app's @fal-ai/client"),
    "list": ("listing", "list those of a fixtures folder, and where they came from"),
}
"""Each command: the module of this package with its `main`, and what it does."""
_EXAMPLES = """\
examples:
  falmock schemas fetch fal-ai/flux/dev fal-ai/veo3
  falmock schemas import --from fixtures/
  falmock schemas list

A recording fetches those of its endpoints by itself. falmock schemas COMMAND --help lists the options of a command.

exit codes: 0 done, 1 some schemas did not come (the others did), 2 bad arguments, 130 Ctrl-C
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the first word."""
    made = argparse.ArgumentParser(
        "falmock schemas",
        description="The OpenAPI documents of models, in the folder _schemas of the fixtures: falmock checks inputs by them.",
        epilog="commands:\n" + "".join(f"  {name:8}{text}\n" for name, (_, text) in ACTIONS.items()) + f"\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("action", metavar="COMMAND", choices=ACTIONS, help=", ".join(ACTIONS))
    return made


def main(words: Sequence[str]) -> int:
    """Run the command that the first word names; returns the exit code."""
    if not words or words[0] not in ACTIONS:
        settings.parse(parser(), words)
    code: int = import_module(f"falmock.cli.schemas.{ACTIONS[words[0]][0]}").main(words[1:])
    return code
