"""Answers calls about jobs whose form is known: most calls are polls, and differ from one before them in the request id.

What the host, the query and the headers of a call say is looked at once for all calls like it. What may have changed since
(the job, its state, the configuration, fault rules) is looked at for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from falmock.engine import follow_ups
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.queue import Queue
from falmock.engine.tokens import PARAMETER
from falmock.wire.calls import Result
from falmock.wire.calls import Status
from falmock.wire.message import Request

BEFORE_ID = "/requests/"
ID_LENGTH = 36
"""The length of the request ids that falmock makes."""
_ASKING = ("origin", HEADER)
"""Headers that change an answer."""


class KnownForm(NamedTuple):
    """The form of a call about a job: the request and the call as they are for every job, but for the request id.

    The id stands between `before` and `behind` in the path. `app` is that of the jobs that it is usual for, None for any.
    """

    request: Request
    call: Status | Result
    before: str
    behind: str
    app: str | None
    config: Config


class KnownForms:
    """Answers the calls of one scope. `note_ended` is told that jobs have ended."""

    def __init__(self, context: Context, faults: FaultSelector, queue: Queue, note_ended: Callable[[], None]) -> None:
        self._context = context
        self._faults = faults
        self._queue = queue
        self._note_ended = note_ended

    def form_of(self, request: Request, call: object) -> KnownForm | None:
        """The form of a call that was answered; None if more than its form decides about the answer."""
        config = self._context.config
        if not isinstance(call, Status | Result) or config.mode is not Mode.REPLAY or not self._faults.is_idle:
            return None
        if request.body or request.too_large or any(name in request.headers for name in _ASKING):
            return None
        if config.auth.required or PARAMETER in request.query or not config.hosts.knows(request.host):
            return None
        before, slashes, rest = request.path.partition(BEFORE_ID)
        if not slashes or rest[:ID_LENGTH] != call.request_id:
            return None
        return KnownForm(request, call, before, rest[ID_LENGTH:], follow_ups.usual_app(call), config)

    def answer(self, form: KnownForm, request_id: str, now: float) -> Reply | None:
        """The answer to a call of this form about a job at `now` (seconds since the epoch).

        None if its answer depends on more: nothing has happened then.
        """
        context, scope = self._context, self._context.scope
        if context.config is not form.config or not self._faults.is_idle:
            return None
        job = scope.jobs.get(request_id, now)
        if job is None or (form.app is not None and job.app != form.app):
            return None
        asked, pattern = form.call, form.request
        call = (
            Status(request_id, asked.logs, asked.form) if isinstance(asked, Status) else Result(request_id, asked.form)
        )
        scope.redactor.learn(pattern.headers, pattern.query)
        answer = self._queue.about(job, call, now)
        if answer.fixture is not None:
            answer = replies.with_request_id(answer, request_id)
        path = f"{form.before}{BEFORE_ID}{request_id}{form.behind}"
        scope.journal.note(pattern.with_path(path), call, answer, now)
        if scope.jobs.ended:
            self._note_ended()
        return answer
