"""The command `falmock.save`: makes fixtures of flows on the screen or from a file, in any mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mitmproxy import http

from falmock.fixtures.model import Fixture
from falmock.proxy import flows
from falmock.proxy.record import sockets
from falmock.recording.disk import recovery
from falmock.recording.disk.writer import Writer
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.recording.recorder import Recorder


class SaveCommand:
    """Saves flows once: reads them in the order in which they began, as if they happened now."""

    def __init__(self, recorder: Recorder, root: str, known: Sequence[Fixture]) -> None:
        self._recorder = recorder
        self._writer = Writer(root, known)
        self._warnings: list[str] = []
        self._counts: Counter[str] = Counter()

    def save(self, chosen: Sequence[http.HTTPFlow]) -> str:
        """Write fixtures of the flows; returns a summary. Raises OSError, ValueError, LookupError."""
        recovered = recovery.prepare(self._writer.folder.label)
        self._warnings += recovered.problems
        for flow in sorted(chosen, key=lambda flow: flow.request.timestamp_start):
            host = flows.host_of(flow.request, self._recorder.hosts)
            url = flows.target_of(flow.request, host or flows.asked_host(flow.request))
            if host is None and not self._recorder.expects(flow.request.method, url):
                self._counts["to other hosts"] += 1
                continue
            exchange = flows.exchange(flow, host or flows.asked_host(flow.request))
            for outcome in self._recorder.note(exchange):
                self._carry_out(outcome)
            if host is not None and flow.websocket is not None:
                for outcome in self._recorder.note_session(sockets.session(flow, host)):
                    self._carry_out(outcome)
        for outcome in self._recorder.finish():
            self._carry_out(outcome)
        return self._summary(len(chosen))

    def _carry_out(self, outcome: Outcome) -> None:
        carry_out(outcome, tell=self._report, learn=lambda _: None, write=self._write)

    def _report(self, outcome: Tell) -> None:
        if outcome.level is Level.WARNING:
            self._warnings.append(outcome.text)

    def _write(self, outcome: Save | Link) -> None:
        (written,) = self._writer.write([outcome])
        if isinstance(written, Exception):
            raise written
        self._counts["fixtures"] += isinstance(outcome, Save)

    def _summary(self, chosen: int) -> str:
        parts = [f"{self._counts['fixtures']} recorded from {chosen} flows in {self._writer.folder.label}"]
        if others := self._counts["to other hosts"]:
            parts.append(f"{others} to other hosts passed over")
        return "; ".join([*parts, *map(self._recorder.redactor.text, self._warnings)])
