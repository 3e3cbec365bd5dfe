"""One engine for each scope: tests that run side by side on one mock never see each other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from falmock.engine.config import Config
from falmock.engine.context import NewId
from falmock.engine.effects import Effect
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engine import Engine
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index
from falmock.wire.message import Content
from falmock.wire.message import Request

LIMIT = 1000
"""How many named scopes are kept; the one that was not used for longest goes first."""


class Engines:
    """Answers each call in its scope.

    All scopes have the fixtures, the rules for faults and the configuration in common.
    """

    def __init__(self, config: Config, index: Index, new_id: NewId, secret: bytes = b"falmock") -> None:
        self.common = Engine(config, index, new_id, secret)
        """What answers calls that name no scope."""
        self._new_id = new_id
        self._secret = secret
        self._index = index
        self._rules: tuple[Rule, ...] = ()
        self._scoped: OrderedDict[str, Engine] = OrderedDict()

    @property
    def config(self) -> Config:
        """The configuration of all scopes."""
        return self.common.config

    def of(self, scope: str) -> Engine:
        """The engine of a scope, begun where it is new; "" is the one that all share."""
        if not scope:
            return self.common
        engine = self._scoped.get(scope)
        if engine is None:
            engine = self._scoped[scope] = self._new()
            if len(self._scoped) > LIMIT:
                self._scoped.popitem(last=False)[1].remove_fixtures()
        else:
            self._scoped.move_to_end(scope)
        return engine

    @property
    def names(self) -> list[str]:
        """The scopes there are, the one used last at the end."""
        return list(self._scoped)

    def peek(self, scope: str) -> Engine:
        """The engine of a scope, to be looked at: one that is new is not kept, and none is kept longer for it."""
        if not scope:
            return self.common
        return self._scoped.get(scope) or self._new()

    def _new(self) -> Engine:
        engine = Engine(self.config, self._index, self._new_id, self._secret, self.common)
        engine.use_faults(self._rules)
        return engine

    def drop(self, scope: str) -> bool:
        """Forget a scope and all that was in it; False where there is none of this name."""
        engine = self._scoped.pop(scope, None)
        if engine is None:
            return False
        engine.reset()
        return True

    def reset(self, scope: str) -> None:
        """Have a scope be as new; "" is the one that all share."""
        if scope:
            self.drop(scope)
        else:
            self.common.reset()

    def reset_all(self) -> None:
        """Have all be as new: there are no named scopes any more."""
        for name in self.names:
            self.drop(name)
        self.common.reset()

    def _all(self) -> Iterator[Engine]:
        yield self.common
        yield from self._scoped.values()

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way end as they were to end."""
        self._index = index
        for engine in self._all():
            engine.use_fixtures(index)

    def use_faults(self, rules: Iterable[Rule]) -> None:
        """Have other rules say what goes wrong from now on; jobs under way go wrong as they were to."""
        self._rules = tuple(rules)
        for engine in self._all():
            engine.use_faults(self._rules)

    def use_config(self, config: Config) -> None:
        """Work by another configuration from now on; jobs under way keep their pace."""
        for engine in self._all():
            engine.use_config(config)

    def handle(
        self, request: Request, now: float, rewrite: Rewrite | None = None, instead: InsteadOfFal | None = None
    ) -> Effect:
        """See `Engine.handle`."""
        return self.of(request.scope).handle(request, now, rewrite, instead)

    def joined(
        self, request: Request, join: Join, whole: Content | Reply, now: float, rewrite: Rewrite | None = None
    ) -> Reply | Stream:
        """See `Engine.joined`."""
        return self.of(request.scope).joined(request, join, whole, now, rewrite)

    def spools(self, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
        """See `Engine.spools`."""
        return self.common.spools(method, host, path, headers)

    def passes(self, headers: Mapping[str, str]) -> bool:
        """See `Engine.passes`."""
        return self.common.passes(headers)

    def take_dropped(self) -> list[str]:
        """See `Engine.take_dropped`."""
        return self.common.take_dropped()
