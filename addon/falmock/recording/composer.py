"""Composes fixtures from exchanges: the parts that all kinds of recordings share."""

from __future__ import annotations

from typing import Any

from falmock.fixtures.matching.volatile import Ignores
from falmock.recording.document import scrubbed
from falmock.recording.document import with_urls
from falmock.recording.exchange import Exchange
from falmock.recording.files import FileUrls
from falmock.recording.match import MatchBuilder
from falmock.recording.match import call_name
from falmock.recording.outcome import Level
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.response import BuiltResponse
from falmock.recording.response import ResponseBuilder
from falmock.recording.streams import streamed
from falmock.recording.trouble import trouble
from falmock.recording.uploads import url_key
from falmock.recording.values import references
from falmock.recording.values import texts
from falmock.recording.values import values
from falmock.redaction.redactor import Redactor
from falmock.wire.formats.regex import one_call
from falmock.wire.formats.timestamps import utc_text
from falmock.wire.message import Request


class Composer:
    """Builds the parts of fixtures. With `errors`, failures of fal itself are recorded too."""

    def __init__(self, files: FileUrls, redactor: Redactor, ignores: Ignores, *, errors: bool) -> None:
        self._files = files
        self.matches = MatchBuilder(files, ignores)
        self.redactor = redactor
        self.answers = ResponseBuilder(files)
        self.errors = errors

    def answer(self, exchange: Exchange) -> BuiltResponse:
        """The `response` of a fixture. Raises NotAnAnswer."""
        return self.answers.of(exchange)

    def stream(self, exchange: Exchange) -> tuple[Any, BuiltResponse] | None:
        """The `stream` of a fixture, and what it refers to; None if the answer is not a stream. Raises NotAnAnswer."""
        return streamed(exchange, self.answers, broken_too=self.errors)

    def trouble(self, exchange: Exchange) -> str | None:
        """Why an answer is skipped as a failure of fal itself; None if it is recorded."""
        why = None if self.errors else trouble(exchange)
        return None if why is None else f"it was answered {exchange.status} ({why})"

    def recorded(self, exchange: Exchange, request_id: str | None = None) -> dict[str, Any]:
        """The `recorded` of a fixture: time, client, request id, and scope unless it is the default one."""
        request_id = request_id or exchange.headers.get("x-fal-request-id")
        return self.recorded_at(exchange.started, exchange.request, request_id)

    def recorded_at(self, at: float, request: Request, request_id: str | None = None) -> dict[str, Any]:
        """The `recorded` of a fixture for a request at a time (seconds since the epoch, 0 if unknown)."""
        recorded = {"at": utc_text(at)} if at else {}
        client = request.headers.get("user-agent")
        if client:
            recorded["client"] = client[:200]
        if request_id:
            recorded["requestId"] = request_id[:200]
        if request.scope:
            recorded["scope"] = request.scope
        return recorded

    @one_call()
    def save(self, entry: dict[str, Any], about: str, asked: float, answered: BuiltResponse) -> Save:
        """A fixture to write, without secrets; `asked` is the time of the call (seconds since the epoch)."""
        self.redactor.learn_from([entry.get(part) for part in ("response", "stream", "realtime")])
        clean = scrubbed(entry, self.redactor)
        given = {url_key(text) for text in texts(entry["match"].get("input")) if text.startswith("https://")}
        # The app's own URL on a host that is not fal's stays as the app knows it.
        urls = {key: url for key, url in answered.urls.items() if key not in given or self._files.is_file_url(url)}
        links = answered.links.keys() - given
        for key in (*urls, *links):
            self._files.name(key)
        links |= {key for key in given if self._files.named(key) is not None}
        clean = with_urls(clean, self._upload_urls(clean))
        return Save(
            clean, call_name(clean["match"]), about, asked, urls, tuple(answered.contents), links=frozenset(links)
        )

    def _upload_urls(self, entry: dict[str, Any]) -> dict[str, str]:
        """The URLs on fal of the uploaded files in an entry, with their content."""
        names = set(references([entry["match"].get("input"), *values(entry)]))
        found = ((self._files.upload_url(name.removeprefix("sha256:")), name) for name in names)
        return {url: name for url, name in found if url is not None}


def warn(text: str) -> Tell:
    """A warning: something was not recorded, or not as it came."""
    return Tell(text, Level.WARNING)
