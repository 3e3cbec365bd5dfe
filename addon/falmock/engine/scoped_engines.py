"""The engine of each scope, and the aliases of scopes, in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from falmock.engine.engine import Engine
from falmock.fixtures.model import Fixture

LIMIT = 1000
"""How many named scopes are kept; the least recently used is dropped first. And how many aliases; the oldest is."""


class ScopedEngines:
    """`common` is the engine of the calls that name no scope, whose scope is called "". `new` makes that of another one."""

    def __init__(self, common: Engine, new: Callable[[str], Engine]) -> None:
        self._common = common
        self._new = new
        self._kept: OrderedDict[str, Engine] = OrderedDict()
        self._aliases: dict[str, str] = {}

    def here(self) -> Iterator[Engine]:
        """All engines that exist here, that of the shared scope first."""
        yield self._common
        yield from self._kept.values()

    def names(self) -> list[str]:
        """The named scopes, the last used one at the end."""
        return list(self._kept)

    def named(self, scope: str) -> str:
        """The scope that calls of a scope belong to: itself, unless it is an alias."""
        return self._aliases.get(scope, scope)

    def use_alias(self, name: str, scope: str | None) -> None:
        """Have calls of the scope `name` belong to another one from now on; None: to itself."""
        self._aliases.pop(name, None)
        if scope is not None and self.named(scope) != name:
            self._aliases[name] = self.named(scope)
            if len(self._aliases) > LIMIT:
                self._aliases.pop(next(iter(self._aliases)))

    def of(self, scope: str) -> Engine:
        """The engine of a scope, or of what it is an alias of; it is created if needed."""
        scope = self._aliases.get(scope, scope)
        if not scope:
            return self._common
        engine = self._kept.get(scope)
        if engine is None:
            engine = self._kept[scope] = self._new(scope)
            if len(self._kept) > LIMIT:
                self._drop_oldest()
        else:
            self._kept.move_to_end(scope)
        return engine

    def _drop_oldest(self) -> None:
        """Forget the least recently used scope; those with undelivered webhooks stay."""
        for name in self.names()[:-1]:
            if not self._common.webhooks.has_any_of(name):
                self._kept.pop(name).remove_fixtures()
                return

    def exactly(self, scope: str) -> Engine:
        """The engine of a scope for reading, also if it has become an alias: a new one is not kept, and this is no use of it."""
        if not scope:
            return self._common
        return self._kept.get(scope) or self._new(scope)

    def existing(self, scope: str) -> Engine | None:
        """As `exactly`; None if there is no such scope yet."""
        return self._kept.get(scope) if scope else self._common

    def with_fixtures(self) -> Iterable[tuple[str, Engine]]:
        """The scopes in which fixtures may have been added."""
        return (("", self._common), *self._kept.items())

    def drop(self, scope: str) -> bool:
        """Forget a scope and its state; False if there is none of this name. It is no alias any more, and has none."""
        self._aliases = {name: of for name, of in self._aliases.items() if scope not in (name, of)}
        return self._forget(scope)

    def _forget(self, scope: str) -> bool:
        engine = self._kept.pop(scope, None)
        if engine is None:
            return False
        engine.reset()
        return True

    def reset(self, scope: str) -> None:
        """Reset a scope, which is no alias."""
        if scope:
            self._forget(scope)
        else:
            self._common.reset()

    def reset_all(self) -> None:
        """Reset the shared scope, and drop all named ones."""
        for name in self.names():
            self._forget(name)
        self._common.shared.clear()
        self._common.reset()

    def use_changed(self, fixtures: Iterable[Fixture]) -> None:
        """These fixtures were added to or removed from all scopes."""
        for engine in self.here():
            engine.use_changed(fixtures)
