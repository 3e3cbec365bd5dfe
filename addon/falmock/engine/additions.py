"""What a test adds to one scope while falmock runs: fixtures that win over those on disk, and rules for faults."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import NamedTuple

from falmock.fixtures.fault import Rule
from falmock.fixtures.index import Index
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.overlay import Overlay

LIMIT = 10_000
"""How many fixtures one scope can have added."""


class TooMany(Exception):
    """There is no room for so many fixtures."""


class Batch(NamedTuple):
    """Fixtures that were added together, and the assets they refer to."""

    fixtures: tuple[Fixture, ...]
    assets: Mapping[str, Asset]


class Additions:
    """The batches that were added, by name. Among the equally specific a later one wins; what has a match equal to one of its own is out."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._count = 0
        self.rules: tuple[Rule, ...] = ()
        """Rules for faults, which go before those of files."""

    def name(self) -> str:
        """A name for the next batch, or the next rules: none has it yet."""
        self._count += 1
        return f"added/{self._count}"

    def __iter__(self) -> Iterator[Fixture]:
        """The fixtures that are not replaced by later ones, the latest first."""
        replaced: set[str] = set()
        for batch in reversed(self._batches.values()):
            yield from (fixture for fixture in batch.fixtures if fixture.group not in replaced)
            replaced.update(fixture.group for fixture in batch.fixtures)

    def __len__(self) -> int:
        return sum(len(batch.fixtures) for batch in self._batches.values())

    def add(self, name: str, fixtures: Iterable[Fixture], assets: Mapping[str, Asset]) -> None:
        """Add a batch. Raises TooMany."""
        batch = Batch(tuple(fixtures), assets)
        if len(self) + len(batch.fixtures) > LIMIT:
            raise TooMany(f"a scope can have {LIMIT} added fixtures: remove some, or put them into files")
        self._batches[name] = batch

    def remove(self, name: str) -> tuple[Fixture, ...] | None:
        """Remove a batch: what was in it; None where there is none of this name."""
        batch = self._batches.pop(name, None)
        return None if batch is None else batch.fixtures

    def clear(self) -> tuple[Fixture, ...]:
        """Remove all batches: what was in them."""
        fixtures = tuple(fixture for batch in self._batches.values() for fixture in batch.fixtures)
        self._batches.clear()
        return fixtures

    def over(self, index: Index) -> Index:
        """These fixtures, then those of an index that ignores nothing."""
        if not self._batches:
            return index
        # Among the equally specific the one that comes first wins.
        assets = {sha256: asset for batch in self._batches.values() for sha256, asset in batch.assets.items()}
        return Overlay(Index(self, assets), index)
