"""The scopes whose state is in a store: which there are, what each is an alias of, and their resets."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from falmock.engine.additions import Additions
from falmock.engine.answers import turns_of
from falmock.engine.shared import setup as setups
from falmock.engine.shared.background import Background
from falmock.engine.shared.background import Pending
from falmock.engine.shared.counts import restart_in_all
from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Ranged
from falmock.engine.shared.needs import Record
from falmock.engine.shared.needs import together
from falmock.engine.shared.place import Place
from falmock.engine.shared.setup import NO_SETUP
from falmock.engine.shared.setup import REFRESHED
from falmock.engine.shared.setup import Added
from falmock.engine.shared.setup import Common
from falmock.engine.shared.setup import Setup
from falmock.engine.shared.setups.added_files import SharedAddedAssets
from falmock.engine.shared.setups.additions import SetUp
from falmock.engine.shared.setups.additions import SharedAdditions
from falmock.engine.shared.setups.additions import SharedByAll
from falmock.engine.shared.setups.batches import Batches
from falmock.engine.shared.setups.batches import FindFile

if TYPE_CHECKING:
    from falmock.engine.engine import Engine
    from falmock.engine.shared.transaction import Transaction

LIMIT = 1000
"""How many named scopes there are at most; the least recently used is dropped first."""
LOOKED_AT = 100
"""In how many scopes at most a fixture is looked for that would have answered a call of another one."""
NOTED = 1.0
"""How often (seconds) each falmock notes at most that a scope is in use."""
_NEVER = float("inf")
_KEPT = "kept"


class KnownScopes:
    """`current` is the transaction on the store, `ttl` how long (seconds) a job is kept after its end.

    `find_file` finds a file beside the fixtures on disk by its digest. `must_stay`: whether a scope cannot be dropped now.
    """

    def __init__(self, current: Current, ttl: float, find_file: FindFile, must_stay: Callable[[str], bool]) -> None:
        self.current = current
        self._ttl = ttl
        self._batches = Batches(find_file)
        self.added_assets = SharedAddedAssets(current, self._batches)
        self._must_stay = must_stay
        self._noted: dict[str, float] = {}
        self._places: dict[str, Place] = {}

    def additions(self, scope: str) -> SharedAdditions:
        """What was added to a scope."""
        return SharedAdditions(self.added_assets, self._place(scope), self._batches)

    def additions_to_all(self) -> SharedAdditions:
        """What was added to all scopes."""
        return SharedByAll(self.added_assets, self._place(""), self._batches)

    def caught_up(self, *additions: Additions) -> list[SetUp]:
        """Take over what others added, and return what tells it from anything else. Raises NotLoaded."""
        return together([each.caught_up for each in additions if isinstance(each, SharedAdditions)])

    def is_caught_up(self, of_all: Additions, own: Additions, built_of: Sequence[SetUp]) -> bool:
        """Whether `caught_up` would return the very same as it did before. It may say no when it would."""
        places = self._transaction.places
        return (
            isinstance(of_all, SharedAdditions)
            and isinstance(own, SharedAdditions)
            and places.get(of_all) is of_all.have is built_of[0]
            and places.get(own) is own.have is built_of[1]
        )

    def up_to_date(self, engine: Engine, background: Background) -> Background:
        """Decides as `background` does, by what is set up in the scope of an engine at the time."""

        def decided(decide: Callable[[float], Any]) -> Pending:
            def decide_up_to_date(now: float) -> Any:
                engine.catch_up(self)
                return decide(now)

            return background(decide_up_to_date)

        return decided

    def _place(self, scope: str) -> Place:
        place = self._places.get(scope)
        if place is None:
            if len(self._places) >= 2 * LIMIT:
                self._places.clear()
            place = self._places[scope] = Place(self.current, scope, self._ttl)
        return place

    @property
    def _transaction(self) -> Transaction:
        found = self.current.under_way
        return self.current.transaction if found is None else found

    # names

    def start_of_job_keys(self, scope: str) -> str:
        """How the keys of the jobs of a scope begin. Raises NotLoaded."""
        return self._place(scope).start("job")

    def named(self, scope: str) -> str:
        """The scope that calls of a scope belong to: itself, unless it is an alias. Raises NotLoaded."""
        names = self._transaction.places
        found: str | None = names.get(scope)
        if found is None:
            found = names[scope] = self._named(scope)
        return found

    def _named(self, scope: str) -> str:
        alias = self._place(scope).written.alias
        if alias is None:
            return scope
        target = setups.of_tag(alias[0])
        return target if self._place(target).written.drops == alias[1] else scope

    def use_alias(self, name: str, scope: str | None) -> None:
        """See Engines. Raises NotLoaded."""
        place = self._place(name)
        target = name if scope is None or scope == name else self.named(scope)
        alias = None if target == name else (setups.tag(target), self._place(target).written.drops)
        if alias != place.written.alias:
            place.change(alias=alias)

    @property
    def _index(self) -> str:
        """The sorted set of the named scopes, by the time until which each is kept."""
        return self._place("").common_key("scopes")

    def names(self) -> list[str]:
        """The named scopes, the last used one at the end. Raises NotLoaded."""
        return [setups.of_tag(item.decode()) for item, _ in self._all()]

    def _all(self) -> list[tuple[bytes, float]]:
        found: list[tuple[bytes, float]] = self._transaction.need(
            Ranged(self._index, self._transaction.now, _NEVER, 2 * LIMIT)
        )
        return found

    def exists(self, scope: str) -> bool:
        """Whether there is a scope. Raises NotLoaded."""
        return not scope or self._place(scope).setup.exists

    def with_fixtures(self) -> list[str]:
        """The scopes with added fixtures, of those used lately. Raises NotLoaded."""
        names = ["", *self.names()[-LOOKED_AT:]]
        self._transaction.load_together(map(setups.setup_key, names))
        places = [place for place in map(self._place, names) if place.setup.batches]
        keys = {each.digest: place.key("batch", each.digest) for place in places for each in place.setup.batches}
        self._batches.load_together(self._transaction, keys)
        return [place.scope for place in places]

    # what calls do

    def use(self, scope: str) -> None:
        """A call belongs to a scope: it is created if needed, and kept. Raises NotLoaded."""
        transaction, kept = self._transaction, (_KEPT, scope)
        now = transaction.now
        is_noted = not scope or now - self._noted.get(scope, 0.0) < NOTED
        if is_noted and now < transaction.places.get(kept, 0.0):
            return
        place = self._place(scope)
        setup = place.setup
        if scope and not setup.exists:
            self._make_room()
            place.change(exists=True)
            self._note(place, now)
        elif not is_noted:
            self._note(place, now)
        if setup != NO_SETUP and now - setup.written >= REFRESHED:
            self._keep(place, place.key, setup.batches, setup.rules)
            place.change()
        common = place.common
        if common.written and now - common.written >= REFRESHED:
            self._keep(place, place.common_key, common.batches)
            place.change_common()
        transaction.places[kept] = _kept_until(place.setup, place.common)

    def _note(self, place: Place, now: float) -> None:
        scope = place.scope
        self._transaction.score(self._index, setups.tag(scope).encode(), now + place.kept)

        def noted() -> None:
            self._noted[scope] = now
            if len(self._noted) > 2 * LIMIT:
                self._noted.clear()

        self._transaction.later(noted)

    def _forget_note(self, scope: str) -> None:
        self._noted.pop(scope, None)

    def _make_room(self) -> None:
        index = self._index
        if not self._transaction.is_full(index, LIMIT):
            self._transaction.limit(index, LIMIT)
            return
        names = self.names()
        oldest = next((name for name in names if not self._must_stay(name)), None)
        if oldest is not None:
            self.forget(oldest)

    def _keep(self, place: Place, key: Callable[[str, str], str], batches: Sequence[Added], rules: str = "") -> None:
        """Write records again, so that they are kept. Raises NotLoaded."""
        transaction = place.transaction
        records = [Record(key("batch", digest)) for digest in (*(each.digest for each in batches), rules) if digest]
        missing = [record for record in records if not transaction.has_loaded(record)]
        if missing:
            raise NotLoaded(*missing)
        for record in records:
            data = transaction.need(record)
            if data is not None:
                transaction.create(record.key, data, place.kept)
        for sha256 in {sha256 for each in batches for sha256 in each.files}:
            self.added_assets.keep(sha256, place)

    # what is set up

    def restart_counts(self, groups: Iterable[str]) -> None:
        """Begin the sequences of these groups of fixtures anew in all scopes. Raises NotLoaded."""
        restart_in_all(self._place(""), turns_of(groups))

    # resets

    def forget(self, scope: str) -> bool:
        """Reset a scope, and forget that it exists; False if it did not. Raises NotLoaded."""
        place = self._place(scope)
        setup = place.setup
        self._delete(place, setup)
        place.reset()
        if scope:
            self._transaction.score(self._index, setups.tag(scope).encode(), None)
            self._transaction.later(lambda: self._forget_note(scope))
        return setup.exists

    def _delete(self, place: Place, setup: Setup) -> None:
        for digest in (*(each.digest for each in setup.batches), setup.rules):
            if digest:
                self._transaction.put(place.key("batch", digest), None, 0, checked=False)

    def drop(self, scope: str) -> bool:
        """See Engines. Raises NotLoaded."""
        existed = self.forget(scope) if scope else False
        place = self._place(scope)
        place.change(alias=None, drops=place.written.drops + 1)
        return existed

    def reset_all(self) -> None:
        """Reset all scopes at once, also those that this falmock does not know. Raises NotLoaded."""
        place = self._place("")
        common = place.common
        self._delete(place, place.setup)
        for each in common.batches:
            self._transaction.put(place.common_key("batch", each.digest), None, 0, checked=False)
        place.change_common(epoch=common.epoch + 1, batches=(), changes=0, has_files=False)
        self._transaction.later(self._noted.clear)


def _kept_until(setup: Setup, common: Common) -> float:
    """When what is set up is to be written again."""
    own = _NEVER if setup == NO_SETUP else setup.written + REFRESHED
    return min(own, common.written + REFRESHED) if common.written else own
