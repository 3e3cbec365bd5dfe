"""Translates the engine's answer to a call by aimock's routes into aimock's dialect."""

from __future__ import annotations

from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.jobs.job import Job
from falmock.gateway.aimock import dialect
from falmock.gateway.aimock.routes import RoutedCall
from falmock.gateway.door import FALS_ANSWER
from falmock.wire import calls
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import State

_REFUSED = (400, 413, 422)


class Translation:
    """The translation of the answer to `called` at `now` (seconds since the epoch), in the scope of `engine`.

    An answer of the real fal is streamed through, so only the status of polls is changed.
    """

    def __init__(self, engine: Engine, called: RoutedCall, now: float, *, strict: bool) -> None:
        self._engine = engine
        self._now = now
        self._strict = strict
        self.called = called._replace(request=called.request._replace(headers=_as_json(called)))
        call = called.call
        # In aimock a second cancel of the same job succeeds too.
        before = self._job(call.request_id) if isinstance(call, calls.Cancel) else None
        self._was_cancelled = before is not None and dialect.is_cancelled(before)

    def rewrite(self, reply: Reply) -> Reply:
        """aimock's answer in place of the engine's."""
        if reply.why == FALS_ANSWER:
            return _polled(reply) if isinstance(self.called.call, calls.Status) else reply
        if reply.fault is not None:
            return reply
        match self.called.call:
            case calls.Submit():
                return self._submitted(reply)
            case calls.Run():
                return self._ran(reply)
            case calls.Status(request_id=request_id) | calls.Result(request_id=request_id):
                return self._polled_or_fetched(reply, request_id)
            case calls.Cancel():
                return self._cancelled(reply)
            case calls.Unrouted() if reply.status >= 400 and reply.fixture is None:
                return dialect.no_route(reply)
            case _:
                return reply

    def _job(self, request_id: str) -> Job | None:
        return self._engine.scope.jobs.get(request_id, self._now)

    def _submitted(self, reply: Reply) -> Reply:
        job = self._job_of(reply)
        if job is None:
            return self._ran(reply)
        answer = self._engine.scope.answer_of(job)
        if answer.worded is not None:
            return dialect.failed(reply, answer, answer.worded)
        return dialect.envelope(reply, job, self._now, legacy=self.called.legacy)

    def _job_of(self, reply: Reply) -> Job | None:
        if reply.status != 200 or not isinstance(reply.body, bytes) or not reply.body:
            return None
        value = jsontext.loads(reply.body)
        request_id = value.get("request_id") if isinstance(value, dict) else None
        return self._job(request_id) if isinstance(request_id, str) else None

    def _ran(self, reply: Reply) -> Reply:
        if reply.miss is not None:
            return dialect.missed(reply, strict=self._strict)
        fixture = self._engine.fixture(reply.fixture)
        if fixture is None:
            return dialect.refused(reply) if reply.status in _REFUSED else reply
        worded = fixture.answer.worded
        if worded is not None and reply.status >= 400:
            return dialect.failed(reply, fixture.answer, worded)
        return dialect.result(reply, of_run=True, keeps_status=self.called.legacy)

    def _polled_or_fetched(self, reply: Reply, request_id: str) -> Reply:
        """The answer to a poll or a result request."""
        job = self._job(request_id)
        if job is None:
            return dialect.unknown_job(reply, request_id) if reply.status == 404 else _polled(reply)
        is_poll, legacy = isinstance(self.called.call, calls.Status), self.called.legacy
        if is_poll or (not dialect.is_over(job) and not legacy):
            return dialect.status(reply, job, self._now, 200 if is_poll else 202, legacy=legacy)
        if not dialect.is_over(job):
            error = {"message": "Job result not yet available", "type": "not_ready"}
            return dialect.answered(reply, 409, {"error": error})
        return dialect.result(reply, of_run=False, keeps_status=job.state is State.EXPIRED)

    def _cancelled(self, reply: Reply) -> Reply:
        return dialect.cancelled(reply) if self._was_cancelled or reply.status in (200, 202) else reply


def _polled(reply: Reply) -> Reply:
    return reply._replace(status=200) if reply.status == 202 else reply


def _as_json(called: RoutedCall) -> dict[str, str]:
    """The headers of a call with a JSON content type, because aimock ignores the content type of an input."""
    headers = dict(called.request.headers)
    if isinstance(called.call, calls.Submit | calls.Run) and called.request.body:
        headers["content-type"] = "application/json"
    return headers
