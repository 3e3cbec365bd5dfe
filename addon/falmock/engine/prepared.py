"""What follows from a fixture and a pace alone: computed once for all calls that the fixture answers."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from falmock.engine.jobs.pace import Pace
from falmock.engine.jobs.pace import Schedule
from falmock.engine.jobs.pace import schedule
from falmock.fixtures.format.fault_answer import answer_of
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.wire.errors import ErrorSpec

LIMIT = 4096
"""How many fixtures are cached; the cache is emptied when there are more."""


class JobPlan(NamedTuple):
    """The course of a job: its schedule, its result, and whether a cancel stops it.

    The result is `failure` if that is set, else `answer`. `known_digest` is that of the answer, "" if it was made for one
    call: most of those are no jobs. `error` and `error_type` are shown in its status at the end.
    """

    schedule: Schedule
    answer: Answer
    known_digest: str
    honours_cancel: bool
    failure: ErrorSpec | None = None
    error: str | None = None
    error_type: str | None = None

    @property
    def digest(self) -> str:
        """The digest of the answer."""
        return self.known_digest or digest_of(self.answer)

    def failing(self, spec: ErrorSpec, app: str, path: str) -> JobPlan:
        """This plan with an error as the result, for a job of `app` and the path below it."""
        answer = answer_of(spec, app, path)
        return self._replace(failure=spec, error=answer.error, error_type=answer.error_type)


class Prepared(NamedTuple):
    """What follows from `fixture` at `pace`: its label, why it answers, and the plan of its jobs."""

    fixture: Fixture
    pace: Pace
    label: str
    why: str
    plan: JobPlan


class PreparedCache:
    """The prepared fixtures so far."""

    def __init__(self) -> None:
        # By identity, which is fast and stays unique while the fixture is in the cache: comparing fixtures is slow.
        self._known: dict[int, Prepared] = {}
        self._latest: Prepared | None = None
        """The one with answers for a single call that was needed last: a call needs it more than once."""

    def of(self, fixture: Fixture, pace: Pace) -> Prepared:
        """What follows from a fixture at a pace."""
        if fixture.per_call:
            if self._latest is None or self._latest.fixture is not fixture or self._latest.pace is not pace:
                self._latest = _prepared(fixture, pace)
            return self._latest
        known = self._known.get(id(fixture))
        if known is None or known.pace is not pace:
            if len(self._known) >= LIMIT:
                self._known.clear()
            known = self._known[id(fixture)] = _prepared(fixture, pace)
        return known


def _prepared(fixture: Fixture, pace: Pace) -> Prepared:
    timeline = fixture.timeline
    answer = fixture.answer
    plan = JobPlan(
        schedule(pace, timeline),
        answer,
        "" if fixture.per_call else digest_of(answer),
        timeline.honours_cancel,
        error=answer.error,
        error_type=answer.error_type,
    )
    return Prepared(fixture, pace, fixture.label, reason_of(fixture), plan)


def digest_of(answer: Answer) -> str:
    """The digest of an answer's content (SHA-256, hex): equal for equal answers."""
    digest = hashlib.sha256(repr(answer._replace(body=b"")).encode("utf-8", "surrogatepass"))
    digest.update(answer.body)
    return digest.hexdigest()


def reason_of(fixture: Fixture) -> str:
    """Why a fixture answered, in a few words."""
    if fixture.made_for:
        return fixture.made_for
    match = fixture.match
    if match.exact:
        return "exact input"
    parts = [
        name
        for name, held in (
            ("model", match.model),
            ("input", match.input),
            ("userMessage", match.user_message),
            ("host", match.host),
            ("path", match.path),
            ("context", match.context),
        )
        if held is not None
    ]
    return f"matches by {', '.join(parts)}" if parts else "matches every call"
