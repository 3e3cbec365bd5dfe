"""Reads `@pytest.mark.falmock(...)`."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_falmock.errors import FalmockError

NAME = "falmock"
LINE = (
    "falmock(fixtures=None, pace=None, faults=None, allow_misses=False): calls to fal.ai are answered by falmock. fixtures: folders or "
    "files, from the folder of the test's file; pace: as in fal_pace; faults: rules, or a file of them; allow_misses: calls that no "
    "fixture answers do not fail the test"
)
_KEYS = ("fixtures", "pace", "faults", "allow_misses")


@dataclass(frozen=True)
class Marked:
    """What a test's marks say. `fixtures` is None if none of them says it."""

    fixtures: tuple[Path, ...] | None = None
    pace: str | None = None
    faults: tuple[Any, ...] = ()
    allow_misses: bool = False


def read(node: pytest.Item) -> Marked:
    """What the marks of a test say; those of the test take precedence over those of its class and module. Raises FalmockError."""
    given: dict[str, Any] = {}
    for mark in node.iter_markers(NAME):
        _check(mark)
        given = {**mark.kwargs, **given}
    return marked(given, node.path)


def _check(mark: pytest.Mark) -> None:
    if mark.args:
        raise FalmockError(
            f"@pytest.mark.falmock: expected names, as in falmock(fixtures={mark.args[0]!r}), found {mark.args[0]!r}"
        )
    for name in mark.kwargs:
        if name not in _KEYS:
            near = difflib.get_close_matches(name, _KEYS, 1)
            hint = f", did you mean {near[0]!r}?" if near else f", expected {', '.join(_KEYS)}"
            raise FalmockError(f"@pytest.mark.falmock: unknown argument {name!r}{hint}")


def marked(given: Mapping[str, Any], module: Path) -> Marked:
    """What these arguments of a mark in a module say. Raises FalmockError."""
    fixtures, pace, faults = (given.get(name) for name in _KEYS[:3])
    if pace is not None and not isinstance(pace, str):
        raise FalmockError(f"@pytest.mark.falmock: pace: expected a text such as '3s', found {pace!r}")
    return Marked(
        None if fixtures is None else _paths(fixtures, module.parent),
        pace,
        _rules(faults, module.parent),
        bool(given.get("allow_misses", False)),
    )


def _paths(given: Any, folder: Path) -> tuple[Path, ...]:
    listed = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(listed, Sequence) or not all(isinstance(each, str | os.PathLike) for each in listed):
        raise FalmockError(f"@pytest.mark.falmock: fixtures: expected a path or a list of paths, found {given!r}")
    return tuple(Path(os.path.abspath(folder / each)) for each in listed)  # noqa: PTH100 - links stay


def _rules(given: Any, folder: Path) -> tuple[Any, ...]:
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike):
        path = folder / given
        try:
            given = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FalmockError(
                f"@pytest.mark.falmock: faults: {path}: expected a JSON file of rules: {error}"
            ) from None
    if isinstance(given, Mapping):
        given = given.get("faults", [given])
    if not isinstance(given, Sequence) or not given:
        raise FalmockError(f"@pytest.mark.falmock: faults: expected a rule, a list of rules or a file, found {given!r}")
    return tuple(given)
