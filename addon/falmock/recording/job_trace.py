"""One queued job as its client observed it in polls, logs and cancels, and its timeline.

All times are in seconds since the epoch by our clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from falmock.recording.log_lines import LogLine
from falmock.recording.log_lines import LogLines
from falmock.recording.log_lines import lines_of
from falmock.wire import errors
from falmock.wire.routes import follow_up_form
from falmock.wire.routes import form_of

_USUAL_CANCEL = {"status": 202, "json": errors.CANCELLATION_REQUESTED}
"""What a fixture means that holds no answer to the cancel."""


@dataclass(slots=True)
class JobTrace:
    """A job between its submit and its result.

    `app` is the app that it was submitted to, without the endpoint's path. `entry` has the parts of the fixture that are
    known from the submit. `asked` is when the submit was sent, `submitted` when it was answered. `end_shown`: a COMPLETED
    status was shown, with `error` and `error_type`, which are None if it had none.
    """

    request_id: str
    about: str
    entry: dict[str, Any]
    asked: float
    submitted: float
    app: str = ""
    webhook: bool = False
    positions: list[tuple[float, int]] = field(default_factory=list)
    log: LogLines = field(default_factory=LogLines)
    queued_until: float | None = None
    started: float | None = None
    running_until: float | None = None
    completed: float | None = None
    logs_until: float | None = None
    inference_time: Any = None
    end_shown: bool = False
    error: str | None = None
    error_type: str | None = None
    cancel_asked: float | None = None
    cancel_answer: dict[str, Any] | None = None
    shown_urls: dict[str, str] = field(default_factory=dict)
    other_urls: list[str] = field(default_factory=list)
    calls: int = 1
    """How many calls are part of it."""

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
        shown: list[LogLine] = []
        for at, status in events:
            self._observe_state(status, at)
            shown += self._lines_of(status, at)
        self.log.add(shown)

    def observe(self, status: Mapping[str, Any], at: float) -> None:
        """Note a status object that arrived at `at`, with the log lines so far or the latest of them."""
        self._observe_state(status, at)
        self.log.add(self._lines_of(status, at))

    def _lines_of(self, status: Mapping[str, Any], at: float) -> list[LogLine]:
        logs = status.get("logs")
        earliest = self.submitted if self.logs_until is None else self.logs_until
        if isinstance(logs, list):
            self.logs_until = at
        return lines_of(logs, earliest, at)

    def _observe_state(self, status: Mapping[str, Any], at: float) -> None:
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

    def _observe_end(self, status: Mapping[str, Any]) -> None:
        self.end_shown = True
        metrics = status.get("metrics")
        spent = metrics.get("inference_time") if isinstance(metrics, dict) else None
        if isinstance(spent, int | float) and not isinstance(spent, bool) and 0 <= spent < 1e6:
            self.inference_time = spent
        error, error_type = status.get("error"), status.get("error_type")
        self.error = error if isinstance(error, str) else self.error
        self.error_type = error_type if isinstance(error_type, str) else self.error_type

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
        if self.cancel_answer not in (None, _USUAL_CANCEL):
            queue["cancelAnswer"] = self.cancel_answer
        if self.shown_urls or self.other_urls:
            queue["urls"] = self.shown_urls | ({"others": self.other_urls} if self.other_urls else {})
        return queue | self.log.queue(self.submitted)

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
