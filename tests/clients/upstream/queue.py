"""The queue: jobs that move by the clock."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import Any

from clients.upstream import failures
from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.messages import gateway
from clients.upstream.models import Pace

TICK = 0.05
"""Seconds between two looks at a job whose status is streamed."""
NOT_FOUND = {"status": "NOT_FOUND"}


@dataclass
class Job:
    """A submitted request."""

    request_id: str
    endpoint: str
    base: str
    pace: Pace
    stubborn: bool
    make: Callable[[], Answer] = field(repr=False)
    deadline: float | None = None
    trouble: str | None = None
    submitted: float = field(default_factory=time.monotonic)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    cancelled: float | None = None
    _answer: Answer | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def age(self) -> float:
        return time.monotonic() - self.submitted

    @property
    def word(self) -> str:
        """IN_QUEUE, IN_PROGRESS or COMPLETED."""
        if self.age >= self._stopped:
            return "COMPLETED"
        if self.age < self.pace.queued:
            return "IN_QUEUE"
        return "IN_PROGRESS" if self.age < self.pace.queued + self.pace.running else "COMPLETED"

    @property
    def _stopped(self) -> float:
        """The age at which it ends early: cancelled, or not begun when it was to begin."""
        if self.cancelled is not None:
            return self.cancelled
        return self.deadline if self.deadline is not None and self.pace.queued > self.deadline else math.inf

    @property
    def answer(self) -> Answer:
        """What came of it, made once; for a job that is completed."""
        with self._lock:
            if self._answer is None:
                if self._stopped == math.inf:
                    self._answer = self.make()
                elif self.cancelled is None:
                    self._answer = failures.timed_out_for_user()
                else:
                    self._answer = failures.cancelled()
            return self._answer

    def cancel(self) -> bool:
        """Have it stopped if it can be; whether there was still something to stop."""
        if self.word == "COMPLETED":
            return False
        if self.word == "IN_QUEUE" or not self.stubborn:
            self.cancelled = self.age
        return True

    def status(self, *, logs: bool, beyond: int | None = None) -> tuple[str, dict[str, Any]]:
        """The state and the status object; with the log lines in the window, or all after the first `beyond`."""
        word = self.word
        url = f"https://queue.fal.run/{self.base}/requests/{self.request_id}"
        value: dict[str, Any] = {
            "status": word,
            "request_id": self.request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "logs": self._logs()[-self.pace.window if beyond is None else beyond :]
            if logs and word != "IN_QUEUE"
            else None,
            "metrics": {},
        }
        if word == "IN_QUEUE":
            value["queue_position"] = self._position()
        if word == "COMPLETED":
            value |= self._end()
        return word, value

    def _position(self) -> int:
        share = self.age / self.pace.queued if self.pace.queued else 1.0
        return max(0, self.pace.positions - 1 - int(share * self.pace.positions))

    def _logs(self) -> list[dict[str, Any]]:
        every = self.pace.running / max(1, len(self.pace.logs))
        moments = [self.pace.queued + number * every for number in range(len(self.pace.logs))]
        last = min(self.age, self._stopped)
        return [self._log(moment, line) for moment, line in zip(moments, self.pace.logs, strict=True) if moment <= last]

    def _log(self, moment: float, line: str) -> dict[str, Any]:
        at = self.at + timedelta(seconds=moment)
        if self.pace.bare:
            return {"timestamp": at.replace(tzinfo=None).isoformat(), "message": line, "labels": {}}
        labels = {"level": "INFO", "source": "USER"}
        timestamp = at.isoformat()
        return {"message": line, **labels, "timestamp": timestamp, "labels": labels}

    def _end(self) -> dict[str, Any]:
        answer = self.answer
        if answer.status >= 400 and self.pace.bare:
            return {}
        if answer.status < 400:
            return {"metrics": {"inference_time": self.pace.running + 0.1234567890123456}}
        try:
            value = json.loads(answer.content)
        except ValueError:
            value = {}
        kind = value.get("error_type")
        if kind is None and isinstance(value.get("detail"), list):
            kind = value["detail"][0]["type"]
        shown = value.get("detail")
        error = shown if isinstance(shown, str) else f"Invalid status code: {answer.status}"
        return {"error": error, "error_type": kind or "internal_error"}


class Queue:
    """All jobs, by request id."""

    def __init__(self, wait: Callable[[float], bool]) -> None:
        """`wait` lets time pass, and tells whether the server is stopping."""
        self.jobs: dict[str, Job] = {}
        self._wait = wait

    def submit(self, job: Job) -> Answer:
        self.jobs[job.request_id] = job
        return _about(job, gateway(200, job.status(logs=False)[1]))

    def follow_up(self, asked: Asked, base: str, request_id: str, action: str) -> Answer:
        """Status, its stream, result or cancel of a job, by the URL's parts."""
        job = self.jobs.get(request_id)
        wanted = {"cancel": "PUT"}.get(action, "GET")
        if action not in ("", "status", "status/stream", "cancel"):
            return Answer(404, (("Content-Type", "text/plain; charset=utf-8"),), b"404: Not Found")
        if asked.method != wanted or (job is not None and len(base) > len(job.base)):
            return Answer(
                405, (("Content-Type", "text/plain; charset=utf-8"), ("Allow", wanted)), b"405: Method Not Allowed"
            )
        if job is None:
            return gateway(404, NOT_FOUND)
        if action == "cancel":
            return _about(job, _cancel(job))
        if action == "status":
            word, value = job.status(logs=_wants_logs(asked))
            return _about(job, gateway(200 if word == "COMPLETED" else 202, value))
        if action == "status/stream":
            head = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
            return _about(job, Answer(200, head, self._statuses(job, logs=_wants_logs(asked))))
        if job.word != "COMPLETED":
            return _about(job, gateway(400, {"detail": "Request is still in progress"}))
        return job.answer

    def _statuses(self, job: Job, *, logs: bool) -> Iterator[bytes]:
        """A status whenever it changed, each with the log lines that are new."""
        told, last = 0, None
        while True:
            word, value = job.status(logs=logs, beyond=told)
            seen = (word, value.get("queue_position"), value["logs"])
            if last is None or seen[:2] != last[:2] or value["logs"]:
                told += len(value["logs"] or ())
                yield b"data: " + json.dumps(value).encode() + b"\n\n"
            if word == "COMPLETED":
                return
            last = seen
            if self._wait(TICK):
                return


def _about(job: Job, answer: Answer) -> Answer:
    """The answer with the request id of its job in a header, as all answers of fal's own servers have one."""
    return answer.having(("x-fal-request-id", job.request_id))


def _cancel(job: Job) -> Answer:
    waits = job.word == "IN_QUEUE"
    if job.cancel():
        return gateway(200, {"status": "OK"}) if waits else gateway(202, {"status": "CANCELLATION_REQUESTED"})
    return gateway(400, {"status": "ALREADY_COMPLETED"})


def _wants_logs(asked: Asked) -> bool:
    return asked.parameters.get("logs") in ("1", "true")
