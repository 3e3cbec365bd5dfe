"""Jobs that go wrong: stuck, late to fail, without a result, or given to one runner after the other."""

from __future__ import annotations

from falmock.engine.effects import Reply
from falmock.engine.faults.replies import fault_header
from falmock.engine.faults.replies import reason_of
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.jobs.pace import Retry
from falmock.engine.jobs.pace import Schedule
from falmock.engine.prepared import JobPlan
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
# What the queue says of ids it does not know: what it says of a result that is gone is recorded nowhere.
_LOST = Answer(404, "application/json; charset=utf-8", jsontext.dump_queue(errors.NOT_FOUND))
_STUCK = {JobTrouble.STUCK_IN_QUEUE: State.QUEUED, JobTrouble.STUCK_IN_PROGRESS: State.RUNNING}


def stand_in(strike: InjectedFault) -> Fixture | None:
    """A fixture for a job that none answers, where the fault knows how it ends; None where it does not."""
    if strike.fault.answer is None:
        return None
    return Fixture(Match(), answer_of(strike.fault.answer), default_timeline(None), "", strike.source, 0)


def struck(strike: InjectedFault, course: JobPlan, endpoint: EndpointId) -> JobPlan:
    """A job's course as the fault has it go."""
    fault = strike.fault
    if fault.error is not None:
        return course._replace(answer=answer_of(fault.error, endpoint.app, endpoint.path))
    return course if fault.job is None else _in_trouble(fault.job, course, endpoint)


def _in_trouble(job: JobFault, course: JobPlan, endpoint: EndpointId) -> JobPlan:
    trouble = job.trouble
    if trouble in _STUCK:
        # It goes as a job goes that its client cancelled when it was recorded: so far, and no further by itself.
        plan = course.schedule._replace(reaches=_STUCK[trouble])
        return JobPlan(plan, answer_of(_CANCELLED), honours_cancel=True)
    if trouble is JobTrouble.RETRIED:
        return course._replace(schedule=with_retries(course.schedule, job.times))
    error = job.error
    if trouble is JobTrouble.FAILS_LATE:
        return course._replace(answer=answer_of(error or _FAILURE, endpoint.app, endpoint.path))
    lost = _LOST if error is None else answer_of(error, endpoint.app, endpoint.path)
    return course._replace(answer=lost._replace(error=None, error_type=None))


def with_retries(plan: Schedule, times: int) -> Schedule:
    """The schedule of a job whose runner goes away half way, so often; its logs are those of the last run."""
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


def webhook_plan(strike: InjectedFault | None) -> DeliveryPlan:
    """How the webhook of a job is delivered."""
    fault = strike.fault.webhook if strike is not None else None
    if strike is None or fault is None:
        return ONCE
    plan = DeliveryPlan(fault=strike.fault.name)
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


def marked(strike: InjectedFault, reply: Reply) -> Reply:
    """The reply to a submit whose job, or whose webhook, goes wrong."""
    fault = strike.fault
    if fault.error is None and fault.job is None and fault.webhook is None:
        return reply
    return reply._replace(
        headers=(*reply.headers, fault_header(fault.name)), why=f"{reply.why}; {reason_of(strike)}", fault=fault.name
    )
