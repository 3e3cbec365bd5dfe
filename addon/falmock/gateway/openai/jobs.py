"""Waits for jobs in fal's queue: polls them until they are completed, and cancels them when the client stops waiting."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.gateway.openai import errors as openai_errors
from falmock.gateway.openai.errors import json_of
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.wire import endpoint as endpoint_ids
from falmock.wire import errors
from falmock.wire.message import header_map

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
"""Seconds between two polls: at first as in fal-client, later as in @fal-ai/client (PROTOCOL.md section 3.2)."""
TRIES = 4
"""After how many failed polls in a row to give up."""
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which a retry may succeed."""

Pause = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""


class _Job(NamedTuple):
    """A job, the app in its URLs, and the key of its submit."""

    request_id: str
    app: str
    key: str | None


class JobWaiter:
    """Waits for jobs that were submitted with `calls`."""

    def __init__(self, calls: FalCalls, pause: Pause) -> None:
        self._calls = calls
        self._pause = pause

    async def outcome(self, submitted: Reply, endpoint: str, key: str | None) -> Reply:
        """The result of a job, or an error; `submitted` is the answer to the submit.

        If waiting ends early, by an error or a cancellation, the job is cancelled.
        """
        if submitted.status >= 400:
            return submitted
        request_id = json_of(submitted).get("request_id")
        if not isinstance(request_id, str) or not request_id:
            return _lost(submitted, "fal accepted the call, but answered without a request id")
        job = _Job(request_id, endpoint_ids.parse(endpoint).app, key)
        is_over = False
        try:
            failure = await self._wait(job)
            is_over = failure is None or failure.status == 404
        finally:
            if not is_over:
                await self._ask(job, "PUT", "/cancel")
        if failure is None:
            return await self._result(job)
        return _lost(failure, f"a poll of job {job.request_id} was answered {failure.status}")

    async def _wait(self, job: _Job) -> Reply | None:
        """Poll until the job is completed; returns None then, else the failed answer."""
        waited, pause, failures = 0.0, FIRST_PAUSE, 0
        while True:
            reply = await self._ask(job, "GET", "/status")
            status = json_of(reply).get("status") if reply.status < 400 else None
            if status == "COMPLETED":
                return None
            failures = 0 if status else failures + 1
            if failures and (failures == TRIES or (reply.status >= 400 and reply.status not in _PASSING)):
                return reply
            if waited >= self._calls.patience:
                return _too_long(job, waited)
            await self._pause(pause)
            waited, pause = waited + pause, min(pause * 1.5, LONGEST_PAUSE)

    async def _result(self, job: _Job) -> Reply:
        pause = FIRST_PAUSE
        for _ in range(TRIES - 1):
            reply = await self._ask(job, "GET", "")
            if not _is_of_the_gateway(reply):
                break
            await self._pause(pause)
            pause = LONGEST_PAUSE
        else:
            reply = await self._ask(job, "GET", "")
        is_unknown = reply.status == 404 and json_of(reply) == errors.NOT_FOUND
        return _lost(reply, f"fal has lost the result of job {job.request_id}") if is_unknown else reply

    async def _ask(self, job: _Job, method: str, end: str) -> Reply:
        return await self._calls.ask(self._calls.about(job.app, job.request_id, method, end), job.key)


def _is_of_the_gateway(reply: Reply) -> bool:
    """Whether an answer to a result request is a failure of the gateway; a job's own result has a detail or error type."""
    headers = header_map(reply.headers)
    named = errors.ERROR_TYPE_HEADER.decode().lower() in headers or reply.fault is not None or reply.fixture is not None
    return reply.status in _PASSING - {500} and not named and "detail" not in json_of(reply)


def _lost(reply: Reply, text: str) -> Reply:
    """The answer to the client for a failure with a job.

    Other statuses would mislead the client, so they become a 502 that is not retried.
    """
    if reply.status in _PASSING or reply.status in (401, 403):
        return reply
    lost = replies.problem(502, text, reply.why, openai_errors.NO_RETRY)
    return lost._replace(fixture=reply.fixture, fault=reply.fault)


def _too_long(job: _Job, waited: float) -> Reply:
    body = {
        "detail": f"Job {job.request_id} was not over after {waited:.0f} s, and was cancelled",
        "error_type": "request_timeout",
    }
    return replies.json_reply(504, body, "the client's patience is over", (errors.TIMEOUT_TYPE_HEADER, b"user"))
