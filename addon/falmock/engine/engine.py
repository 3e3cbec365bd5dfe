"""The engine: one function from a request and the time to what is to be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping

from falmock.engine import additions
from falmock.engine.answers import KINDS_OF_TURNS
from falmock.engine.answers import Answers
from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.context import Context
from falmock.engine.context import NewId
from falmock.engine.dispatch import Dispatch
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.fault_injector import FaultInjector
from falmock.engine.faults import replies
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.files.downloads import Downloads
from falmock.engine.files.uploads import Uploads
from falmock.engine.jobs.job import Job
from falmock.engine.scopes import Scope
from falmock.engine.tokens import Tokens
from falmock.engine.webhooks.job_webhooks import JobWebhooks
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.first_match import FirstMatch
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import cors
from falmock.wire import routes
from falmock.wire.hosts import Role
from falmock.wire.message import Content
from falmock.wire.message import Request

_TAKES_FILE = frozenset({calls.FilePut, calls.DirectUpload, calls.UploadPart})
SPOOLED_ABOVE = 1024 * 1024
"""Files longer than this (bytes), or of a length that is not told, are put on disk when they are uploaded."""
_PREFLIGHT_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")


class Engine:
    """Decides what every call of one scope is answered with.

    `new_id` makes a request id from the time (seconds since the epoch): the engine itself rolls no dice and reads no
    clock. `secret` signs the tokens it gives out, `edge` posts webhooks: without one there are none. `name` is that of
    its scope. What is nobody's own (secrets to hide, uploaded files, webhooks to be posted) is that of `others`, where
    there are other scopes.
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
    ) -> None:
        self.redactor: Redactor = Redactor(*config.redact) if others is None else others.redactor
        assets = None if others is None else others.scope.assets
        self.scope: Scope = Scope(config.max_jobs, config.job_ttl, self.redactor, assets, name)
        self._files = self._index = index
        self._rules: tuple[Rule, ...] = ()
        self.added = additions.Additions(self.scope.assets.added_assets)
        """What was added to this scope alone."""
        self._context = context = Context(config, _as_chosen(index, config), self.scope, new_id)
        self._answers = Answers(context)
        self.webhooks: WebhookSchedule = WebhookSchedule(context) if others is None else others.webhooks
        self._job_webhooks = JobWebhooks(self._answers, self.webhooks, edge)
        self._faults = FaultSelector(context)
        self._uploads = Uploads(self.scope.assets)
        downloads = Downloads(context, self._answers.find_plain)
        self._dispatch = Dispatch(
            self._answers, self._faults, self._job_webhooks, self._uploads, downloads, Tokens(secret)
        )
        self._injector = FaultInjector(self._faults, self._answers, self._dispatch.decide)

    @property
    def config(self) -> Config:
        """The configuration it works by."""
        return self._context.config

    def fixture(self, label: str | None) -> Fixture | None:
        """The fixture that an answer came from, by the label it tells."""
        return None if label is None else self._index.by_label.get(label)

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way end as they were to end."""
        self._files = index
        self._take_added()

    def _take_added(self) -> None:
        self._index = self.added.over(self._files)
        self._choose()

    def _choose(self) -> None:
        self._context.index = _as_chosen(self._index, self.config)
        self.note_ended()  # their webhooks get their answers while those are there
        self.scope.forget_answers()

    def add_fixtures(self, name: str, fixtures: Iterable[Fixture], assets: Mapping[str, Asset]) -> None:
        """Answer from these fixtures first from now on; `name` names them together. Raises additions.TooMany."""
        fixtures = tuple(fixtures)
        self.added.add(name, fixtures, assets)
        self._begin_again(fixtures)
        self._take_added()

    def remove_fixtures(self, name: str | None = None) -> tuple[Fixture, ...] | None:
        """Remove what was added by a name, or all that was added: those; None where nothing was added by this name."""
        fixtures = self.added.clear() if name is None else self.added.remove(name)
        if fixtures:
            self._begin_again(fixtures)
            self._take_added()
        return fixtures

    def _begin_again(self, fixtures: Iterable[Fixture]) -> None:
        """Count the calls to these anew: who answers in turn has changed."""
        for group in {fixture.group for fixture in map(self.config.ignore.fixture, fixtures)}:
            for kind in KINDS_OF_TURNS:
                self.scope.calls.pop(kind + group, None)

    def digest_of(self, url: str) -> str | None:
        """The digest of the file that a URL names, where it is one of those known here."""
        return self._answers.resolve(url)

    def add_faults(self, rules: Iterable[Rule]) -> None:
        """Have these rules go before those of all scopes, in place of those that were added before."""
        self.added.rules = tuple(rules)
        self._context.rules = self.added.rules + self._rules

    @property
    def faults(self) -> tuple[Rule, ...]:
        """The rules that say what goes wrong, in order."""
        return self._context.rules

    @property
    def index(self) -> Index:
        """All fixtures, and what lies beside them."""
        return self._index

    def knows(self, request: Request) -> bool:
        """Whether a fixture would answer a run, a submit, or a call that goes to no endpoint.

        The call does not count.
        """
        role = self.config.hosts.role(request.host) or Role.OTHER
        call = routes.route(role, request.method, request.path, request.query)
        if isinstance(call, calls.Run | calls.Submit):
            return self._answers.ahead(request, call.endpoint) is not None
        return self._answers.knows_plain(request)

    @property
    def fixtures(self) -> tuple[Fixture, ...]:
        """All fixtures, those that were added first."""
        return self._index.fixtures

    @property
    def assets(self) -> Mapping[str, Asset]:
        """The files that fixtures refer to, by digest."""
        return self._index.assets

    def reset(self) -> None:
        """Be as new: forget jobs, counts, the journal and what was added. What is nobody's own stays."""
        self.webhooks.forget(self.scope.name)
        self.scope.clear()
        self.added.clear()
        self.add_faults(())
        self._take_added()

    def use_faults(self, rules: Iterable[Rule]) -> None:
        """Have other rules say what goes wrong from now on; jobs under way go wrong as they were to."""
        self._rules = tuple(rules)
        self._context.rules = self.added.rules + self._rules

    def use_config(self, config: Config) -> None:
        """Work by another configuration from now on; jobs under way keep their pace."""
        before, self._context.config = self.config, config
        if config.ignore != before.ignore or config.dialect is not before.dialect:
            self._choose()
        for secret in (config.control_token, config.openai_access_key, *config.fal_keys):
            if secret:
                self.redactor.learn_value(secret)
        if config.redact != before.redact:
            self.redactor.use(*config.redact)
        self.scope.jobs.limit, self.scope.jobs.ttl = config.max_jobs, config.job_ttl

    def handle(
        self, request: Request, now: float, rewrite: Rewrite | None = None, instead: InsteadOfFal | None = None
    ) -> Effect:
        """Decide about a request to one of fal's hosts at `now` (seconds since the epoch), and commit that.

        `instead` answers a call that would go on to fal; without it, the call may. `rewrite` changes the answer: the
        journal has the status that it leaves with. The answer to a Join is rewritten by `joined`.
        """
        call = self.route(request)
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
        """The call that a request to one of fal's hosts is; None for a preflight, which is none."""
        return routes.call_of(request, self.config.hosts)

    def decide(self, request: Request, call: calls.Call | None, now: float) -> Effect:
        """What to do about a request that is this call at `now` (seconds since the epoch)."""
        self.redactor.learn(request.headers, request.query)
        if not self.config.mode.answers:
            effect: Effect = Forward(self.config.mode.value)
        elif call is None:
            effect = Reply(200, (_PREFLIGHT_TYPE, *cors.preflight(request.headers)), b"OK", "CORS preflight")
        else:
            effect = self._injector.answer(request, call, now)
            if "origin" in request.headers and isinstance(effect, Reply | Stream) and not _has_cors(effect):
                effect = effect._replace(headers=effect.headers + cors.simple(request.headers))
        return effect

    def commit(
        self, request: Request, call: calls.Call | None, effect: Effect, now: float, status: int | None = None
    ) -> None:
        """Note what was decided about a request; `status` is the one that the client gets, where a door changes it."""
        if not isinstance(effect, Join):  # `joined` tells what came of it
            self.scope.journal.note(request, call, effect, now, status=status)
        if request.content is not None:
            self.scope.assets.release(request.content)
        if self.scope.jobs.ended:
            self.note_ended()

    def note_ended(self) -> None:
        """Have the webhooks posted of the jobs that were found to be over."""
        self._job_webhooks.note_ended()

    def outcome(self, job: Job) -> Reply:
        """What a job that is over came to."""
        return self._answers.outcome(job)

    def spools(self, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether the body of a request, of which the head has come, is to be put on disk: it is a file, and not a small one.

        `headers` has lower-case names. `handle` is then given the request with its `content`.
        """
        if self.config.mode is not Mode.REPLAY or method == "OPTIONS":
            return False
        role = self.config.hosts.role(host) or Role.OTHER
        if type(routes.route(role, method, path, "")) not in _TAKES_FILE:
            return False
        length = headers.get("content-length", "")
        return not length.isdecimal() or int(length) > SPOOLED_ABOVE

    def passes(self, headers: Mapping[str, str]) -> bool:
        """Whether a body that may go on to fal can do so while it comes: a fault can only strike before anything went.

        `headers` are the request's, with lower-case names.
        """
        return HEADER not in headers and (self.config.mode is not Mode.AUTO or self._faults.is_idle)

    def take_dropped(self) -> list[str]:
        """The files that were given with requests and are of no use any more, each told once: they are to be removed."""
        return self.scope.assets.take_dropped()

    @property
    def tidy_at(self) -> float | None:
        """When `tidy` has something to do next (seconds since the epoch); None while nothing waits for that."""
        since = self.scope.assets.unfinished_since
        return None if since is None else since + self.config.job_ttl

    def tidy(self, now: float) -> None:
        """Forget the parts of uploads that nobody went on with for as long as a job is kept."""
        self.scope.assets.forget_unfinished(now - self.config.job_ttl)

    def joined(
        self, request: Request, join: Join, whole: Content | Reply, now: float, rewrite: Rewrite | None = None
    ) -> Reply | Stream:
        """The answer to the request that a Join was answered to, now that its parts came to this content, or this problem.

        `rewrite` is as in `handle`.
        """
        if isinstance(whole, Content):
            reply = self._uploads.joined(request, join.key, whole)
            self.scope.assets.release(whole)
        else:
            reply = whole
        if join.injected is not None:
            reply = replies.applied(join.injected, reply)
        if "origin" in request.headers and not _has_cors(reply):
            reply = reply._replace(headers=reply.headers + cors.simple(request.headers))
        rewritten = reply if rewrite is None else rewrite(reply)
        self.scope.journal.note(request, calls.UploadComplete(join.key), reply, now, status=rewritten.status)
        return rewritten


def _as_chosen(index: Index, config: Config) -> Index:
    """The fixtures as calls find them."""
    index = index.ignoring(config.ignore)
    return FirstMatch(index) if config.dialect is Dialect.AIMOCK else index


def _has_cors(reply: Reply | Stream) -> bool:
    return any(name == b"access-control-allow-origin" for name, _ in reply.headers)
