"""Finds the fixture that answers a call to an endpoint, and makes replies from its answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine import inputs
from falmock.engine import replies
from falmock.engine.context import Context
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.prepared import Prepared
from falmock.engine.prepared import PreparedCache
from falmock.engine.synthesis.input_checker import InputChecker
from falmock.engine.synthesis.input_checker import Verdict
from falmock.engine.synthesis.input_checker import failing
from falmock.engine.synthesis.synthesizer import Synthesizer
from falmock.engine.synthesis.templates import filled
from falmock.fixtures.matching import miss
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.canonical import canonical_text
from falmock.fixtures.matching.first_match import FirstMatch
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.index import for_call
from falmock.fixtures.matching.index import last_named
from falmock.fixtures.matching.match import Query
from falmock.fixtures.matching.patterns import Group
from falmock.fixtures.matching.proposed import MESSAGE
from falmock.fixtures.matching.recorded_urls import address
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.wire import upload_policy
from falmock.wire.endpoint import EndpointId
from falmock.wire.hosts import FILE_ROLES
from falmock.wire.hosts import normalize
from falmock.wire.lifecycle import DEADLINE_HEADERS
from falmock.wire.lifecycle import State
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_value

NO_DEADLINE = math.inf
"""The start deadline of calls that do not ask for one."""
MIN_DEADLINE = 0.1
MAX_MISSES = 1000
_MESSAGE, _OPENING = "message ", "opening "
_KINDS_OF_TURNS = ("", _MESSAGE, _OPENING)
"""The prefixes of a group in the counts of a scope: calls, messages and socket openings are counted separately."""


class Found(NamedTuple):
    """The fixture that answers a call, the call's start deadline in seconds, and a warning; "" if there is none."""

    fixture: Fixture
    deadline: float
    warning: str = ""


class _Cached:
    """Cached results for one index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.misses: dict[str, miss.Miss] = {}
        self.prepared = PreparedCache()


class Answers:
    """Answers calls to endpoints from the fixtures of a context, in its scope."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._cached = _Cached(context.index)
        self._checker = InputChecker(context, self.resolve)
        self._synthesizer = Synthesizer(context, self._checker)

    @property
    def _cache(self) -> _Cached:
        """The cached results for the current fixtures."""
        if self._cached.index is not self.context.index:
            self._cached = _Cached(self.context.index)
        return self._cached

    def prepared(self, fixture: Fixture) -> Prepared:
        """What follows from a fixture at the current pace."""
        return self._cache.prepared.of(fixture, self.context.config.pace)

    def timing(self, fixture: Fixture, deadline: float, request_id: str) -> tuple[Reply | None, float]:
        """The reply if the start deadline (seconds after the call) passes, else None; and how long the call takes in seconds."""
        plan = self.prepared(fixture).plan.schedule
        if not plan.by_polls and plan.started > deadline:
            late = replies.timed_out(request_id, fixture.label)
            return late._replace(delay=deadline), deadline
        return None, 0.0 if plan.by_polls else plan.completed

    def find(
        self, request: Request, endpoint: EndpointId, request_id: str, now: float, names: Sequence[str] = ()
    ) -> Found | Reply:
        """The fixture that answers a call, or the error reply.

        The call has this id, and came at `now` (seconds since the epoch). `names` are all endpoint ids that match the
        call, if there are several.
        """
        deadline = _deadline(request)
        if isinstance(deadline, Reply):
            return deadline
        query = inputs.read(request, str(endpoint), self.resolve)
        if isinstance(query, Reply):
            as_sent = inputs.read_as_sent(request, str(endpoint), self.resolve)
            found = self._select_counted(self._matching(as_sent, names))
            return query if found is None else Found(filled(found, as_sent, request_id, now), deadline)
        is_empty = not request.body and request.method != "GET" and not query.given
        verdict = self._answering(query, names, request_id, now, is_empty=is_empty)
        if isinstance(verdict, miss.Miss):
            return replies.miss_reply(verdict)
        fixture, warning = verdict
        policy = request.headers.get(upload_policy.HEADER)
        bad = None if policy is None else upload_policy.problem(policy)
        if bad is not None:
            fixture = failing(fixture, 422, {"detail": bad}, "bad upload policy")
        return Found(fixture, deadline, warning)

    def _matching(self, query: Query, names: Sequence[str]) -> Iterable[Group]:
        """The groups that match a call to an endpoint, or to any of `names` if there are several."""
        return self.context.index.matching_any(query, names) if names else self.context.index.matching(query)

    def restart_counts(self, groups: Iterable[str]) -> None:
        """Begin the sequences of these groups of fixtures anew."""
        self.context.scope.restart_counts(turns_of(groups))

    def matches_any(self, query: Query, names: Sequence[str]) -> bool:
        """Whether a fixture matches a call to an endpoint, or to any of `names` if there are several; not counted."""
        index = self.context.index.sockets if query.method == MESSAGE else self.context.index
        return next(iter(index.matching_any(query, names or (query.endpoint,))), None) is not None

    def for_message(self, query: Query, names: Sequence[str], now: float) -> Verdict | miss.Miss:
        """The fixture that answers a message on a socket with these endpoint ids, or the miss report.

        The message came at `now` (seconds since the epoch). Among equally specific fixtures, one with frames wins.
        """
        index = self.context.index
        found = (
            self._select_counted(index.before_frames(query, names))
            or self._in_turn(index.sockets.matching_any(query, names), _MESSAGE)
            or self._select_counted(index.as_call(query, names))
        )
        if found is not None:
            return self._with_call(found, query, names, self.context.new_id(now), now)
        made = self._synthesizer.made(query, names)
        if made is not None:
            return made
        has_frames = any(index.sockets.of_endpoint(name) for name in names)
        return self._miss(query, names, index.sockets if has_frames else index)

    def on_opening(self, names: Sequence[str], handshake: Request, now: float) -> Fixture | None:
        """The fixture with the frames to send when a socket with these endpoint ids opens; None if there is none."""
        context = handshake.headers.get("x-aimock-context")
        query = Query(names[0], MESSAGE, {}, "{}", "", handshake.path, context)
        found = self._in_turn(self.context.index.openings.matching_any(query, names), _OPENING)
        return found and self._filled(found, query, now)

    def _filled(self, fixture: Fixture, query: Query, now: float) -> Fixture:
        """As `filled`, for a call that has no id."""
        return filled(fixture, query, self.context.new_id(now), now) if fixture.per_call else fixture

    def made(self, endpoint: str, given: dict[str, Any] | None) -> Fixture | None:
        """As `Engine.made_answer`."""
        meant = canonical(given or {}, self.resolve)
        query = Query(endpoint, "POST", meant, canonical_text(meant), None, given=given or {})
        return self._synthesizer.anyway(query, is_empty=given is None)

    def ahead(self, request: Request, endpoint: EndpointId, names: Sequence[str] = ()) -> Fixture | None:
        """As `find`, but without counting the call, and None if no fixture would answer."""
        query = inputs.read(request, str(endpoint), self.resolve)
        if isinstance(query, Reply):
            query = inputs.read_as_sent(request, str(endpoint), self.resolve)
        for group in self.context.index.matching_any(query, names or (query.endpoint,)):
            fixture = for_call(group, self.context.scope.calls[group[0].group])
            if fixture is not None:
                return fixture
        return None

    def resolve(self, url: str) -> str | None:
        """The digest of the file that a URL names; None if the file is not known here."""
        host, _, path = url[len("https://") :].partition("/")
        role = self.context.config.hosts.role(normalize(host))
        known = None
        if role in FILE_ROLES:
            known = self.context.scope.assets.digest_of("/" + path.partition("?")[0])
        recorded = self.context.index.recorded_urls
        return recorded.get(address(url)) if known is None and recorded else known

    def find_plain(self, request: Request, now: float) -> Fixture | None:
        """The fixture that answers a call to no endpoint, or None; a fixture for GET also answers HEAD.

        The call came at `now` (seconds since the epoch).
        """
        if not self.context.index.has_plain(request.host, request.path):
            return None
        query = self._read_plain(request)
        found = self._in_turn(self.context.index.plain(query))
        if found is None and request.method == "HEAD":
            found = self._in_turn(self.context.index.plain(query._replace(method="GET")))
        return found and self._filled(found, query, now)

    def knows_plain(self, request: Request) -> bool:
        """Whether `find_plain` would find a fixture, without counting the call."""
        if not self.context.index.has_plain(request.host, request.path):
            return False
        return any(self.context.index.plain(self._read_plain(request)))

    def _read_plain(self, request: Request) -> Query:
        role = self.context.config.hosts.role(request.host)
        return inputs.read_plain(request, self.resolve, takes_files=role in FILE_ROLES)

    def recorded(self, request: Request, now: float) -> Reply | None:
        """The answer of a fixture to a call to no endpoint; None if no fixture matches."""
        fixture = self.find_plain(request, now)
        if fixture is None:
            return None
        reply = self.plain(fixture, self.prepared(fixture).why)
        if request.method != "HEAD":
            return reply
        body = reply.body
        return reply._replace(body=b"", length=body.stop - body.start if isinstance(body, FileBody) else len(body))

    def _answering(
        self, query: Query, names: Sequence[str], request_id: str, now: float, *, is_empty: bool
    ) -> Verdict | miss.Miss:
        """What answers a call, or the miss report; `is_empty`: it has no body where fal reads one."""
        fixture = self._select_counted(self._matching(query, names))
        if fixture is not None:
            return self._with_call(fixture, query, names, request_id, now, is_empty=is_empty)
        made = self._synthesizer.made(query, names, is_empty=is_empty)
        return self._miss(query, names, self.context.index) if made is None else made

    def _with_call(
        self,
        fixture: Fixture,
        query: Query,
        names: Sequence[str],
        request_id: str,
        now: float,
        *,
        is_empty: bool = False,
    ) -> Verdict:
        """What the fixture that was found answers to a call: the input is checked, and may be part of the answer."""
        verdict = self._checker.judged(fixture, query, names, is_empty=is_empty)
        if verdict.fixture.per_call:
            verdict = verdict._replace(fixture=filled(verdict.fixture, query, request_id, now))
        if verdict.fixture.answer.is_synthesized:
            return self._synthesizer.asked_for(verdict.fixture, query, names, is_empty=is_empty)
        return verdict

    def _select_counted(self, groups: Iterable[Group]) -> Fixture | None:
        """The fixture among matching groups that answers a call, by the dialect's rules; counts the call."""
        return self._first(groups) if isinstance(self.context.index, FirstMatch) else self._in_turn(groups)

    def _first(self, groups: Iterable[Group]) -> Fixture | None:
        """The first fixture for this call by aimock's rules: the call counts only for the group that answers it."""
        for (fixture,) in groups:
            turn = fixture.match.sequence_index
            if turn is None or turn == self.context.scope.calls[fixture.group]:
                self.context.scope.calls[fixture.group] += 1
                return fixture
        return None

    def _in_turn(self, groups: Iterable[Group], kind: str = "") -> Fixture | None:
        """The fixture among matching groups that answers.

        The call is counted, separately for each `kind`, in every group that is checked.
        """
        repeated = None
        for group in groups:
            if len(group) == 1 and group[0].match.sequence_index is None:
                return group[0]
            key = kind + group[0].group
            count = self.context.scope.calls[key]
            self.context.scope.calls[key] += 1
            fixture = for_call(group, count)
            if fixture is not None:
                return fixture
            # No fixture is for this call number: a less specific match wins over a repetition.
            repeated = repeated or last_named(group, count)
        return repeated

    def _miss(self, query: Query, names: Sequence[str], index: Index) -> miss.Miss:
        key = f"{miss.key_of(query)} {query.context}"
        misses = self._cache.misses
        report = misses.get(key)
        if report is None:
            report = miss.report(
                index,
                query,
                self.context.scope.redactor,
                names,
                started=self.context.config.started,
                example=self._synthesizer.example(query, names),
                synthesis=self._synthesizer.advice(query, names),
            )
            if len(misses) < MAX_MISSES:
                misses[key] = report
        # Not kept: what other scopes have changes without this one.
        return miss.with_scopes(report, self.context.elsewhere(query, names), self.context.scope.redactor)

    def reply(self, answer: Answer, app: str, request_id: str, label: str, why: str, delay: float = 0.0) -> Reply:
        """A fixture's answer as the reply to a run or for a result; `delay` in seconds."""
        body: bytes | FileBody = answer.body
        if answer.asset is not None:
            asset = self.context.index.assets.get(answer.asset)
            if asset is None:
                return replies.problem(410, "The asset of this answer is no longer in the fixtures", "asset gone")
            body = asset.data if asset.data is not None else FileBody(asset.file or "", 0, asset.size)
        headers = replies.model_headers(answer, app, request_id, label)
        return Reply(answer.status, headers, body, why, label, delay)

    def outcome(self, job: Job) -> Reply:
        """The result of a job that is over."""
        if job.state is State.CANCELLED and not job.awaits_cancel:
            return replies.cancelled(job.request_id, job.fixture)
        if job.state is State.EXPIRED:
            return replies.timed_out(job.request_id, job.fixture)
        return self.reply(self.context.scope.answer_of(job), job.app, job.request_id, job.fixture, job.why)

    def plain(self, fixture: Fixture, why: str, *extra: Header) -> Reply:
        """A fixture's answer to a call to no model: with the fixture's headers, and those of `extra` that it does not set."""
        answer = fixture.answer
        reply = self.reply(answer, "", "", fixture.label, why)
        if reply.fixture is None:
            return reply  # its asset is gone
        headers = [(b"Content-Type", header_value(answer.content_type)), *extra]
        return reply._replace(headers=replies.own_headers(headers, answer, fixture.label))


def turns_of(groups: Iterable[str]) -> set[str]:
    """The names of these groups in the counts of a scope."""
    return {kind + group for group in groups for kind in _KINDS_OF_TURNS}


def _deadline(request: Request) -> float | Reply:
    """The start deadline in seconds: what its first header says, else none. An unreadable one is refused (inferred)."""
    name = next((name for name in DEADLINE_HEADERS if name.lower() in request.headers), None)
    if name is None:
        return NO_DEADLINE
    text = request.headers[name.lower()]
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not MIN_DEADLINE < seconds < 1e9:
        return replies.problem(
            400, f"{name} should be a number of seconds above {MIN_DEADLINE}, found {text[:40]!r}", f"bad {name}"
        )
    return seconds
