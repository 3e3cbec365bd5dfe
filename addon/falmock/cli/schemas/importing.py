"""`falmock schemas import`: makes documents of models of the types that an app's `@fal-ai/client` has."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from falmock.cli import settings
from falmock.cli.progress import ProgressLine
from falmock.cli.schemas import client_types
from falmock.cli.schemas import wanted
from falmock.cli.schemas.client_types import NoTypes
from falmock.cli.schemas.client_types import TypesFile
from falmock.cli.schemas.wanted import Failed
from falmock.cli.schemas.wanted import NotWanted
from falmock.fixtures.disk import loader
from falmock.synthesis.typescript.endpoints import EndpointTypes
from falmock.synthesis.typescript.tokens import BadTypes
from falmock.wire import provenance
from falmock.wire.formats.timestamps import utc_text
from falmock.wire.provenance import Provenance

MAX_FILE = 64 * 1024 * 1024
"""The largest file of types (bytes). That of 1.10.1 has 2 MB."""
_EXAMPLES = """\
examples:
  falmock schemas import                          # the endpoints that ./fixtures names
  falmock schemas import fal-ai/flux/dev --types ../web/node_modules
  falmock schemas import --all --into fixtures/

It needs no network: the types are those of the @fal-ai/client that the app has installed. They tell less than fal's own schemas (falmock
schemas fetch): types, enums, what is required, and defaults; no limits, and whole numbers are numbers.

exit codes: 0 all are there, 1 the types do not name some (the others were made), 2 bad arguments, or no types
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock schemas import`."""
    made = argparse.ArgumentParser(
        "falmock schemas import",
        description="Makes schemas of models of the types in an app's @fal-ai/client, into the folder _schemas of the fixtures.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    wanted.add_arguments(made)
    made.add_argument("--all", action="store_true", help="all endpoints that the types name")
    made.add_argument(
        "--types",
        metavar="PATH",
        help="a node_modules folder, a package in one, or a file endpoints.d.ts (default: that of the app in this folder)",
    )
    return made


def main(words: Sequence[str]) -> int:
    """Import; returns the exit code."""
    arguments = settings.parse(parser(), words)
    if not arguments.ids and not arguments.fixtures and not arguments.all and Path(loader.DEFAULT).exists():
        arguments.fixtures = [loader.DEFAULT]
    try:
        names = wanted.ids(arguments)
        file = client_types.find(arguments.types, Path.cwd())
        types = _read(file)
    except (NotWanted, NoTypes) as error:
        wanted.tell(str(error))
        return wanted.BAD_USAGE
    if arguments.all:
        names = sorted({*names, *types.ids})
    if not names:
        wanted.tell("expected endpoint ids, --from with fixtures that name some, or --all, found none")
        return wanted.BAD_USAGE
    at = utc_text(time.time())

    def document(name: str) -> Mapping[str, Any]:
        made = types.document(name)
        if made is None:
            why = "takes and returns anything, by the types" if name in types.ids else "is not in the types"
            raise Failed(f"it {why} of {file.origin} ({file.path})")
        return provenance.marked(made, Provenance(provenance.TYPES, file.origin, at))

    steps = ProgressLine().through(names, "making schemas")
    return wanted.write_all(steps, wanted.folder(arguments), document, again=arguments.again)


def _read(file: TypesFile) -> EndpointTypes:
    """The endpoints of a file of types. Raises NotWanted."""
    try:
        if file.path.stat().st_size > MAX_FILE:
            raise NotWanted(f"{file.path}: expected at most {MAX_FILE >> 20} MiB of types")
        text = file.path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotWanted(f"{file.path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    note = (
        f"Made by falmock of the types of {file.origin}: types, enums, required inputs and defaults. Limits are not known, and whole "
        "numbers are numbers."
    )
    try:
        types = EndpointTypes(text, note)
    except BadTypes as error:
        raise NotWanted(f"{file.path}: {error}. falmock schemas fetch does without types") from None
    if not types.ids:
        raise NotWanted(f"{file.path}: expected types of endpoints (EndpointTypeMap), found none")
    return types
