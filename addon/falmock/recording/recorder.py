"""Follows traffic call by call and returns the fixtures to write. It does not change traffic and does no I/O."""

from __future__ import annotations

from collections.abc import Callable

from falmock.fixtures.matching.volatile import Ignores
from falmock.recording import streams
from falmock.recording import unknown_uploads
from falmock.recording import webhook_results
from falmock.recording import ws_runs
from falmock.recording.composer import Composer
from falmock.recording.composer import warn
from falmock.recording.downloads import Downloads
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session
from falmock.recording.files import FileUrls
from falmock.recording.jobs import JobTraces
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import Known
from falmock.recording.outcome import Level
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import of_session
from falmock.recording.outcome import uncounted
from falmock.recording.plain_calls import PlainCalls
from falmock.recording.plain_calls import name_of
from falmock.recording.response import NotAnAnswer
from falmock.recording.sockets import SocketFixtures
from falmock.recording.uploads import File
from falmock.recording.uploads import Sink
from falmock.recording.uploads import UploadTraces
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import handshake
from falmock.wire import routes
from falmock.wire.formats import jsontext
from falmock.wire.formats.regex import one_call
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Content
from falmock.wire.message import Request

_NOT_FALS = "its host is not fal's"


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
        self._plain = PlainCalls(self._composer, hosts)
        self._downloads = Downloads(self.files, self._plain)
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
        return self.uploads.expects(method, url) or (method == "GET" and self._downloads.awaits(url))

    @one_call()
    def note(self, exchange: Exchange) -> list[Outcome]:
        """The outcomes of one exchange with a host of fal's, or that `expects` accepts."""
        request = exchange.request
        self.redactor.learn(request.headers, request.query)
        self.redactor.learn(exchange.headers)
        if request.method == "OPTIONS":
            return [SelfAnswered("preflights")]
        url = f"https://{request.host}{request.path}"
        if self.uploads.expects(request.method, url):
            return self._upload_proceeds(url, exchange)
        role = self.hosts.role(request.host)
        if role is None or not self.hosts.claims(request.host, f"{request.path}?{request.query}"):
            if not self._downloads.awaits(f"{url}?{request.query}"):
                return [NotRecorded(name_of(exchange), _NOT_FALS, level=Level.DEBUG)]
            return self._downloads.record(exchange)
        return self._handle(role, routes.route(role, request.method, request.path, request.query), exchange)

    def note_delivery(self, request: Request, at: float) -> list[Outcome]:
        """The outcomes of a request to any other host, which may be a webhook about a job that is followed."""
        delivered = webhook_results.read(request, at)
        return [] if delivered is None else self._jobs.deliver(delivered)

    @one_call()
    def note_session(self, session: Session) -> list[Outcome]:
        """The outcomes of a socket to a host of fal's, once it is closed."""
        request = session.request
        self.redactor.learn(request.headers, request.query)
        role = self.hosts.role(request.host)
        about = f"the socket to https://{request.host}{request.path}"
        if role is None:
            return [NotRecorded(about, _NOT_FALS, level=Level.DEBUG)]
        call = routes.route(role, request.method, request.path, request.query, upgrade=True)
        if isinstance(call, calls.Socket):
            return self._sockets.record(call.endpoint, session)
        if isinstance(call, calls.RunSocket):
            return self._ws_runs(call, session)
        return [NotRecorded(about, "no endpoint has this address")]

    def finish(self) -> list[Outcome]:
        """The outcomes at the end of the recording."""
        return self._jobs.finish()

    def _handle(self, role: Role, call: calls.Call, exchange: Exchange) -> list[Outcome]:
        if exchange.status == 101:
            return [SelfAnswered("handshakes of sockets")]  # `note_session` handles the socket once it is closed
        if handshake.asks_for_socket(exchange.request.headers):
            where = f"https://{exchange.request.host}{exchange.request.path}"
            return [NotRecorded(f"the socket to {where}", f"it was refused ({exchange.status})")]
        if isinstance(call, calls.Run | calls.Stream):
            return self._run(call, exchange)
        if isinstance(call, calls.Submit):
            return self._jobs.submit(call, exchange)
        if isinstance(call, calls.Status | calls.StatusStream | calls.Result | calls.Cancel):
            return self._jobs.follow_up(call, exchange)
        if isinstance(call, calls.FileGet):
            return self._downloads.record(exchange)
        if isinstance(call, calls.Token | calls.CdnToken):
            return self._token(exchange)
        if isinstance(call, calls.WebhookKeys):
            return [SelfAnswered("requests for the keys of webhooks")]  # falmock signs with its own keys
        if isinstance(call, calls.ProviderMapping):
            if exchange.status == 200 and b'"fal-ai"' in exchange.body:
                return self._plain.keep(exchange, any_query=True)
            return [NotRecorded(name_of(exchange), "it names no endpoint of fal's")]
        if isinstance(call, calls.Unrouted):
            return self._plain.record(role, exchange)
        return self._upload_begins(call, exchange)

    def _run(self, call: calls.Run | calls.Stream, exchange: Exchange) -> list[Outcome]:
        about = f"the run of {call.endpoint}"
        why = self._composer.trouble(exchange)
        if why is not None:
            return [NotRecorded(about, why)]
        try:
            match = self._composer.matches.of_endpoint(exchange.request, str(call.endpoint))
            stream = self._composer.stream(exchange) if streams.is_requested(call, exchange.request) else None
            answered = self._composer.answer(exchange) if stream is None else stream[1]
        except (NotAnInput, NotAnAnswer) as error:
            return [NotRecorded(about, str(error))]
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
        about = f"the socket of {call.endpoint}"
        if unanswered:
            why = session.lost or "no whole answer came"
            outcomes.append(NotRecorded(f"what {about} left unanswered (runs: {unanswered})", why))
        return of_session(outcomes)

    # files

    def _upload_begins(self, call: calls.Call, exchange: Exchange) -> list[Outcome]:
        if not isinstance(call, calls.UploadInitiate | calls.DirectUpload | calls.MultipartStart):
            return [NotRecorded(name_of(exchange), "the upload that it belongs to began before the recording")]
        is_answered = exchange.status < 300 and jsontext.object_of(exchange.body) is not None
        if isinstance(call, calls.DirectUpload) and exchange.lost and is_answered:
            url = f"https://{exchange.request.host}{exchange.request.path}"
            return [_content_lost(url, exchange), *self._plain.keep(exchange._replace(lost=""), any_query=True)]
        if exchange.lost or exchange.status >= 300:
            return [NotRecorded(name_of(exchange), exchange.lost or _refused(exchange))]
        return self._uploaded(self.uploads.start(call, exchange))

    def _upload_proceeds(self, url: str, exchange: Exchange) -> list[Outcome]:
        if exchange.status >= 300:
            return [NotRecorded(name_of(exchange), _refused(exchange))]
        if exchange.lost and exchange.request.method == "PUT":
            return self._lost_upload(url, exchange)
        return self._uploaded(self.uploads.proceed(url, exchange))

    def _uploaded(self, file: File | None) -> list[Outcome]:
        part: list[Outcome] = [SelfAnswered("calls of uploads")]
        if file is None:
            return part
        self.files.upload(file)
        return [Known(file), *part]

    def _lost_upload(self, url: str, exchange: Exchange) -> list[Outcome]:
        """Record the start of an upload with unknown bytes, so that replay takes those of the app at the same URL."""
        outcomes: list[Outcome] = [_content_lost(url, exchange), SelfAnswered("calls of uploads")]
        started = self.uploads.lose(url)
        if started is not None:  # it is counted already
            kept = uncounted(self._plain.keep(unknown_uploads.start(started, self.files)))
            for outcome in kept:
                if isinstance(outcome, Save):
                    unknown_uploads.accept_any_time(outcome.entry["match"].get("input", {}))
            outcomes += kept
        return outcomes

    # everything else

    def _token(self, exchange: Exchange) -> list[Outcome]:
        """Learn a token, which is never recorded."""
        value = jsontext.value_of(exchange.body)
        for token in (value.get("token"), value.get("detail")) if isinstance(value, dict) else (value,):
            if isinstance(token, str):
                self.redactor.learn_value(token)
        if exchange.status >= 300:
            return [
                NotRecorded(name_of(exchange), f"it was answered {exchange.status}, and falmock makes tokens by itself")
            ]
        return [SelfAnswered("requests for tokens")]


def _content_lost(url: str, exchange: Exchange) -> Outcome:
    text = f"the content of an upload to {url} is unknown ({exchange.lost}): in replay it is what the app uploads"
    return warn(text)


def _refused(exchange: Exchange) -> str:
    return f"it was answered {exchange.status}, and in replay falmock takes uploads by itself"
