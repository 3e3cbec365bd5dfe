"""One queued job as its client observed it in polls, logs and cancels, and its timeline.

All times are in seconds since the epoch by our clock. Times of log lines are from fal's clock, so each is limited
to between the last poll without the line and the first poll with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from typing import Any

from falmock.wire import errors
from falmock.wire.routes import follow_up_form
from falmock.wire.routes import form_of

_USUAL_CANCEL = {"status": 202, "json": errors.CANCELLATION_REQUESTED}
"""What a fixture means that holds no answer to the cancel."""
_LEVELS = frozenset({"STDERR", "STDOUT", "ERROR", "INFO", "WARN", "DEBUG"})


@dataclass(slots=True)
class LogLine:
    """A log line, and the best estimate of when it was written (seconds since the epoch)."""

    at: float
    message: str
    level: str
    source: str


@dataclass(slots=True)
class JobTrace:
    """A job between its submit and its result.

    `app` is the app that it was submitted to, without the endpoint's path. `entry` has the parts of the fixture that are known from the submit. `asked` is when the submit was sent,
    `submitted` when it was answered.
    """

    request_id: str
    about: str
    entry: dict[str, Any]
    asked: float
    submitted: float
    app: str = ""
    webhook: bool = False
    positions: list[tuple[float, int]] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    queued_until: float | None = None
    started: float | None = None
    running_until: float | None = None
    completed: float | None = None
    logs_until: float | None = None
    logs_shown: int = 0
    inference_time: Any = None
    error: str | None = None
    error_type: str | None = None
    cancel_asked: float | None = None
    cancel_answer: dict[str, Any] | None = None
    shown_urls: dict[str, str] = field(default_factory=dict)
    other_urls: list[str] = field(default_factory=list)

    def observe_urls(self, answer: Mapping[str, Any]) -> None:
        """Note the URLs in the answer to the submit that are not the usual ones."""
        for key, action in (("response", ""), ("status", "status"), ("cancel", "cancel")):
            url = answer.get(f"{key}_url")
            form = form_of(url, self.request_id) if isinstance(url, str) else None
            if form is not None and form != follow_up_form(self.app, action):
                self.shown_urls[key] = form

    def observe_served(self, form: str) -> None:
        """Note that fal answered at a URL of this form."""
        by_response = form.endswith("/response")
        known = (f"{self.app}/requests/", *self.shown_urls.values(), *self.other_urls)
        apps = {each.rpartition("/requests/")[0] for each in known}
        if form not in known and (by_response or form.rpartition("/requests/")[0] not in apps):
            self.other_urls.append(form)

    def observe_stream(self, events: Iterable[tuple[float, Mapping[str, Any]]]) -> None:
        """Note the status objects of one stream with their arrival times; each has only new log lines."""
        shown: list[Any] = []
        for at, status in events:
            logs = status.get("logs")
            if isinstance(logs, list):
                shown += logs
            self.observe({**status, "logs": shown} if isinstance(logs, list) else status, at)

    def observe(self, status: Mapping[str, Any], at: float) -> None:
        """Note a status object that arrived at `at`, with all log lines so far."""
        state = status.get("status")
        if state == "IN_QUEUE":
            self.queued_until = at
            position = status.get("queue_position")
            if type(position) is int and position >= 0 and (not self.positions or self.positions[-1][1] != position):
                self.positions.append((at, position))
        elif state == "IN_PROGRESS":
            self.started = at if self.started is None else self.started
            self.running_until = at
        elif state == "COMPLETED" and self.completed is None:
            self.completed = at
        if state == "COMPLETED":
            self._observe_end(status)
        logs = status.get("logs")
        if isinstance(logs, list):
            self._observe_logs(logs, at)

    def _observe_end(self, status: Mapping[str, Any]) -> None:
        metrics = status.get("metrics")
        spent = metrics.get("inference_time") if isinstance(metrics, dict) else None
        if isinstance(spent, int | float) and not isinstance(spent, bool) and 0 <= spent < 1e6:
            self.inference_time = spent
        error, error_type = status.get("error"), status.get("error_type")
        self.error = error if isinstance(error, str) else self.error
        self.error_type = error_type if isinstance(error_type, str) else self.error_type

    def _observe_logs(self, logs: list[Any], at: float) -> None:
        new = logs[self.logs_shown :]
        self.logs_shown = max(self.logs_shown, len(logs))
        earliest = self.logs_until or self.submitted
        for entry in new:
            if isinstance(entry, dict) and isinstance(entry.get("message"), str):
                written = _written(entry)
                self.lines.append(
                    LogLine(
                        at if written is None else min(max(written, earliest), at),
                        entry["message"],
                        *_level_and_source(entry),
                    )
                )
        self.logs_until = at

    def timeline(self, result_at: float) -> dict[str, Any]:
        """The `queue` of the fixture, with times in seconds after the submit; a job that was never polled has no times."""
        queue: dict[str, Any] = {}
        completed = result_at if self.completed is None else self.completed
        if self._was_polled():
            started = self._started(completed)
            queue["started"] = self.after(started)
            queue["completed"] = max(self.after(completed), queue["started"])
        if self.inference_time is not None:
            queue["inferenceTime"] = self.inference_time
        positions = [{"at": self.after(at), "position": place} for at, place in self.positions]
        if positions and positions != [{"at": 0.0, "position": 0}]:  # this is the default
            queue["positions"] = positions
        if self.lines:
            queue["logs"] = [_log(line, self.after(line.at)) for line in self.lines]
        if self.cancel_answer not in (None, _USUAL_CANCEL):
            queue["cancelAnswer"] = self.cancel_answer
        if self.shown_urls or self.other_urls:
            queue["urls"] = self.shown_urls | ({"others": self.other_urls} if self.other_urls else {})
        return queue

    def _was_polled(self) -> bool:
        seen = (self.queued_until, self.running_until)
        polled = any(at is not None and at > self.submitted for at in seen)  # the answer to the submit is a status too
        return polled or self.completed is not None

    def _started(self, completed: float) -> float:
        """When the run started: between the last poll that found the job queued and the first that did not."""
        earliest = self.queued_until or self.submitted
        latest = completed if self.started is None else self.started
        if self.inference_time is None:
            return latest
        return min(max(completed - float(self.inference_time), earliest), latest)

    def after(self, at: float) -> float:
        """Seconds after the submit."""
        return round(max(at - self.submitted, 0.0), 2)


def _written(entry: Mapping[str, Any]) -> float | None:
    """When a log line was written by its own timestamp (seconds since the epoch); None if that is unknown."""
    try:
        written = datetime.fromisoformat(str(entry.get("timestamp")))
        return written.timestamp() if written.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _level_and_source(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Level and source, which some log lines have in `labels` (PROTOCOL.md section 3.2)."""
    labels = entry.get("labels")
    more = labels if isinstance(labels, dict) else {}
    level = entry.get("level", more.get("level"))
    source = entry.get("source", more.get("source"))
    return level if level in _LEVELS else "INFO", source if isinstance(source, str) else "USER"


def _log(line: LogLine, at: float) -> dict[str, Any]:
    log: dict[str, Any] = {"at": at, "message": line.message}
    if line.level != "INFO":
        log["level"] = line.level
    if line.source != "USER":
        log["source"] = line.source
    return log
