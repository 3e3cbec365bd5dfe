"""Reads the report of the last `falmock run`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

from falmock.cli.launch import folder
from falmock.fixtures.disk.walk import stamp_of
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Problem

DEFAULT = str(folder.FOLDER / folder.REPORT)
_UNUSED = "the last run did not use this fixture ({}): delete it, or run what calls it"


class BadReport(ValueError):
    """A file that is no report of `falmock run`; the text says why."""


class LastReport:
    """The report in a file. Raises OSError, BadReport."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._unused = _labels(json.loads(Path(path).read_bytes()))
            self._written, *_ = stamp_of(path)
        except (ValueError, RecursionError) as error:
            raise BadReport(
                f"{path}: expected the report of `falmock run`, found {error or 'JSON that is too deep'}"
            ) from None

    def unused(self, fixtures: Iterable[Fixture]) -> Iterator[Problem]:
        """A warning for each of these fixtures that the run did not use, except in files that changed after it."""
        for fixture in fixtures:
            if (_real(fixture.source), fixture.place) in self._unused and not self._is_newer(fixture.source):
                yield Problem(fixture.source, f"$.fixtures[{fixture.place}]", _UNUSED.format(self._path))

    def _is_newer(self, file: str) -> bool:
        changed, *_ = stamp_of(_real(file))
        return changed > self._written


def _labels(report: object) -> frozenset[tuple[str, int]]:
    """The files and places of the unused fixtures. Raises BadReport."""
    unused = report.get("unused") if isinstance(report, dict) else None
    if not isinstance(unused, list):
        raise BadReport('an object without "unused", a list' if isinstance(report, dict) else "JSON that is no object")
    labels = [str(label).rpartition("#") for label in unused]
    return frozenset((_real(file), int(place)) for file, _, place in labels if place.isdecimal())


def _real(file: str) -> str:
    return os.path.realpath(Path(file).expanduser())
