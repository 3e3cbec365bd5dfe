"""Faults of jobs: stuck, failing late, without a result, or retried on another runner."""

from __future__ import annotations

from falmock.engine.effects import Reply
from falmock.engine.faults.replies import fault_header
from falmock.engine.faults.replies import reason_of
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.jobs.pace import Retry
from falmock.engine.jobs.pace import Schedule
from falmock.engine.prepared import JobPlan
from falmock.engine.prepared import digest_of
from falmock.engine.webhooks.delivery import ONCE
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.fixtures.fault import JobFault
from falmock.fixtures.fault import JobTrouble
from falmock.fixtures.fault import WebhookTrouble
from falmock.fixtures.format.fault_answer import answer_of
from falmock.fixtures.format.queue import default_timeline
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Match
from falmock.wire import errors
from falmock.wire.endpoint import EndpointId
from falmock.wire.errors import ErrorSpec
from falmock.wire.formats import jsontext
from falmock.wire.lifecycle import State

_FAILURE = ErrorSpec("internal_server_error")
_CANCELLED = ErrorSpec("client_cancelled")
# The queue's answer for unknown ids. No recording shows its answer for a lost result.
_LOST = Answer(404, "application/json; charset=utf-8", jsontext.dump_queue(errors.NOT_FOUND))
_LOST_DIGEST = digest_of(_LOST)
_STUCK = {JobTrouble.STUCK_IN_QUEUE: State.QUEUED, JobTrouble.STUCK_IN_PROGRESS: State.RUNNING}


def stand_in(injected: InjectedFault) -> Fixture | None:
    """A fixture for a job that no fixture answers, made from the fault; None if the fault does not say how the job ends."""
    if injected.fault.answer is None:
        return None
    return Fixture(Match(), answer_of(injected.fault.answer), default_timeline(None), "", injected.source, 0)


def applied(injected: InjectedFault, job_plan: JobPlan, endpoint: EndpointId) -> JobPlan:
    """The plan of a job with the fault applied."""
    fault = injected.fault
    if fault.error is not None:
        return job_plan.failing(fault.error, endpoint.app, endpoint.path)
    return job_plan if fault.job is None else _in_trouble(fault.job, job_plan, endpoint)


def _in_trouble(job: JobFault, job_plan: JobPlan, endpoint: EndpointId) -> JobPlan:
    trouble, app, path = job.trouble, endpoint.app, endpoint.path
    if trouble in _STUCK:
        # As a job that was recorded with a cancel: it goes as far as `reaches`, and no further by itself.
        plan = job_plan.schedule._replace(reaches=_STUCK[trouble])
        return job_plan._replace(schedule=plan, honours_cancel=True).failing(_CANCELLED, app, path)
    if trouble is JobTrouble.RETRIED:
        return job_plan._replace(schedule=with_retries(job_plan.schedule, job.times))
    error = job.error
    if trouble is JobTrouble.FAILS_LATE:
        return job_plan.failing(error or _FAILURE, app, path)
    lost = job_plan if error is None else job_plan.failing(error, app, path)
    return lost._replace(answer=_LOST, known_digest=_LOST_DIGEST, error=None, error_type=None)


def with_retries(plan: Schedule, times: int) -> Schedule:
    """The schedule of a job that loses its runner half way, `times` times; its logs are those of the last run."""
    run = plan.completed - plan.started
    retries: list[Retry] = []
    start = plan.started
    for _ in range(times):
        lost = start + run / 2
        start = lost + plan.started
        retries.append(Retry(lost, start))
    later = start - plan.started
    return plan._replace(
        completed=plan.completed + later,
        log_times=tuple(at + later if at >= plan.started else at for at in plan.log_times),
        retries=tuple(retries),
    )


def webhook_plan(injected: InjectedFault | None) -> DeliveryPlan:
    """How the webhook of a job is delivered."""
    fault = injected.fault.webhook if injected is not None else None
    if injected is None or fault is None:
        return ONCE
    plan = DeliveryPlan(fault=injected.fault.name)
    match fault.trouble:
        case WebhookTrouble.NEVER:
            return plan._replace(delays=())
        case WebhookTrouble.TWICE:
            return plan._replace(delays=(0.0, fault.seconds))
        case WebhookTrouble.BAD_SIGNATURE:
            return plan._replace(forged=True)
        case WebhookTrouble.LATE:
            return plan._replace(delays=(fault.seconds,))
        case WebhookTrouble.OUT_OF_ORDER:
            return plan._replace(delays=(fault.seconds,), yields=True)


def marked(injected: InjectedFault, reply: Reply) -> Reply:
    """The reply to a submit, with the header that names the fault of its job or its webhook."""
    fault = injected.fault
    if fault.error is None and fault.job is None and fault.webhook is None:
        return reply
    return reply._replace(
        headers=(*reply.headers, fault_header(fault.name)), why=f"{reply.why}; {reason_of(injected)}", fault=fault.name
    )
