"""What was added to a scope, or to all scopes, in a store: this falmock's copy of it, and the record that says what it is.

A decision may be made again from the beginning, and others change the records. So nothing here is believed: before each
decision `caught_up` compares the copy with the records, as the transaction has them, and makes it anew if they differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping

from falmock.engine.additions import ADDED
from falmock.engine.additions import NO_SOURCE
from falmock.engine.additions import Additions
from falmock.engine.additions import Batch
from falmock.engine.additions import OwnPace
from falmock.engine.additions import Source
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.shared.needs import together
from falmock.engine.shared.place import Place
from falmock.engine.shared.setup import Added
from falmock.engine.shared.setups.added_files import SharedAddedAssets
from falmock.engine.shared.setups.batches import Batches
from falmock.fixtures.fault import Rule
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture

SetUp = tuple[tuple[Added, ...], str, str | None]
"""What a copy was made of: batches, the digest of the rules, the pace."""
NOTHING: SetUp = ((), "", None)


class SharedAdditions(Additions):
    """See Additions. This is what was added to the scope of `place`."""

    _is_of_all = False

    def __init__(self, added_assets: SharedAddedAssets, place: Place, batches: Batches, prefix: str = ADDED) -> None:
        super().__init__(added_assets, prefix)
        self._files = added_assets
        self._place = place
        self._records = batches
        self.have: SetUp | None = NOTHING
        """What the copy was made of, if that is known."""

    # the record

    def _set_up(self) -> SetUp:
        setup = self._place.setup
        return setup.batches, setup.rules, setup.pace

    def _count_up(self) -> int:
        count = self._place.setup.numbered + 1
        self._place.change(numbered=count)
        return count

    def _change(self, batches: tuple[Added, ...]) -> None:
        self._place.change(batches=batches)

    def _key(self, digest: str) -> str:
        return self._place.key("batch", digest)

    def _write(self, digest: str, data: bytes) -> None:
        # Its name is its digest: whoever wrote it before wrote the same.
        self._place.transaction.create(self._key(digest), data, self._place.kept)

    def _delete(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self._place.transaction.put(self._key(digest), None, 0, checked=False)

    # the copy

    def caught_up(self) -> SetUp:
        """Take over what is set up now, and return what tells it from anything else. Raises NotLoaded."""
        places = self._place.transaction.places
        set_up: SetUp | None = places.get(self)
        if set_up is None:
            set_up = places[self] = self._set_up()
        if self.have is not set_up and self.have != set_up:
            self._take(set_up)
        self.have = set_up
        return set_up

    def _take(self, set_up: SetUp) -> None:
        added, rules, pace = set_up
        transaction = self._place.transaction
        keys = {each.digest: self._key(each.digest) for each in added}

        def read_rules() -> tuple[Rule, ...]:
            return self._records.rules_of(transaction, rules, self._key(rules)) if rules else ()

        together([lambda: self._records.load_together(transaction, keys), lambda: bool(read_rules())])
        batches, read = self._records.batches(transaction, keys), read_rules()
        self.have = None
        self.forget()
        for each, batch in zip(added, batches, strict=True):
            self._keep(each.name, batch)
        self.rules = read
        self.pace = None if pace is None else OwnPace(parse_pace(pace), pace)

    def forget(self) -> tuple[Fixture, ...]:
        """See Additions."""
        self.have = None
        return super().forget()

    # changes

    def name(self) -> str:
        """See Additions. Raises NotLoaded."""
        return f"{self._prefix}{self._count_up()}"

    def add(
        self, name: str, fixtures: Iterable[Fixture], assets: Mapping[str, Asset], source: Source = NO_SOURCE
    ) -> None:
        """See Additions. Raises TooMany, NotLoaded."""
        batches = self._set_up()[0]
        self.have = None
        batch = Batch(tuple(fixtures), assets)
        super().add(name, batch.fixtures, assets, source)
        digest, data = self._records.batch(name, batch, source)
        self._write(digest, data)
        for sha256 in assets:
            self._files.note(sha256, self._place, digest, of_all=self._is_of_all)
        self._change((*batches, Added(name, digest, tuple(sorted(assets)))))

    def remove(self, name: str) -> tuple[Fixture, ...] | None:
        """See Additions. Raises NotLoaded."""
        batches = self._set_up()[0]
        self.have = None
        removed = super().remove(name)
        if removed is not None:
            self._change(tuple(each for each in batches if each.name != name))
            self._delete(each.digest for each in batches if each.name == name)
        return removed

    def clear(self) -> tuple[Fixture, ...]:
        """See Additions. Raises NotLoaded."""
        batches = self._set_up()[0]
        fixtures = self.forget()
        if batches:
            self._change(())
            self._delete(each.digest for each in batches)
        return fixtures

    def use_rules(self, rules: Iterable[Rule]) -> None:
        """See Additions. Raises NotLoaded."""
        before = self._set_up()[1]
        self.have = None
        super().use_rules(rules)
        digest = ""
        if self.rules:
            digest, data = self._records.rules(self.rules)
            self._write(digest, data)
        if digest != before:
            self._place.change(rules=digest)
            self._delete([before] if before else ())

    def use_pace(self, pace: OwnPace | None) -> None:
        """See Additions. Raises NotLoaded."""
        self.have = None
        super().use_pace(pace)
        self._place.change(pace=None if pace is None else pace.text)


class SharedByAll(SharedAdditions):
    """What was added to all scopes."""

    _is_of_all = True

    def __init__(self, added_assets: SharedAddedAssets, place: Place, batches: Batches) -> None:
        super().__init__(added_assets, place, batches, "added/all-")

    def _set_up(self) -> SetUp:
        batches = self._place.common.batches
        return (batches, "", None) if batches else NOTHING

    def _count_up(self) -> int:
        count = self._place.common.numbered + 1
        self._place.change_common(numbered=count)
        return count

    def _change(self, batches: tuple[Added, ...]) -> None:
        self._place.change_common(batches=batches)

    def _key(self, digest: str) -> str:
        return self._place.common_key("batch", digest)
