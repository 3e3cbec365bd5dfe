"""The engine: a function from a request and the time to an effect."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from falmock.engine import additions
from falmock.engine import replies
from falmock.engine import stopped_searches
from falmock.engine.answers import Answers
from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.context import Context
from falmock.engine.context import Elsewhere
from falmock.engine.context import NewId
from falmock.engine.context import nowhere
from falmock.engine.dispatch import Dispatch
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.fault_injector import FaultInjector
from falmock.engine.faults import replies as fault_replies
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.files import spooling
from falmock.engine.files.downloads import Downloads
from falmock.engine.files.named_files import file_paths
from falmock.engine.files.uploads import Uploads
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.pace import Pace
from falmock.engine.known_forms import KnownForms
from falmock.engine.scopes import Scope
from falmock.engine.synthesis.compiled_schemas import CompiledSchemas
from falmock.engine.tokens import Tokens
from falmock.engine.webhooks.job_webhooks import JobWebhooks
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.first_match import FirstMatch
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Found
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import cors
from falmock.wire import routes
from falmock.wire.formats.regex import one_call
from falmock.wire.hosts import Role
from falmock.wire.message import Content
from falmock.wire.message import Request

if TYPE_CHECKING:
    from falmock.engine.shared.setups.additions import SetUp
    from falmock.engine.shared.setups.known_scopes import KnownScopes
    from falmock.engine.shared.sharing import Sharing

_PREFLIGHT_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")


class Engine:
    """Decides how every call of one scope is answered.

    `new_id` makes a request id from the time (seconds since the epoch): the engine itself uses no randomness and no
    clock. `secret` signs the tokens it issues. `edge` posts webhooks; without one, none are posted. `name` is the name
    of its scope, `elsewhere` finds other scopes that would answer a call. State that all scopes share (secrets to redact,
    uploaded files, scheduled webhooks, totals) is taken from
    `others`, the engine of another scope, if given. `sharing` and `known` (the scopes in the store) are set if the
    state is in a store, else it is in memory.
    """

    def __init__(
        self,
        config: Config,
        index: Index,
        new_id: NewId,
        secret: bytes,
        edge: WebhookEdge | None = None,
        *,
        others: Engine | None = None,
        name: str = "",
        elsewhere: Elsewhere = nowhere,
        sharing: Sharing | None = None,
        known: KnownScopes | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        if redactor is None:
            redactor = Redactor(*config.redact) if others is None else others.redactor
        self.redactor: Redactor = redactor
        assets, totals = (None, None) if others is None else (others.scope.assets, others.scope.journal.totals)
        self.scope: Scope = Scope(config.max_jobs, config.job_ttl, self.redactor, assets, name, totals)
        self.added: additions.Additions
        """What was set up in this scope only: fixtures, fault rules, the pace."""
        self.shared: additions.Additions
        """The fixtures added to all scopes."""
        if sharing is None or known is None:
            added_assets = self.scope.assets.added_assets
            self.added = additions.Additions(added_assets)
            self.shared = additions.Additions(added_assets, "added/all-") if others is None else others.shared
        else:
            from falmock.engine.shared.scope import SharedScope  # what one process has to itself needs no msgspec

            self.scope = SharedScope(
                sharing.current, self.scope, self.fixture, self._digest_of, lambda: self._index.fixtures
            )
            self.scope.assets.added_assets = known.added_assets
            self.added = known.additions(name)
            self.shared = known.additions_to_all() if others is None else others.shared
        self._built_of: Sequence[SetUp] | None = None
        self._files = index
        self._index = self.shared.over(index)
        self.shared_config: Config = config
        """The configuration of all scopes, without the scope's own pace."""
        self._rules: tuple[Rule, ...] = ()
        self._context = context = Context(
            config,
            _for_matching(self._index, config),
            self.scope,
            new_id,
            elsewhere=elsewhere,
            background=None if sharing is None or known is None else known.up_to_date(self, sharing.background),
            compiled=CompiledSchemas() if others is None else others.compiled,
        )
        self._answers = Answers(context)
        self.webhooks: WebhookSchedule
        if others is not None:
            self.webhooks = others.webhooks.in_scope(context)
        elif sharing is None:
            self.webhooks = WebhookSchedule(context)
        else:
            from falmock.engine.shared.webhooks import SharedSchedule

            self.webhooks = SharedSchedule(context)
        self._job_webhooks = JobWebhooks(self._answers, self.webhooks, edge)
        self._faults = FaultSelector(context)
        self._uploads = Uploads(self.scope.assets)
        downloads = Downloads(context, self._answers.find_plain)
        self._dispatch = Dispatch(
            self._answers, self._faults, self._job_webhooks, self._uploads, downloads, Tokens(secret)
        )
        self._injector = FaultInjector(self._faults, self._answers, self._dispatch.decide)
        self.known_forms = KnownForms(context, self._faults, self._dispatch.queue, self.note_ended)

    @property
    def config(self) -> Config:
        """The current configuration."""
        return self._context.config

    @property
    def compiled(self) -> CompiledSchemas:
        """The schemas of models, which all scopes share."""
        return self._context.compiled

    def fixture(self, label: str | None) -> Fixture | None:
        """The fixture with this label; None if there is none."""
        return None if label is None else self._index.by_label.get(label)

    def _digest_of(self, fixture: Fixture) -> str:
        return self._answers.prepared(fixture).plan.digest

    def would_answer(self, query: Query, names: Sequence[str]) -> bool:
        """Whether a fixture that was added to this scope matches a call to an endpoint, or to any of `names`."""
        return bool(len(self.added)) and self._answers.matches_any(query, names)

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way keep their results."""
        self._files = index
        self._rebuild_index()

    def _rebuild_index(self) -> None:
        self._index = self.added.over(self.shared.over(self._files))
        self._refresh_context()

    def _refresh_context(self) -> None:
        self._context.index = _for_matching(self._index, self.config)
        self.note_ended()  # before the answers that ended jobs need are dropped
        self.scope.forget_answers()

    def catch_up(self, known: KnownScopes) -> None:
        """Take over what others set up: before each decision, where the state is in a store. Raises NotLoaded."""
        if self._built_of is not None and known.is_caught_up(self.shared, self.added, self._built_of):
            return
        set_up = known.caught_up(self.shared, self.added)
        if set_up == self._built_of:
            self._built_of = set_up
            return
        self._built_of = None
        self._context.rules = self.added.rules + self._rules
        self.use_config(self.shared_config)
        self._rebuild_index()
        self._built_of = set_up

    def add_fixtures(
        self,
        name: str,
        fixtures: Iterable[Fixture],
        assets: Mapping[str, Asset],
        source: additions.Source = additions.NO_SOURCE,
    ) -> None:
        """Add fixtures that win over all others; `name` names the batch. Raises additions.TooMany."""
        fixtures = tuple(fixtures)
        self.added.add(name, fixtures, assets, source)
        self.use_changed(fixtures)

    def remove_fixtures(self, name: str | None = None) -> tuple[Fixture, ...] | None:
        """Remove one added batch, or all (None), and return its fixtures; None if there is no batch of this name."""
        fixtures = self.added.clear() if name is None else self.added.remove(name)
        if fixtures:
            self.use_changed(fixtures)
        return fixtures

    def use_changed(self, fixtures: Iterable[Fixture]) -> None:
        """Answer from `added` and `shared` as they are now: `fixtures` were added or removed."""
        self._built_of = None
        # Their groups have changed, so their sequences start anew.
        self._answers.restart_counts(fixture.group for fixture in map(self.config.ignore.fixture, fixtures))
        self._rebuild_index()

    def digest_of(self, url: str) -> str | None:
        """The digest of the file that a URL names; None if the file is not known here."""
        return self._answers.resolve(url)

    def expected(self, body: bytes) -> list[str]:
        """The keys of the records of a store that a call with this body needs to know the files that it names."""
        return self.scope.assets.named_in(file_paths(body, self.config.hosts))

    def made_answer(self, endpoint: str, given: dict[str, Any] | None) -> Fixture | None:
        """The answer that is made for an input of a model, or to a call without one (None), whatever `fal_miss` says.

        None if nothing is known of the model. Raises NotCanonical, ValueError.
        """
        return self._answers.made(endpoint, given)

    def expect_files(self, urls: Iterable[str]) -> None:
        """These `https:` URLs will be asked for by `file_of`: what a store has of them is loaded at once."""
        self.scope.assets.expect(_path_of(url) for url in urls)

    def file_of(self, url: str) -> Found | None:
        """The file that an `https:` URL names; None if it is not known here. A made file is made if it was not yet.

        Its content may have to be loaded.
        """
        digest = self.digest_of(url)
        if digest is None:
            return None
        assets = self.scope.assets
        found = assets.find(_path_of(url), self.assets)
        if found is not None and found.asset.sha256 == digest:
            return found
        asset = assets.content(digest, self.assets)
        return None if asset is None else Found(asset, asset.content_type)

    def add_faults(self, rules: Iterable[Rule]) -> None:
        """Set the fault rules of this scope, which win over those of all scopes."""
        self._built_of = None
        self.added.use_rules(rules)
        self._context.rules = self.added.rules + self._rules

    @property
    def faults(self) -> tuple[Rule, ...]:
        """The fault rules, in order."""
        return self._context.rules

    @property
    def index(self) -> Index:
        """All fixtures, and the files beside them."""
        return self._index

    def knows(self, request: Request) -> bool:
        """Whether a fixture would answer a run, a submit, or a call to no endpoint.

        The call is not counted.
        """
        role = self.config.hosts.role(request.host) or Role.OTHER
        call = routes.route(role, request.method, request.path, request.query)
        if isinstance(call, calls.Run | calls.Submit):
            return self._answers.ahead(request, call.endpoint) is not None
        return self._answers.knows_plain(request)

    @property
    def fixtures(self) -> tuple[Fixture, ...]:
        """All fixtures, the added ones first."""
        return self._index.fixtures

    @property
    def assets(self) -> Mapping[str, Asset]:
        """The files that fixtures refer to, by digest."""
        return self._index.assets

    def reset(self) -> None:
        """Forget jobs, counts, the journal and additions. State that all scopes share stays."""
        self.webhooks.forget(self.scope.name)
        self.added.clear()
        self.add_faults(())
        self.scope.clear()
        self.use_shared_pace()
        self._rebuild_index()

    def use_faults(self, rules: Iterable[Rule]) -> None:
        """Use other fault rules from now on; jobs under way keep their faults."""
        self._rules = tuple(rules)
        self._context.rules = self.added.rules + self._rules

    def use_pace(self, pace: Pace, text: str) -> None:
        """Use a pace of this scope's own from now on, until it is reset; jobs under way keep theirs. `text` is as a user wrote it."""
        self._built_of = None
        self.added.use_pace(additions.OwnPace(pace, text))
        self.use_config(self.shared_config)

    def use_shared_pace(self) -> None:
        """Use the pace of all scopes from now on."""
        self._built_of = None
        self.added.use_pace(None)
        self.use_config(self.shared_config)

    def use_config(self, config: Config) -> None:
        """Use another configuration from now on, with the scope's own pace if it has one; jobs under way keep their pace."""
        self.shared_config = config
        own = self.added.pace
        if own is not None:
            config = replace(config, pace=own.pace, pace_text=own.text)
        before, self._context.config = self.config, config
        if config.ignore != before.ignore or config.dialect is not before.dialect:
            self._refresh_context()
        for secret in (config.control_token, config.openai_access_key, *config.fal_keys):
            if secret:
                self.redactor.learn_value(secret)
        if config.redact != before.redact:
            self.redactor.use(*config.redact)
        self.scope.jobs.limit, self.scope.jobs.ttl = config.max_jobs, config.job_ttl

    def handle(
        self,
        request: Request,
        now: float,
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: calls.Call | None = None,
    ) -> Effect:
        """Decide about a request to one of fal's hosts at `now` (seconds since the epoch), and commit the decision.

        `instead` answers a call that would be forwarded to fal. `rewrite` changes the answer: the journal has the status
        that the client gets. `joined` rewrites the answer to a Join. `call` is what `route` would return, if it is known.
        """
        call = self.route(request) if call is None else call
        effect = self.decide(request, call, now)
        if instead is not None and isinstance(effect, Forward):
            effect = instead(effect)
        if rewrite is None or not isinstance(effect, Reply | Stream):
            self.commit(request, call, effect, now)
            return effect
        rewritten = rewrite(effect)
        self.commit(request, call, effect, now, rewritten.status)
        return rewritten

    def route(self, request: Request) -> calls.Call | None:
        """The call in a request to one of fal's hosts; None for a CORS preflight."""
        return routes.call_of(request, self._context.config.hosts)

    def decide(self, request: Request, call: calls.Call | None, now: float) -> Effect:
        """Decide about a request with this call at `now` (seconds since the epoch)."""
        self.redactor.learn(request.headers, request.query)
        config = self._context.config
        refusal = replies.bad_host(request, config.hosts)
        if refusal is not None or not config.mode.answers:
            effect: Effect = refusal or Forward(config.mode.value)
        elif call is None:
            effect = Reply(200, (_PREFLIGHT_TYPE, *cors.preflight(request.headers)), b"OK", "CORS preflight")
        else:
            with one_call() as budget:
                effect = stopped_searches.with_warning(self._injector.answer(request, call, now), budget)
            if isinstance(effect, Reply | Stream):
                effect = replies.for_pages(request, replies.with_warning_header(effect, self.redactor))
        return effect

    def commit(
        self, request: Request, call: calls.Call | None, effect: Effect, now: float, status: int | None = None
    ) -> None:
        """Record the decision about a request; `status` is the one that the client gets, if a door changes it."""
        if not isinstance(effect, Join):  # `joined` records the result
            self.scope.journal.note(request, call, effect, now, status=status)
            if isinstance(effect, Reply) and effect.job:
                self.scope.note_submit(effect.job)
        if request.content is not None:
            self.scope.assets.release(request.content)
        if self.scope.jobs.ended:
            self.note_ended()

    def note_ended(self) -> None:
        """Schedule the webhooks of jobs that ended."""
        self._job_webhooks.note_ended()

    def outcome(self, job: Job) -> Reply:
        """The result of a job that is over."""
        return self._answers.outcome(job)

    def spools(self, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether to put the body of a request on disk, by its head: the body is a file, and not a small one.

        `headers` has lower-case names. Call `handle` with the `content` of the request then.
        """
        return spooling.spools(self.config, method, host, path, headers)

    def passes(self, headers: Mapping[str, str]) -> bool:
        """Whether a body can be forwarded to fal while it comes: a fault can only be injected before that starts.

        `headers` are the request's, with lower-case names.
        """
        return HEADER not in headers and (self.config.mode is not Mode.AUTO or self._faults.is_idle)

    @property
    def tidy_at(self) -> float | None:
        """When to call `tidy` next (seconds since the epoch); None if nothing waits for it."""
        since = self.scope.assets.unfinished_since
        return None if since is None else since + self.config.job_ttl

    def tidy(self, now: float) -> None:
        """Forget the parts of uploads that were idle for `job_ttl` seconds."""
        self.scope.assets.forget_unfinished(now - self.config.job_ttl)

    def joined(
        self, request: Request, join: Join, whole: Content | Reply, now: float, rewrite: Rewrite | None = None
    ) -> Reply | Stream:
        """The answer to the request of a Join, with the joined content, or the reply that reports a problem."""
        if isinstance(whole, Content):
            reply = self._uploads.joined(request, join.key, whole)
            self.scope.assets.release(whole)
        else:
            reply = whole
        if join.injected is not None:
            reply = fault_replies.applied(join.injected, reply)
        answer = replies.for_pages(request, reply)
        rewritten = answer if rewrite is None else rewrite(answer)
        self.scope.journal.note(request, calls.UploadComplete(join.key), answer, now, status=rewritten.status)
        return rewritten


def _path_of(url: str) -> str:
    return "/" + url.removeprefix("https://").partition("/")[2].partition("?")[0]


def _for_matching(index: Index, config: Config) -> Index:
    """The fixtures as calls match them."""
    index = index.ignoring(config.ignore)
    return FirstMatch(index) if config.dialect is Dialect.AIMOCK else index
