"""One engine for each scope: tests that run in parallel on one mock do not affect each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import NamedTuple

from falmock.engine.additions import NO_SOURCE
from falmock.engine.additions import Source
from falmock.engine.config import Config
from falmock.engine.context import NewId
from falmock.engine.effects import Effect
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engine import Engine
from falmock.engine.files import spooling
from falmock.engine.scoped_engines import ScopedEngines
from falmock.engine.standing import Standing
from falmock.engine.standing import fixtures_digest
from falmock.engine.tickets import Tickets
from falmock.engine.totals import Totals
from falmock.engine.webhooks.request import Attempt
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.wire.calls import Call
from falmock.wire.formats import jsontext
from falmock.wire.message import Content
from falmock.wire.message import Request

if TYPE_CHECKING:
    from falmock.engine.shared.background import Background
    from falmock.engine.shared.setups.known_scopes import KnownScopes
    from falmock.engine.shared.sharing import Sharing


class Connect(NamedTuple):
    """How programs reach falmock: the URL of its proxy, and the path of its CA's certificate. None: there is none."""

    proxy: str | None = None
    ca: str | None = None


class Engines:
    """Answers each call in its scope.

    All scopes share the fixtures on disk, their fault rules and the configuration.
    """

    def __init__(
        self,
        config: Config,
        index: Index,
        new_id: NewId,
        secret: bytes,
        edge: WebhookEdge | None = None,
    ) -> None:
        self.common = Engine(config, index, new_id, secret, edge, elsewhere=self._elsewhere)
        """The engine for calls that name no scope."""
        self.connect = Connect()
        """Set by what listens, as soon as it does."""
        self.tickets: Tickets = Tickets(secret)
        """Tickets to read files of all scopes."""
        self._new_id = new_id
        self._secret = secret
        self.run: int = _run_of(secret)
        """A number of up to four digits that differs between most runs of falmock."""
        self.standing: Callable[[], Standing] | None = None
        """How this falmock and the others of its store stand; None if its state is in memory."""
        self._edge = edge
        self._known: KnownScopes | None = None
        self._sharing: Sharing | None = None
        self._index = index
        self._rules: tuple[Rule, ...] = ()
        self._files_digest: str | None = None
        self._scopes = ScopedEngines(self.common, self._new)

    def share(self, sharing: Sharing, secret: bytes) -> None:
        """Have the state in a store from now on; `secret` is that of all falmocks of the store.

        What there was in memory is forgotten.
        """
        # What one process has to itself needs no msgspec.
        from falmock.engine.shared.setups.known_scopes import KnownScopes
        from falmock.engine.shared.setups.scoped_engines import SharedScopedEngines

        def must_stay(scope: str) -> bool:
            return self.webhooks.has_any_of(scope)

        self._known = known = KnownScopes(
            sharing.current,
            self.config.job_ttl,
            lambda sha256: self.common.scope.assets.content(sha256, self._index.assets),
            must_stay,
        )
        self._sharing, self._secret, self.tickets = sharing, secret, Tickets(secret)
        self.run = _run_of(secret)
        self.common = Engine(
            self.config,
            self._index,
            self._new_id,
            secret,
            self._edge,
            elsewhere=self._elsewhere,
            sharing=sharing,
            known=known,
            redactor=self.common.redactor,  # those who show something have it already
        )
        self.common.use_faults(self._rules)
        self._scopes = SharedScopedEngines(self.common, self._new, known)

    @property
    def background(self) -> Background | None:
        """Decides on state in a store while the caller goes on; None if the state is in memory."""
        return None if self._sharing is None else self._sharing.background

    @property
    def config(self) -> Config:
        """The configuration of all scopes."""
        return self.common.shared_config

    def of(self, scope: str) -> Engine:
        """The engine of a scope, created if needed; "" is the shared scope."""
        return self._scopes.of(scope)

    @property
    def totals(self) -> Totals:
        """The counts of all scopes since the start."""
        return self.common.scope.journal.totals

    @property
    def files(self) -> Index:
        """The fixtures on disk, which all scopes share."""
        return self._index

    @property
    def files_digest(self) -> str:
        """The digest of the fixtures and fault rules on disk, which all falmocks of a store must have."""
        if self._files_digest is None:
            self._files_digest = fixtures_digest(self._index, self._rules)
        return self._files_digest

    @property
    def webhooks(self) -> WebhookSchedule:
        """The webhooks of all scopes."""
        return self.common.webhooks

    def __len__(self) -> int:
        """The number of named scopes."""
        return len(self.names)

    @property
    def names(self) -> list[str]:
        """The named scopes, the last used one at the end."""
        return self._scopes.names()

    @property
    def is_readable(self) -> bool:
        """Whether the state is in memory, or a transaction on it is under way."""
        return self._sharing is None or self._sharing.current.is_deciding

    @property
    def scopes_here(self) -> int:
        """The number of named scopes that this falmock has seen."""
        return sum(1 for _ in self._scopes.here()) - 1

    def start_of_job_keys(self, scope: str) -> str:
        """How the keys of the jobs of a scope begin in a store, "" if the state is in memory. Raises NotLoaded."""
        return "" if self._known is None else self._known.start_of_job_keys(scope)

    def peek(self, scope: str) -> Engine:
        """The engine of a scope for reading: a new one is not kept, and this does not count as a use."""
        return self._scopes.exactly(self._scopes.named(scope))

    def exactly(self, scope: str) -> Engine:
        """As `peek`, also for a name that has become an alias."""
        return self._scopes.exactly(scope)

    def existing(self, scope: str) -> Engine | None:
        """The engine of a scope for reading, as `peek`; None if there is no such scope yet."""
        return self._scopes.existing(self._scopes.named(scope))

    def named(self, scope: str) -> str:
        """The scope that calls of a scope belong to: itself, unless it is an alias."""
        return self._scopes.named(scope)

    def use_alias(self, name: str, scope: str | None) -> None:
        """Have calls of the scope `name` belong to another one from now on; None: to itself.

        Clients of one process name one scope for as long as they live, and each of its tests makes that its own.
        """
        self._scopes.use_alias(name, scope)

    def _new(self, scope: str) -> Engine:
        engine = Engine(
            self.config,
            self._index,
            self._new_id,
            self._secret,
            self._edge,
            others=self.common,
            name=scope,
            elsewhere=self._elsewhere,
            sharing=self._sharing,
            known=self._known,
        )
        engine.use_faults(self._rules)
        return engine

    def _elsewhere(self, query: Query, names: Sequence[str]) -> list[str]:
        """The scopes in which an added fixture answers a call; the one that asks is not among them, as it missed."""
        return [name for name, engine in self._scopes.with_fixtures() if engine.would_answer(query, names)]

    def drop(self, scope: str) -> bool:
        """Forget a scope and its state; False if there is none of this name. It is no alias any more, and has none."""
        return self._scopes.drop(scope)

    def reset(self, scope: str) -> None:
        """Reset a scope; "" is the shared one."""
        self._scopes.reset(self._scopes.named(scope))

    def reset_all(self) -> None:
        """Reset the shared scope, and drop all named ones."""
        self._scopes.reset_all()

    def add_to_all(
        self, name: str, fixtures: Iterable[Fixture], assets: Mapping[str, Asset], source: Source = NO_SOURCE
    ) -> None:
        """Add fixtures to all scopes; those that are added to a scope win over them. Raises additions.TooMany."""
        fixtures = tuple(fixtures)
        self.common.shared.add(name, fixtures, assets, source)
        self._scopes.use_changed(fixtures)

    def remove_from_all(self) -> None:
        """Remove the fixtures that were added to all scopes."""
        self._scopes.use_changed(self.common.shared.clear())

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way keep their results."""
        self._index = index
        self._files_digest = None
        for engine in self._scopes.here():
            engine.use_fixtures(index)

    def use_faults(self, rules: Iterable[Rule]) -> None:
        """Use other fault rules from now on; jobs under way keep their faults."""
        self._rules = tuple(rules)
        self._files_digest = None
        for engine in self._scopes.here():
            engine.use_faults(self._rules)

    def use_config(self, config: Config) -> None:
        """Use another configuration from now on; jobs under way keep their pace."""
        for engine in self._scopes.here():
            engine.use_config(config)

    def handle(
        self,
        request: Request,
        now: float,
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: Call | None = None,
    ) -> Effect:
        """See `Engine.handle`."""
        return self.of(request.scope).handle(request, now, rewrite, instead, call)

    def joined(
        self, request: Request, join: Join, whole: Content | Reply, now: float, rewrite: Rewrite | None = None
    ) -> Reply | Stream:
        """See `Engine.joined`."""
        return self.of(request.scope).joined(request, join, whole, now, rewrite)

    # webhooks

    def due_webhooks(self, now: float, most: int = 1000) -> list[Attempt]:
        """The webhooks to post at `now`, at most `most`; the caller reports the end of each to `webhook_posted`."""
        return self.webhooks.due(now, lambda scope, job: self.peek(scope).outcome(job), most)

    def webhook_posted(
        self, key: int, status: int | None, problem: str, now: float, *, is_refused: bool = False
    ) -> AttemptResult:
        """An attempt has ended: see `WebhookSchedule.posted`."""
        posted = self.webhooks.posted(key, status, problem, now, is_refused=is_refused)
        if posted.scope is not None:
            scope = self.peek(posted.scope).scope
            scope.journal.add(posted.entry)
            scope.note_webhook(posted.entry)
        return posted.result

    # files

    def spools(self, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
        """See `Engine.spools`."""
        return self.common.spools(method, host, path, headers)

    def max_body(self, request: Request) -> int:
        """How many bytes the body of a request may have when it is decoded, by its head."""
        keeps_file = spooling.keeps_file(self.config, request.method, request.host, request.path)
        return self.common.scope.assets.limit if keeps_file else jsontext.MAX_BYTES

    def passes(self, headers: Mapping[str, str]) -> bool:
        """See `Engine.passes`."""
        return self.common.passes(headers)

    def take_dropped(self) -> list[str]:
        """The files of requests that are no longer used, since the last call: the caller removes them."""
        return self.common.scope.assets.take_dropped()


def _run_of(secret: bytes) -> int:
    return int(hashlib.sha256(secret).hexdigest()[:8], 16) % 10_000
