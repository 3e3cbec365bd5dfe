"""How shared values are written as bytes: msgpack, behind one byte that is the version of their form.

A falmock of an older release does not guess at a newer form: it raises UnknownForm, and the newer one answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from typing import Generic
from typing import NamedTuple
from typing import TypeVar

import msgspec

from falmock.engine.jobs.job import Job
from falmock.engine.jobs.job import WebhookAttempt
from falmock.engine.jobs.job import WebhookAttempts
from falmock.engine.jobs.pace import Schedule
from falmock.engine.shared.errors import UnknownForm
from falmock.fixtures.model import USUAL_URLS
from falmock.fixtures.model import Answer
from falmock.fixtures.model import CancelAnswer
from falmock.fixtures.model import JobUrls
from falmock.fixtures.model import Log
from falmock.wire.errors import ErrorSpec
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import State

T = TypeVar("T")
_encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode


class Form(Generic[T]):
    """Reads and writes values of one type. `kind` names them in messages, `version` (1 to 255) is that of the form."""

    def __init__(self, kind: str, version: int, of: type[T]) -> None:
        self._kind = kind
        self._version = version
        self._mark = bytes([version])
        self._decode = msgspec.msgpack.Decoder(of).decode

    def write(self, value: T) -> bytes:
        """The bytes of a value."""
        return self._mark + _encode(value)

    def read(self, data: bytes) -> T:
        """The value of these bytes. Raises UnknownForm."""
        if data[:1] != self._mark:
            found = data[0] if data else "none"
            raise UnknownForm(
                f"the store has a {self._kind} in form {found}, and this falmock knows form {self._version}: "
                "let all falmocks of a store have the same version"
            )
        try:
            return self._decode(memoryview(data)[1:])
        except msgspec.DecodeError as error:
            raise UnknownForm(f"the store has a {self._kind} that cannot be read: {error}") from None


class Drawn(NamedTuple):
    """The fault of the fixture that answers a job: the fixture's label, and the key of its random numbers."""

    fixture: str
    key: str


class LogForm(NamedTuple):
    """A log line as it is kept: its `labels` are JSON, as numbers in JSON have no limit."""

    at: float
    message: str
    level: str | None
    source: str | None
    labels: str | None
    zone: str
    raw: bool


class FailureForm(NamedTuple):
    """An error as it is kept; `ctx` and `more` are JSON."""

    name: str
    message: str | None
    loc: tuple[str | int, ...] | None
    ctx: str | None
    more: str
    status: int | None


class JobForm(NamedTuple):
    """A job as it is kept. The looks of clients are not: the journal has their calls."""

    request_id: str
    app: str
    host: str
    submitted: float
    deadline: float
    schedule: Schedule
    answer: str
    logs: tuple[LogForm, ...]
    inference_time: float | None
    honours_cancel: bool
    fixture: str
    why: str
    state: State
    polls: int
    ended: float | None
    touched: float
    retried: int
    endpoint: str
    failure: FailureForm | None
    error: str | None
    error_type: str | None
    injected: Drawn | None
    held: bool
    erased: bool
    urls: JobUrls | None
    cancel_answer: tuple[int, str] | None
    """Its status, and its value as JSON."""
    unseen: bool
    moves: tuple[tuple[State, float], ...]
    webhook: tuple[str, list[WebhookAttempt]] | None
    cancel_requested: bool


FIELDS = [field.name for field in fields(Job)]
NOT_KEPT = {"looks": None, "journal": 0, "number": 0, "change": 0}
"""What a job has that is not kept, and how it begins."""
Webhook = tuple[str, list[WebhookAttempt]]


class JobValues(NamedTuple):
    """What the bytes of a job say: its fields without its webhook and its fault, and what these are made of."""

    fields: tuple[Any, ...]
    webhook: Webhook | None
    injected: Drawn | None

    def job(self) -> Job:
        """A job of its own, still without its fault."""
        job = Job(*self.fields)
        if self.webhook is not None:
            host, attempts = self.webhook
            job.webhook = WebhookAttempts(host)
            job.webhook.attempts = deque(attempts, maxlen=job.webhook.attempts.maxlen)
        return job


_JOB = Form("job", 1, JobForm)
_ANSWER = Form("answer", 1, Answer)


def job_bytes(job: Job, injected: Drawn | None) -> bytes:
    """The bytes of a job; `injected` stands for its fault."""
    urls = None if job.urls is USUAL_URLS else job.urls
    webhook = webhook_of(job)
    logs = tuple(LogForm(*log._replace(labels=_json(log.labels))) for log in job.logs)  # type: ignore[arg-type]
    cancel_answer = None if job.cancel_answer is None else (job.cancel_answer.status, _text(job.cancel_answer.value))
    return _JOB.write(
        JobForm(
            job.request_id,
            job.app,
            job.host,
            job.submitted,
            job.deadline,
            job.schedule,
            job.answer,
            logs,
            job.inference_time,
            job.honours_cancel,
            job.fixture,
            job.why,
            job.state,
            job.polls,
            job.ended,
            job.touched,
            job.retried,
            job.endpoint,
            None if job.failure is None else _failure_form(job.failure),
            job.error,
            job.error_type,
            injected,
            job.held,
            job.erased,
            urls,
            cancel_answer,
            job.unseen,
            job.moves,
            webhook,
            job.cancel_requested,
        )
    )


def webhook_of(job: Job) -> Webhook | None:
    """What the webhook of a job is made of."""
    return None if job.webhook is None else (job.webhook.host, list(job.webhook.attempts))


def _failure_form(spec: ErrorSpec) -> FailureForm:
    return FailureForm(spec.name, spec.message, spec.loc, _json(spec.ctx), _json(spec.more) or "", spec.status)


def _failure(form: FailureForm) -> ErrorSpec:
    ctx, more = _mapping(form.ctx), _mapping(form.more)
    return ErrorSpec(form.name, form.message, form.loc, ctx, {} if more is None else more, form.status)


def _log(form: LogForm) -> Log:
    return Log(form.at, form.message, form.level, form.source, _mapping(form.labels), form.zone, form.raw)


def _text(value: Any) -> str:
    return jsontext.dump_exact(value, indent=None)


def _json(value: Mapping[str, Any] | None) -> str | None:
    """A mapping as JSON, "" for an empty one."""
    return None if value is None else _text(dict(value)) if value else ""


def _mapping(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else jsontext.loads_exact(text.encode("utf-8", "surrogatepass")) if text else {}


def job_values(data: bytes) -> JobValues:
    """What these bytes of a job say. Raises UnknownForm."""
    form = _JOB.read(data)
    cancel_answer = None
    if form.cancel_answer is not None:
        status, text = form.cancel_answer
        cancel_answer = CancelAnswer(status, jsontext.loads_exact(text.encode("utf-8", "surrogatepass")))
    values = form._asdict()
    values.update(
        NOT_KEPT,
        injected=None,
        webhook=None,
        logs=tuple(map(_log, form.logs)),
        failure=None if form.failure is None else _failure(form.failure),
        cancel_answer=cancel_answer,
        urls=form.urls or USUAL_URLS,
    )
    return JobValues(tuple([values[name] for name in FIELDS]), form.webhook, form.injected)


def answer_bytes(answer: Answer) -> bytes:
    """The bytes of an answer."""
    return _ANSWER.write(answer)


def answer_of(data: bytes) -> Answer:
    """The answer of these bytes. Raises UnknownForm."""
    return _ANSWER.read(data)
