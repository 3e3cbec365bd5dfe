"""Follows traffic call by call and returns the fixtures to write. It does not change traffic and does no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from falmock.fixtures.matching.match import REGEX
from falmock.fixtures.matching.volatile import Ignores
from falmock.recording import streams
from falmock.recording import webhook_results
from falmock.recording import ws_runs
from falmock.recording.composer import Composer
from falmock.recording.composer import warn
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session
from falmock.recording.files import FileUrls
from falmock.recording.jobs import JobTraces
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import Known
from falmock.recording.outcome import Link
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.response import BuiltResponse
from falmock.recording.response import NotAnAnswer
from falmock.recording.sockets import SocketFixtures
from falmock.recording.uploads import File
from falmock.recording.uploads import Sink
from falmock.recording.uploads import UploadTraces
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import routes
from falmock.wire.formats import jsontext
from falmock.wire.hosts import FILE_ROLES
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Content
from falmock.wire.message import Request

_PLAIN_HOSTS = {"api.fal.ai": "/", "fal.ai": "/api/"}
"""Hosts whose other calls are recorded as plain HTTP, if the path begins with this."""
_TIME_AS_NAME = re.compile(r"[0-9]{13}\.[\w.+-]+")
_REDIRECTS = (301, 302, 303, 307, 308)
_CREDENTIALS = ("/v1/keys", "/tokens", "/.well-known", "/oauth")
"""Paths that are never recorded, because their answers are credentials."""


class Recorder:
    """Turns exchanges into outcomes.

    `join` concatenates the parts of an upload (see `UploadTraces`). `max_jobs` is how many jobs are followed at a time.
    With `errors`, failures of fal itself are recorded too.
    """

    def __init__(
        self,
        hosts: Hosts,
        redactor: Redactor,
        ignores: Ignores,
        join: Callable[[list[Content]], Content],
        *,
        max_jobs: int = 10_000,
        errors: bool = False,
    ) -> None:
        self.hosts = hosts
        self.redactor = redactor
        self.files = FileUrls(hosts)
        self.uploads = UploadTraces(join)
        self._composer = Composer(self.files, redactor, ignores, errors=errors)
        self._jobs = JobTraces(self._composer, max_jobs)
        self._sockets = SocketFixtures(self._composer)

    def sink(self, method: str, host: str, path: str) -> Sink:
        """What the recorder needs of the body of a request to this host, which may be any host."""
        if method == "POST" and self.hosts.role(host) is Role.CDN:
            direct = isinstance(routes.route(Role.CDN, method, path, ""), calls.DirectUpload)
            return Sink.HASH if direct else Sink.NOTHING
        return self.uploads.sink(method, f"https://{host}{path}") if method == "PUT" else Sink.NOTHING

    def expects(self, method: str, url: str) -> bool:
        """Whether a call to a host that is not fal's is recorded: of an upload, or of a file that an answer names."""
        return self.uploads.expects(method, url) or (method == "GET" and self.files.named(url) is not None)

    def note(self, exchange: Exchange) -> list[Outcome]:
        """The outcomes of one exchange with a host of fal's, or that `expects` accepts."""
        request = exchange.request
        self.redactor.learn(request.headers, request.query)
        self.redactor.learn(exchange.headers)
        if request.method == "OPTIONS":
            return []
        url = f"https://{request.host}{request.path}"
        if self.uploads.expects(request.method, url):
            return self._upload_proceeds(url, exchange)
        role = self.hosts.role(request.host)
        if role is None or not self.hosts.claims(request.host, f"{request.path}?{request.query}"):
            return [] if self.files.named(url) is None else self._download(exchange)
        return self._handle(routes.route(role, request.method, request.path, request.query), exchange)

    def note_delivery(self, request: Request, at: float) -> list[Outcome]:
        """The outcomes of a request to any other host, which may be a webhook about a job that is followed."""
        delivered = webhook_results.read(request, at)
        return [] if delivered is None else self._jobs.deliver(delivered)

    def note_session(self, session: Session) -> list[Outcome]:
        """The outcomes of a socket to a host of fal's, once it is closed."""
        request = session.request
        self.redactor.learn(request.headers, request.query)
        role = self.hosts.role(request.host)
        if role is None:
            return []
        call = routes.route(role, request.method, request.path, request.query, upgrade=True)
        if isinstance(call, calls.Socket):
            return self._sockets.record(call.endpoint, session)
        if isinstance(call, calls.RunSocket):
            return self._ws_runs(call, session)
        return []

    def finish(self) -> list[Outcome]:
        """The outcomes at the end of the recording."""
        return self._jobs.finish()

    def _handle(self, call: calls.Call, exchange: Exchange) -> list[Outcome]:
        if exchange.status == 101:
            return []  # `note_session` handles the socket once it is closed
        if exchange.request.headers.get("upgrade", "").lower() == "websocket":
            where = f"https://{exchange.request.host}{exchange.request.path}"
            return [warn(f"the socket to {where} was refused ({exchange.status}) and is not recorded")]
        if isinstance(call, calls.Run | calls.Stream):
            return self._run(call, exchange)
        if isinstance(call, calls.Submit):
            return self._jobs.submit(call, exchange)
        if isinstance(call, calls.Status | calls.StatusStream | calls.Result | calls.Cancel):
            return self._jobs.follow_up(call, exchange)
        if isinstance(call, calls.FileGet):
            return self._download(exchange)
        if isinstance(call, calls.Token):
            self._learn_token(exchange.body)
            return []
        if isinstance(call, calls.WebhookKeys):
            return []  # falmock signs with its own keys
        if isinstance(call, calls.ProviderMapping):
            is_answer = exchange.status == 200 and b'"fal-ai"' in exchange.body
            return self._plain(exchange, any_query=True) if is_answer else []
        if isinstance(call, calls.Unrouted):
            return self._plain_call(exchange)
        if isinstance(call, calls.CdnToken):
            self._learn_token(exchange.body)
        if isinstance(call, calls.DirectUpload) and exchange.lost and exchange.status < 300:
            url = f"https://{exchange.request.host}{exchange.request.path}"
            return [_content_lost(url, exchange), *self._plain(exchange._replace(lost=""), any_query=True)]
        return self._uploaded(self.uploads.start(call, exchange) if exchange.status < 300 else None)

    def _run(self, call: calls.Run | calls.Stream, exchange: Exchange) -> list[Outcome]:
        about = f"the run of {call.endpoint}"
        why = self._composer.trouble(exchange)
        if why is not None:
            return [warn(f"{about} was answered {exchange.status} ({why}) and is not recorded")]
        try:
            match = self._composer.matches.of_endpoint(exchange.request, str(call.endpoint))
            stream = self._composer.stream(exchange) if streams.is_requested(call, exchange.request) else None
            answered = self._composer.answer(exchange) if stream is None else stream[1]
        except (NotAnInput, NotAnAnswer) as error:
            return [warn(f"{about} cannot be recorded: {error}")]
        entry = {"match": match}
        if stream is None:
            entry["response"] = answered.response
            entry["queue"] = {"started": 0.0, "completed": round(max(exchange.ended - exchange.started, 0.0), 2)}
        else:
            entry["stream"] = stream[0]
            if exchange.broke_off:
                about += ", which broke off"
                entry["fault"] = streams.breaking_off(stream[0])
        entry["recorded"] = self._composer.recorded(exchange)
        return [self._composer.save(entry, about, exchange.started, answered)]

    def _ws_runs(self, call: calls.RunSocket, session: Session) -> list[Outcome]:
        runs = list(ws_runs.exchanges(session))
        for run in runs:
            self.redactor.learn(run.headers)
        outcomes = [outcome for run in runs for outcome in self._run(calls.Run(call.endpoint), run)]
        unanswered = sum(message.from_client for message in session.messages) - len(runs)
        if unanswered:
            outcomes.append(
                warn(f"{unanswered} runs of {call.endpoint} over a socket are not recorded: no whole answer")
            )
        return outcomes

    # files

    def _upload_proceeds(self, url: str, exchange: Exchange) -> list[Outcome]:
        if exchange.status >= 300:
            return []
        if exchange.lost and exchange.request.method == "PUT":
            return self._lost_upload(url, exchange)
        return self._uploaded(self.uploads.proceed(url, exchange))

    def _uploaded(self, file: File | None) -> list[Outcome]:
        if file is None:
            return []
        self.files.upload(file)
        return [Known(file)]

    def _lost_upload(self, url: str, exchange: Exchange) -> list[Outcome]:
        """Record the start of an upload with unknown bytes, so that replay takes those of the app at the same URL."""
        outcomes: list[Outcome] = [_content_lost(url, exchange)]
        started = self.uploads.lose(url)
        for outcome in [] if started is None else self._plain(self._upload_start(started)):
            if isinstance(outcome, Save):
                _accept_any_time(outcome.entry["match"].get("input", {}))
            outcomes.append(outcome)
        return outcomes

    def _upload_start(self, started: Exchange) -> Exchange:
        """The start of an upload as it is recorded: its content goes to a host of fal's, else it would leave in replay."""
        request = started.request
        if jsontext.object_of(request.body) is not None:  # whatever type the source of the capture says
            typed = {**request.headers, "content-type": "application/json"}
            started = started._replace(request=request._replace(headers=typed))
        answer = jsontext.object_of(started.body, exact=True) or {}
        upload_url, file_url = answer.get("upload_url"), answer.get("file_url")
        if isinstance(upload_url, str) and not self.files.is_file_url(upload_url):
            return started._replace(body=jsontext.dump_exact({**answer, "upload_url": file_url}, indent=None).encode())
        return started

    def _download(self, exchange: Exchange) -> list[Outcome]:
        url = f"https://{exchange.request.host}{exchange.request.path}"
        if exchange.request.method == "GET" and exchange.status in _REDIRECTS and "location" in exchange.headers:
            self.files.redirect(url, exchange.headers["location"])
            return []
        if exchange.request.method != "GET" or not _is_whole(exchange):
            return []
        if self.files.uploaded(url):
            return []  # replay serves uploaded files by itself
        if exchange.lost:
            return [warn(f"the file {url} is not kept: {exchange.lost}")]
        named = self.files.named(url)
        if named is not None:
            return [Link(named, exchange.downloaded, exchange.content_type)]
        return self._plain(exchange._replace(status=200))

    # everything else

    def _plain_call(self, exchange: Exchange) -> list[Outcome]:
        request = exchange.request
        below = _PLAIN_HOSTS.get(request.host)
        if below is None or not request.path.startswith(below) or request.path.startswith(_CREDENTIALS):
            return []
        return self._plain(exchange) if exchange.status < 300 else []

    def _plain(self, exchange: Exchange, *, any_query: bool = False) -> list[Outcome]:
        """Record a call to no endpoint; `any_query`: clients spell its query in different ways, so it does not count."""
        request = exchange.request
        about = f"{request.method} https://{request.host}{request.path}"
        takes_files = self.hosts.role(request.host) in FILE_ROLES
        try:
            match = self._composer.matches.of_plain_call(request, takes_files=takes_files)
            if any_query:
                match = {key: match[key] for key in ("method", "host", "path")}
            answered = self._composer.answer(exchange)
        except (NotAnInput, NotAnAnswer) as error:
            return [warn(f"{about} cannot be recorded: {error}")]
        entry = {"match": match, "response": answered.response, "recorded": self._composer.recorded(exchange)}
        kept = BuiltResponse(answered.response, {}, answered.contents)
        return [self._composer.save(entry, about, exchange.started, kept)]

    def _learn_token(self, body: bytes) -> None:
        value = jsontext.value_of(body)
        for token in (value.get("token"), value.get("detail")) if isinstance(value, dict) else (value,):
            if isinstance(token, str):
                self.redactor.learn_value(token)


def _accept_any_time(announced: dict[str, Any]) -> None:
    """Replace the name that the JavaScript client gives a file without one, its time (PROTOCOL.md section 6.1)."""
    name = announced.get("file_name")
    if isinstance(name, str) and _TIME_AS_NAME.fullmatch(name):
        announced["file_name"] = {REGEX: f"^[0-9]{{13}}{re.escape(name[13:])}$"}


def _content_lost(url: str, exchange: Exchange) -> Outcome:
    text = f"the content of an upload to {url} is unknown ({exchange.lost}): in replay it is what the app uploads"
    return warn(text)


def _is_whole(exchange: Exchange) -> bool:
    """Whether a download is the whole file: media players request `bytes=0-`, which is all of it as a range."""
    if exchange.status == 200:
        return True
    span, _, size = exchange.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    first, _, last = span.partition("-")
    return exchange.status == 206 and first == "0" and last.isdigit() and size.isdigit() and int(last) + 1 == int(size)
