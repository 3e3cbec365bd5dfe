"""Composes fixtures from exchanges: what every kind of recording has in common."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.fixtures.matching.volatile import Ignores
from falmock.recording.answer import Answered
from falmock.recording.answer import Answers
from falmock.recording.entries import Matches
from falmock.recording.entries import call_name
from falmock.recording.exchange import Exchange
from falmock.recording.files import Files
from falmock.recording.outcome import Level
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.scrub import scrubbed
from falmock.recording.streams import streamed
from falmock.recording.trouble import trouble
from falmock.redaction.redactor import Redactor
from falmock.wire.message import Request


class Composer:
    """The parts of fixtures. `errors` says that fal's own trouble is recorded too."""

    def __init__(self, files: Files, redactor: Redactor, ignores: Ignores, *, errors: bool) -> None:
        self._files = files
        self.matches = Matches(files, ignores)
        self.redactor = redactor
        self.answers = Answers(files)
        self._errors = errors

    def answer(self, exchange: Exchange) -> Answered:
        """The `response` of a fixture. Raises NotAnAnswer."""
        return self.answers.of(exchange)

    def stream(self, exchange: Exchange) -> tuple[Any, Answered] | None:
        """The `stream` of a fixture, and what it names; None for an answer that is none. Raises NotAnAnswer."""
        return streamed(exchange, self.answers, broken_too=self._errors)

    def trouble(self, exchange: Exchange) -> str | None:
        """Why an answer is left out as fal's own trouble; None for one that is recorded."""
        return None if self._errors else trouble(exchange.status, exchange.headers)

    def recorded(self, exchange: Exchange, request_id: str | None = None) -> dict[str, Any]:
        """The `recorded` of a fixture: when, by which client, as which request."""
        request_id = request_id or exchange.headers.get("x-fal-request-id")
        return self.recorded_at(exchange.started, exchange.request, request_id)

    def recorded_at(self, at: float, request: Request, request_id: str | None = None) -> dict[str, Any]:
        """The `recorded` of a fixture of something that a client asked for at a time (seconds since the epoch)."""
        recorded = {"at": datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")}
        client = request.headers.get("user-agent")
        if client:
            recorded["client"] = client[:200]
        if request_id:
            recorded["requestId"] = request_id[:200]
        return recorded

    def save(self, entry: dict[str, Any], about: str, asked: float, answered: Answered) -> Save:
        """A fixture to be written, and nothing secret in it; `asked` is when the call was made."""
        self.redactor.learn_from([entry.get(part) for part in ("response", "stream", "realtime")])
        clean = scrubbed(entry, self.redactor)
        for key in answered.urls:
            self._files.name(key)
        return Save(clean, call_name(clean["match"]), about, asked, answered.urls, tuple(answered.contents))


def warn(text: str) -> Tell:
    """Something that was not recorded as it came."""
    return Tell(text, Level.WARNING)
