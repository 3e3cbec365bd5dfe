"""Which schemas a command is about, and where they are written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from falmock.fixtures.disk import loader
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.matching.index import Index
from falmock.recording.disk.schemas import SchemaFolder
from falmock.wire import endpoint

BAD_USAGE, FAILED = 2, 1


class NotWanted(ValueError):
    """A command line that does not say which schemas are wanted; the text says why."""


class Failed(Exception):
    """A schema does not come; the text says why. `is_last`: the next ones need not be tried."""

    def __init__(self, message: str, *, is_last: bool = False) -> None:
        super().__init__(message)
        self.is_last = is_last


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that commands share: ids, `--from`, `--into` and `--again`."""
    parser.add_argument("ids", metavar="ID", nargs="*", help="endpoint ids, such as fal-ai/flux/dev")
    parser.add_argument(
        "--from",
        action="append",
        default=[],
        dest="fixtures",
        metavar="FIXTURES",
        help="the endpoint ids that these fixtures name; repeatable",
    )
    parser.add_argument(
        "--into",
        metavar="FOLDER",
        help=f"the fixtures folder whose _schemas they go to (default the first folder of --from, else {loader.DEFAULT})",
    )
    parser.add_argument("--again", action="store_true", help="replace schemas that are there")


def load(paths: Sequence[str]) -> Index:
    """The fixtures in these folders and files. Raises NotWanted."""
    for path in paths:
        if not Path(path).expanduser().exists():
            raise NotWanted(f"{path}: expected a folder or file of fixtures, found nothing")
    try:
        return FixtureLoader(paths).load().index
    except FixtureErrors as error:
        raise NotWanted(f"{error}\n(falmock check tells more)") from None


def ids(arguments: argparse.Namespace) -> list[str]:
    """The endpoint ids that are given or that fixtures name, sorted. Raises NotWanted."""
    found = set(load(arguments.fixtures).models()) if arguments.fixtures else set()
    for text in arguments.ids:
        try:
            found.add(str(endpoint.parse(text)))
        except endpoint.BadEndpointId as error:
            raise NotWanted(str(error)) from None
    return sorted(found)


def folder(arguments: argparse.Namespace) -> SchemaFolder:
    """The folder to write to."""
    folders = [path for path in arguments.fixtures if Path(path).expanduser().is_dir()]
    return SchemaFolder(Path(arguments.into or (folders or [loader.DEFAULT])[0]).expanduser())


def write_all(
    names: Iterable[str],
    into: SchemaFolder,
    document_of: Callable[[str], Mapping[str, Any]],
    *,
    again: bool,
) -> int:
    """Write the documents of these endpoints, and tell what became of them; returns the exit code.

    `document_of` raises Failed. A file that is there stays, unless `again`.
    """
    written, there, failed = 0, 0, 0
    for name in names:
        if into.file(name).exists() and not again:
            there += 1
            continue
        try:
            into.write(name, document_of(name))
            written += 1
        except OSError as error:
            failed += 1
            tell(f"{into.file(name)}: cannot be written: {error.strerror or error}")
        except Failed as error:
            failed += 1
            tell(f"{name}: {error}")
            if error.is_last:
                break
    parts = [f"{written} written to {into.path}"]
    if there:
        parts.append(f"{there} there already (--again replaces them)")
    if failed:
        parts.append(f"{failed} failed")
    print(f"schemas: {', '.join(parts)}")  # noqa: T201
    return FAILED if failed else 0


def tell(text: str) -> None:
    """Tell a problem on standard error."""
    print(f"falmock: {text}", file=sys.stderr)  # noqa: T201
