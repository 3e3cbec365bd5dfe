"""Files of added fixtures are served by all falmocks, exactly while a scope has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from falmock.engine.additions import Source
from falmock.engine.shared.place import Place
from falmock.engine.shared.setups import added_files
from falmock.engine.shared.setups.added_files import SharedAddedAssets
from falmock.engine.shared.setups.additions import SharedAdditions
from falmock.engine.shared.setups.additions import SharedByAll
from falmock.engine.shared.setups.batches import Batches
from falmock.fixtures.model import Asset
from unit.engine.calls import index_of
from unit.engine.shared.table import Table
from unit.engine.shared.table import two

T = TypeVar("T")
FILE = Asset("a" * 64, "dot.gif", "image/gif", 3, data=b"dot")
DOCUMENT = {"fixtures": [{"match": {"model": "a/b"}, "response": {"file": "dot.gif"}}]}
FIXTURES = index_of({"match": {"model": "a/b"}, "response": {"json": 1}}).fixtures
ALL = "all scopes"


class Falmock:
    """One falmock of a store, as far as its added fixtures go."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._batches = Batches(lambda _: None)
        self.files = SharedAddedAssets(table.current, self._batches)
        self._additions: dict[str, SharedAdditions] = {}

    def change(self, scope: str, change: Callable[[SharedAdditions], T]) -> T:
        """What a change returns, of what was added to a scope."""
        if scope not in self._additions:
            place = self.place("" if scope == ALL else scope)
            kind = SharedByAll if scope == ALL else SharedAdditions
            self._additions[scope] = kind(self.files, place, self._batches)
        additions = self._additions[scope]

        def decide(_: float) -> T:
            additions.caught_up()
            return change(additions)

        return self._table.run(decide)

    def add(self, scope: str) -> str:
        """Add the file to a scope; returns the name of its batch."""

        def change(additions: SharedAdditions) -> str:
            name = additions.name()
            additions.add(name, FIXTURES, {FILE.sha256: FILE}, Source(DOCUMENT, {FILE.name: FILE.sha256}))
            return name

        return self.change(scope, change)

    def remove(self, scope: str, name: str) -> None:
        assert self.change(scope, lambda additions: additions.remove(name)) is not None

    def place(self, scope: str = "") -> Place:
        return Place(self._table.current, scope, 60.0)

    def run(self, decide: Callable[[], T]) -> T:
        return self._table.run(lambda _: decide())

    @property
    def serves(self) -> bool:
        """Whether it serves the file."""
        found = self.run(lambda: self.files.get(FILE.sha256))
        assert found in (None, FILE)
        return found is not None

    @property
    def users(self) -> int:
        """How many batches the record of the file names."""
        return len(self.run(lambda: self.files._added_with(self.place(), FILE.sha256)[1]))


def pair() -> tuple[Falmock, Falmock]:
    _, *tables = two()
    here, there = map(Falmock, tables)
    return here, there


@pytest.mark.parametrize("scope", ["", "a", "a:*", ALL])
def test_it_is_served_by_all_until_it_is_removed_by_any(scope: str) -> None:
    here, there = pair()
    assert not here.serves
    name = here.add(scope)
    assert (here.serves, there.serves) == (True, True)
    there.remove(scope, name)
    assert (here.serves, there.serves) == (False, False), "also where it was added"


@pytest.mark.parametrize("is_last_first", [False, True])
def test_it_is_served_while_one_scope_has_it(*, is_last_first: bool) -> None:
    here, there = pair()
    added = [(scope, here.add(scope)) for scope in ("a", "b", ALL, "a")]
    if is_last_first:
        added.reverse()
    for scope, name in added:
        assert there.serves
        there.remove(scope, name)
    assert not there.serves


def test_it_goes_with_the_reset_of_its_scope() -> None:
    here, there = pair()
    here.add("a")
    there.run(lambda: there.place("b").reset())
    assert here.serves
    there.run(lambda: there.place("a").reset())
    assert not here.serves
    assert here.add("a")
    assert there.serves


def test_nobody_looks_for_it_outside_a_decision() -> None:
    here, there = pair()
    here.add("a")
    assert (here.files.get(FILE.sha256), there.files.get(FILE.sha256)) == (FILE, None)


def test_its_record_names_few_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_files, "FEW", 5)
    here, there = pair()
    kept = [(scope, here.add(scope)) for scope in ("kept", ALL)]
    for number in range(20):
        there.remove(f"{number}", here.add(f"{number}"))
        assert there.users <= 5 + 1
    assert here.serves
    for number in range(20):  # as many as are there, it names all of them
        here.add(f"{number}")
    assert here.users == 20 + len(kept)
    for number in range(20):
        there.change(f"{number}", lambda additions: additions.clear())
    for scope, name in kept:
        assert here.serves
        there.remove(scope, name)
    assert not here.serves
