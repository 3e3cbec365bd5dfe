"""Finds the types of `@fal-ai/client` in an app's `node_modules`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "@fal-ai/client"
_FILE = "endpoints.d.ts"
_PLACES = ("src/types", "types", "dist/types", "dist/src/types", "")
_BELOW = ("*", "*/*")
"""Where the packages of a workspace are, below its root."""


class TypesFile(NamedTuple):
    """A file with the types, and what it is of: the package and its version, or the file's name."""

    path: Path
    origin: str


class NoTypes(LookupError):
    """There are no types; the text says where they were looked for, and what to do."""


def find(given: str | None, here: Path) -> TypesFile:
    """The file of types: a file, a package or a `node_modules` that is given, else that of the app around `here`.

    `node_modules` are looked for from `here` upwards, then in the packages of a workspace below it. Raises NoTypes.
    """
    if given is not None:
        path = Path(given).expanduser()
        if path.is_file():
            return TypesFile(path, _origin(path))
        for package in (path / PACKAGE, path / "node_modules" / PACKAGE, path):
            if (file := _in_package(package)) is not None:
                return file
        raise NoTypes(
            f"--types {given}: expected a file of types, a package or a node_modules with {PACKAGE}, found none"
        )
    for folder in _folders(here):
        if (file := _in_package(folder / "node_modules" / PACKAGE)) is not None:
            return file
    raise NoTypes(
        f"no node_modules here or above has {PACKAGE} with {_FILE}: install it (npm install), or name it with --types"
    )


def _folders(here: Path) -> Iterator[Path]:
    yield here
    yield from here.parents
    for pattern in _BELOW:
        yield from sorted(path for path in here.glob(pattern) if path.is_dir() and path.name != "node_modules")


def _in_package(package: Path) -> TypesFile | None:
    for place in _PLACES:
        path = package / place / _FILE
        if path.is_file():
            return TypesFile(path, _origin(path))
    return None


def _origin(path: Path) -> str:
    for folder in list(path.resolve().parents)[:4]:
        try:
            described = json.loads((folder / "package.json").read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(described, dict) and described.get("name") == PACKAGE:
            return f"{PACKAGE} {described.get('version', '')}".strip()
    return path.name
