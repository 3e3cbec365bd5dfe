"""The engines of the scopes in a store: each takes over what any falmock set up there before it is used."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable

from falmock.engine import scoped_engines
from falmock.engine.engine import Engine
from falmock.engine.shared.setups.known_scopes import KnownScopes
from falmock.fixtures.model import Fixture


class SharedScopedEngines(scoped_engines.ScopedEngines):
    """As ScopedEngines, with the names and aliases of `known`. All but `here` raises NotLoaded."""

    def __init__(self, common: Engine, new: Callable[[str], Engine], known: KnownScopes) -> None:
        super().__init__(common, new)
        self._known = known

    def names(self) -> list[str]:
        """See ScopedEngines."""
        return self._known.names()

    def named(self, scope: str) -> str:
        """See ScopedEngines."""
        return self._known.named(scope)

    def use_alias(self, name: str, scope: str | None) -> None:
        """See ScopedEngines."""
        self._known.use_alias(name, scope)

    def of(self, scope: str) -> Engine:
        """See ScopedEngines."""
        scope = self._known.named(scope)
        self._known.use(scope)
        return self.exactly(scope)

    def exactly(self, scope: str) -> Engine:
        """See ScopedEngines."""
        engine = self._kept.get(scope) if scope else self._common
        if engine is None:
            engine = self._kept[scope] = self._new(scope)
            if len(self._kept) > scoped_engines.LIMIT:
                self._kept.popitem(last=False)[1].added.forget()
        elif scope:
            self._kept.move_to_end(scope)
        engine.catch_up(self._known)
        return engine

    def existing(self, scope: str) -> Engine | None:
        """See ScopedEngines."""
        return self.exactly(scope) if self._known.exists(scope) else None

    def with_fixtures(self) -> Iterable[tuple[str, Engine]]:
        """See ScopedEngines."""
        return [(name, self.exactly(name)) for name in self._known.with_fixtures()]

    def drop(self, scope: str) -> bool:
        """See ScopedEngines."""
        self._common.webhooks.forget(scope)
        return self._known.drop(scope)

    def reset(self, scope: str) -> None:
        """See ScopedEngines."""
        self._common.webhooks.forget(scope)
        self._known.forget(scope)

    def reset_all(self) -> None:
        """See ScopedEngines."""
        for name in ("", *self.names()):
            self._common.webhooks.forget(name)
        self._known.reset_all()

    def use_changed(self, fixtures: Iterable[Fixture]) -> None:
        """See ScopedEngines."""
        ignore = self._common.config.ignore
        self._known.restart_counts(fixture.group for fixture in map(ignore.fixture, fixtures))
