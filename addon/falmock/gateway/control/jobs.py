"""The jobs of a scope in the control API: list them, and move them by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.fixtures.format.fault import BadFault
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.format.fault_answer import answer_of
from falmock.gateway.control import job_result
from falmock.gateway.control import job_view
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import page_in
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.wire.formats import jsontext

_FAILURE = "internal_server_error"


def _list(call: Call) -> Reply:
    state, endpoint = call.query.get("state"), call.query.get("endpoint")
    jobs = [
        job
        for job in call.seen.scope.jobs.all(call.now)
        if (state is None or job.state.value == state) and (endpoint is None or job.endpoint == endpoint)
    ]
    call.seen.scope.load_answers(page_in(jobs, call.query))
    return answer(200, paged("jobs", jobs, call.query, lambda job: job_view.shown(call.seen, job, call.now)), "jobs")


def _show(call: Call) -> Reply:
    job = call.seen.scope.jobs.get(call.path["request_id"], call.now)
    return _unknown(call) if job is None else answer(200, job_view.shown(call.seen, job, call.now), "a job")


def _result(call: Call) -> Reply:
    job = call.seen.scope.jobs.get(call.path["request_id"], call.now)
    return _unknown(call) if job is None else answer(200, job_result.result(call.seen, job, call.now), "a job's result")


def _unknown(call: Call) -> Reply:
    return problem(
        404,
        f"There is no job {call.path['request_id'][:100]!r} in this scope. GET {PREFIX}/jobs lists the existing ones; the query "
        f"parameter scope selects another scope",
    )


def _changing(change: Callable[[Call, Job], Reply | None]) -> Callable[[Call], Reply]:
    """An operation that changes a job that is not over."""

    def handle(call: Call) -> Reply:
        jobs = call.engine.scope.jobs
        job = jobs.get(call.path["request_id"], call.now)
        if job is None:
            return _unknown(call)
        if job.ended is not None:
            return problem(409, f"The job is over ({job.state.value}): it cannot be changed any more")
        refused = change(call, job)
        if refused is not None:
            return refused
        jobs.settle(job)
        return answer(200, job_view.shown(call.seen, job, call.now), "a job was moved", job.request_id)

    return handle


def _advance(call: Call, job: Job) -> None:
    job.move(call.now)


def _complete(call: Call, job: Job) -> None:
    job.complete(call.now)


def _fail(call: Call, job: Job) -> Reply | None:
    error_spec = (call.body or {}).get("error", _FAILURE)
    try:
        fault = read_text(jsontext.dump_shown({"error": error_spec}))
    except BadFault as bad:
        return problem(400, f"A job cannot end with this error: {bad}")
    error = fault.error
    if error is None or fault.turns_away:
        return problem(400, "A job cannot end with this error: it is an answer to a submit")
    shown = answer_of(error, job.app, job.path)
    job.failure, job.error, job.error_type = error, shown.error, shown.error_type
    job.complete(call.now)
    return None


def _hold(_: Call, job: Job) -> None:
    job.held = True


def _release(call: Call, job: Job) -> None:
    call.engine.scope.jobs.release(job, call.now)


_JOB = MappingProxyType({200: ("The job as it is now.", ref("Job"))})
_ONE = MappingProxyType({**_JOB, 404: ("There is no such job.", ERROR)})
_MOVED = MappingProxyType({**_ONE, 409: ("The job is over.", ERROR)})
_OF_ONE = f"{PREFIX}/jobs/{{request_id}}"
_ERROR_BODY = Body(
    {
        "type": "object",
        "properties": {
            "error": {
                "type": ["string", "object"],
                "description": "The name of an error, or an object, as in the key error of a fault in fixtures.",
            }
        },
        "additionalProperties": False,
    },
    f"The error; by default {_FAILURE}.",
    {"error": "content_policy_violation"},
    required=False,
)

OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/jobs",
        "listJobs",
        "The jobs of a scope, in the order of their submits.",
        _list,
        {200: ("A page of jobs.", page_of("jobs", "Job"))},
        (
            Parameter("state", {"type": "string", "enum": job_view.STATES}, "Only jobs in this state."),
            Parameter("endpoint", {"type": "string"}, "Only jobs of this endpoint id."),
            *PAGING,
        ),
    ),
    Operation("GET", _OF_ONE, "showJob", "One job.", _show, _ONE),
    Operation(
        "GET",
        f"{_OF_ONE}/result",
        "showJobResult",
        "What a job was given and answered.",
        _result,
        {**_ONE, 200: ("Its input and its result.", ref("JobResult"))},
    ),
    Operation(
        "POST",
        f"{_OF_ONE}/advance",
        "advanceJob",
        "Move a job by one step at any pace: to running, then to its end.",
        _changing(_advance),
        _MOVED,
    ),
    Operation(
        "POST",
        f"{_OF_ONE}/complete",
        "completeJob",
        "Complete a job now, with the answer of its fixture.",
        _changing(_complete),
        _MOVED,
    ),
    Operation(
        "POST",
        f"{_OF_ONE}/fail",
        "failJob",
        "End a job now, with an error.",
        _changing(_fail),
        _MOVED,
        body=_ERROR_BODY,
    ),
    Operation(
        "POST",
        f"{_OF_ONE}/hold",
        "holdJob",
        "Hold a job in its state until it is moved or released; at the pace manual every job begins held.",
        _changing(_hold),
        _MOVED,
    ),
    Operation(
        "POST",
        f"{_OF_ONE}/release",
        "releaseJob",
        "Let a held job continue at its pace; at the pace manual it ends at once.",
        _changing(_release),
        _MOVED,
    ),
)
