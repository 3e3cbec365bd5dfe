"""`falmock schemas list`: the schemas of a fixtures folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from falmock.cli import settings
from falmock.cli.schemas import wanted
from falmock.cli.schemas.wanted import NotWanted
from falmock.fixtures.disk import loader
from falmock.fixtures.matching.documents import KnownDocument
from falmock.gateway.control.operation import listed
from falmock.serving.call_lines import printable

_EXAMPLES = """\
examples:
  falmock schemas list
  falmock schemas list tests/fixtures

Each line has the endpoint id, where its schema came from and when, and how many inputs it names.

exit codes: 0 listed, 1 the inputs of some cannot be resolved, so they check nothing, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock schemas list`."""
    made = argparse.ArgumentParser(
        "falmock schemas list",
        description="Lists the schemas of models that fixtures have, in _schemas and in recorded answers of the Platform API.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "fixtures", metavar="FIXTURES", nargs="*", help=f"folders or files of fixtures (default {loader.DEFAULT})"
    )
    return made


def main(words: Sequence[str]) -> int:
    """List; returns the exit code."""
    arguments = settings.parse(parser(), words)
    try:
        index = wanted.load(arguments.fixtures or [loader.DEFAULT])
    except NotWanted as error:
        wanted.tell(str(error))
        return wanted.BAD_USAGE
    found = sorted(index.documents, key=lambda known: known.endpoint)
    widths = [max(map(len, column)) for column in zip(*map(_columns, found), strict=True)]
    for known in found:
        line = "  ".join(f"{text:{width}}" for text, width in zip(_columns(known), widths, strict=True))
        print(printable(line.rstrip(), sys.stdout))  # noqa: T201
    missing = [name for name in index.models() if index.documents.find(name) is None]
    if missing:
        print(f"without one: {listed(missing)} (falmock schemas fetch --from FIXTURES fetches them)")  # noqa: T201
    elif not found:
        print("no schemas")  # noqa: T201
    return wanted.FAILED if any(known.inputs is None for known in found) else 0


def _columns(known: KnownDocument) -> tuple[str, str, str]:
    inputs = known.inputs
    told = "its input cannot be resolved" if inputs is None else f"{inputs} input{'' if inputs == 1 else 's'}"
    source = f"{known.provenance}, {known.fixture}" if known.fixture else str(known.provenance)
    return known.endpoint, source, told
