"""What a test adds while falmock runs: fixtures that win over those on disk, and fault rules."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.engine.files.added import AddedAssets
from falmock.engine.jobs.pace import Pace
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.overlay import Overlay
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture

LIMIT = 10_000
"""How many added fixtures one scope can have."""
ADDED = "added/"
"""How the names of batches begin."""
MOST_BYTES = 64 * 1024 * 1024
"""How many bytes of files the added fixtures of one scope can have."""


class TooMany(Exception):
    """The added fixtures, or their files, exceed a limit."""


class Batch(NamedTuple):
    """Fixtures that were added together, and the assets they refer to."""

    fixtures: tuple[Fixture, ...]
    assets: Mapping[str, Asset]


class Source(NamedTuple):
    """What a batch was read from: a document, and the digests of the files by the names that it gives them."""

    document: Mapping[str, Any]
    files: Mapping[str, str]


NO_SOURCE = Source({}, {})


class OwnPace(NamedTuple):
    """The own pace of a scope, and its text as a user wrote it."""

    pace: Pace
    text: str


class Additions:
    """The added batches, by name.

    Among equally specific fixtures the later one wins. A fixture with the same match as a later one is replaced by it.

    `added_assets` serves their files in all scopes. The names of batches begin with `prefix`.
    """

    def __init__(self, added_assets: AddedAssets, prefix: str = ADDED) -> None:
        self._added_assets = added_assets
        self._prefix = prefix
        self._batches: dict[str, Batch] = {}
        self._count = 0
        self.rules: tuple[Rule, ...] = ()
        """Fault rules, which win over those of files."""
        self.pace: OwnPace | None = None
        """The scope's own pace."""

    def name(self) -> str:
        """A new name for the next batch or rules."""
        self._count += 1
        return f"{self._prefix}{self._count}"

    def __iter__(self) -> Iterator[Fixture]:
        """The fixtures that later ones do not replace, the latest first."""
        replaced: set[str] = set()
        for batch in reversed(self._batches.values()):
            yield from (fixture for fixture in batch.fixtures if fixture.group not in replaced)
            replaced.update(fixture.group for fixture in batch.fixtures)

    def __len__(self) -> int:
        return sum(len(batch.fixtures) for batch in self._batches.values())

    def add(
        self,
        name: str,
        fixtures: Iterable[Fixture],
        assets: Mapping[str, Asset],
        source: Source = NO_SOURCE,  # noqa: ARG002 - for what is in a store
    ) -> None:
        """Add a batch, which was read from this source. Raises TooMany."""
        batch = Batch(tuple(fixtures), assets)
        if len(self) + len(batch.fixtures) > LIMIT:
            raise TooMany(f"a scope can have {LIMIT} added fixtures: remove some, or put them into files")
        files = {asset.sha256: asset for batch in (*self._batches.values(), batch) for asset in batch.assets.values()}
        if sum(asset.size for asset in files.values() if asset.data is not None) > MOST_BYTES:
            raise TooMany(
                f"the added fixtures of a scope can have {MOST_BYTES} bytes of files: put them beside fixtures on disk"
            )
        self._keep(name, batch)

    def _keep(self, name: str, batch: Batch) -> None:
        self._batches[name] = batch
        self._added_assets.add_assets(batch.assets.values())

    def remove(self, name: str) -> tuple[Fixture, ...] | None:
        """Remove a batch, and return its fixtures; None if there is no batch of this name."""
        batch = self._batches.pop(name, None)
        if batch is None:
            return None
        self._added_assets.remove_assets(batch.assets.values())
        return batch.fixtures

    def clear(self) -> tuple[Fixture, ...]:
        """Remove all batches, and return their fixtures."""
        return self.forget()

    def forget(self) -> tuple[Fixture, ...]:
        """Remove all batches here, wherever else they are, and return their fixtures."""
        batches = list(self._batches.values())
        self._batches.clear()
        for batch in batches:
            self._added_assets.remove_assets(batch.assets.values())
        return tuple(fixture for batch in batches for fixture in batch.fixtures)

    def use_rules(self, rules: Iterable[Rule]) -> None:
        """Use other fault rules."""
        self.rules = tuple(rules)

    def use_pace(self, pace: OwnPace | None) -> None:
        """Use another pace of the scope's own; None: that of all scopes."""
        self.pace = pace

    def over(self, index: Index) -> Index:
        """An index with these fixtures before those of `index`, which must ignore nothing."""
        if not self._batches:
            return index
        # Among equally specific fixtures the first one wins.
        assets = {sha256: asset for batch in self._batches.values() for sha256, asset in batch.assets.items()}
        return Overlay(Index(self, assets), index)
