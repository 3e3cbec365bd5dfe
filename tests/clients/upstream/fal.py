"""The service behind the hosts: which of its parts answers what."""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from clients.upstream import failures
from clients.upstream import models
from clients.upstream import sessions
from clients.upstream.files import Files
from clients.upstream.messages import FAL
from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.messages import compact
from clients.upstream.messages import gateway
from clients.upstream.messages import preflight
from clients.upstream.messages import shared
from clients.upstream.models import Pace
from clients.upstream.models import Run
from clients.upstream.queue import Job
from clients.upstream.queue import Queue
from clients.upstream.sockets import Line
from clients.upstream.troubles import Trouble
from clients.upstream.webhooks import Webhooks

HOSTS = (
    "fal.run",
    "fal.ai",
    "alpha.fal.ai",
    "fal.media",
    "falrun.com",
    "storage.googleapis.com",
    "r2.cloudflarestorage.com",
)
"""Who we are: fal, and where it may have files put. Each stands for those one label below it too."""
RUN_HOSTS = ("fal.run", "falrun.com")
QUEUE_HOSTS = ("queue.fal.run", "queue.falrun.com")
REST_HOSTS = ("rest.fal.ai", "rest.alpha.fal.ai")
NAMESPACES = ("workflows", "comfy")
NO_KEY = "Cannot access application '{}'. Authentication is required to access this application."
PRICES = {"test/image": 0.025, "fal-ai/flux/dev": 0.025, "fal-ai/flux/schnell": 0.003, "test/video": 0.1}
_FOLLOW_UP = re.compile(r"(?P<base>.+?)/requests/(?P<id>[^/]+)(?:/(?P<action>.*?))?/?")


class Fal:
    """All of it, in memory.

    Attributes:
        pace: How the jobs go whose endpoint and input do not say; runs outside the queue are answered at once.
        keys: The keys that are known; None is any.
        troubles: What happens to requests; the first that strikes.
        seen: What was asked, in the order in which it was read.
        secrets: Every token, signature and cookie that was given away.
        stream_seconds: The time between two events of a model's stream.
        webhooks: What was delivered.
        documents: The OpenAPI documents that there are, by endpoint id.
        idle: How long a socket may be idle (seconds).
    """

    def __init__(self, wait: Callable[[float], bool]) -> None:
        self.pace = Pace(queued=0.1, running=0.2)
        self.keys: set[str] | None = None
        self.troubles: list[Trouble] = []
        self.seen: list[Asked] = []
        self.secrets: list[str] = []
        self.documents: dict[str, Any] = {}
        self.stream_seconds = 0.02
        self.files = Files(self._told)
        self.queue = Queue(wait)
        self.webhooks = Webhooks(wait)
        self.idle = sessions.IDLE
        self._wait = wait
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[list[str], float]] = {}

    @property
    def jobs(self) -> dict[str, Job]:
        """All jobs, by request id."""
        return self.queue.jobs

    def trouble(self, where: str, what: str | Answer, times: int | None = None) -> Trouble:
        """Have something happen to requests from now on; see `Trouble`. It ends when `troubles` has it no more."""
        trouble = Trouble(where, what, times)
        self.troubles.append(trouble)
        return trouble

    def asked(self, line: str = "") -> list[Asked]:
        """The requests whose method, host and path hold this text."""
        return [asked for asked in self.seen if line in asked.line]

    def answer(self, asked: Asked) -> tuple[Answer, str | None]:
        """The answer, and the kind of trouble in which it goes out."""
        with self._lock:
            self.seen.append(asked)
            trouble = next((trouble.what for trouble in self.troubles if trouble.strikes(asked)), None)
        if isinstance(trouble, Answer):
            return trouble, None
        if asked.method == "OPTIONS" and "access-control-request-method" in asked.headers:
            return preflight(asked), trouble
        answer, own = self._route(asked)
        return shared(asked, answer), trouble or own

    def _route(self, asked: Asked) -> tuple[Answer, str | None]:
        if asked.host in RUN_HOSTS:
            return self._run(asked)
        if asked.host in QUEUE_HOSTS:
            return self._queue(asked)
        if asked.host in REST_HOSTS:
            return self._rest(asked), None
        if asked.host == "api.fal.ai":
            return _platform(asked), None
        if asked.host == "fal.ai":
            return self._site(asked), None
        return self._storage(asked), None

    def _site(self, asked: Asked) -> Answer:
        """fal's site, which has the documents of models."""
        known = self.documents.get(asked.parameters.get("endpoint_id", ""))
        if asked.path != "/api/openapi/queue/openapi.json" or known is None:
            return Answer(404, (("Content-Type", "application/json"), *FAL), b"null")
        return Answer(200, (("Content-Type", "application/json"), *FAL), json.dumps(known).encode())

    # sockets

    def session(self, asked: Asked) -> Callable[[Line], None] | None:
        """What goes on on a socket; None where there is none, or a trouble is to strike the request."""
        endpoint = asked.path.strip("/")
        with self._lock:
            if any(trouble.times != 0 and fnmatchcase(asked.line, trouble.where) for trouble in self.troubles):
                return None
            is_run = asked.host == "ws.fal.run"
            found = None if is_run else sessions.find(endpoint)
            if not is_run and found is None:
                return None
            self.seen.append(asked)
        if not self._lets_in(asked, endpoint):
            return sessions.unauthorized
        if found is None:
            return lambda line: sessions.run_socket(line, self._begun, _unknown)
        return lambda line: found(self._buffering(line), self.idle)

    def _lets_in(self, asked: Asked, endpoint: str) -> bool:
        """Whether who opens a socket may: by a token of ours for this app that is not too old, or by a key."""
        token = asked.parameters.get("fal_jwt_token")
        if token is None:
            return self._gate(asked, endpoint) is None
        apps, expires = self._tokens.get(token, ([], 0.0))
        alias = _base(endpoint).rpartition("/")[2]
        return time.time() < expires and bool({alias, endpoint} & set(apps))

    def _buffering(self, line: Line) -> Line:
        given = line.asked.parameters.get("max_buffering")
        line.most = int(given) if given else None
        return line

    # runs and jobs

    def _run(self, asked: Asked) -> tuple[Answer, str | None]:
        refused, run, found = self._called(asked)
        if refused is not None or found is None:
            return refused or _unknown(run), None
        pace = (found.pace or Pace()).overridden(run.value)
        deadline = _deadline(asked)
        if deadline is not None and pace.queued > deadline:
            self._wait(deadline)
            return self._out(failures.timed_out_for_user(), run.request_id), None
        self._wait(pace.queued + pace.running)
        return self._out(found.make(run), run.request_id), _trouble_of(run)

    def _queue(self, asked: Asked) -> tuple[Answer, str | None]:
        follow_up = _FOLLOW_UP.fullmatch(asked.path)
        if follow_up is not None:
            return self._follow_up(asked, follow_up)
        if asked.method != "POST":
            return Answer(405, (("Content-Type", "text/plain; charset=utf-8"),), b"405: Method Not Allowed"), None
        refused, run, found = self._called(asked)
        if refused is not None or not models.is_app(_base(run.endpoint)):
            return refused or _unknown(run), None
        pace = ((found and found.pace) or self.pace).overridden(run.value)
        job = Job(
            run.request_id,
            run.endpoint,
            _base(run.endpoint),
            pace,
            found is not None and found.stubborn,
            # An app tells only when it runs that it has no such path.
            lambda: self._out(found.make(run) if found else _unknown(run), run.request_id),
            _deadline(asked),
            _trouble_of(run),
        )
        answer = self.queue.submit(job)
        if webhook := asked.parameters.get("fal_webhook"):
            self.webhooks.promise(job, webhook)
        return answer, None

    def _follow_up(self, asked: Asked, url: re.Match[str]) -> tuple[Answer, str | None]:
        base, action = url["base"].strip("/"), url["action"] or ""
        # An unknown id is told to anybody.
        job = self.jobs.get(url["id"])
        refused = self._gate(asked, base) if job else None
        trouble = job.trouble if job and not action and job.word == "COMPLETED" else None
        return refused or self.queue.follow_up(asked, base, url["id"], action), trouble

    def _called(self, asked: Asked) -> tuple[Answer | None, Run, models.Model | None]:
        """Who is called: the refusal if there is one, the run, and the model if there is one."""
        endpoint = asked.path.strip("/")
        value: Any = dict(asked.parameters)
        if asked.method not in ("GET", "HEAD"):
            try:
                value = asked.json if asked.body else None
            except ValueError:
                value = None
                refused = gateway(422, {"detail": "There was an error parsing the body"})
                return refused, self._begun(asked, endpoint, value), None
        run = self._begun(asked, endpoint, value)
        refused = self._gate(asked, _base(endpoint))
        if refused is None and endpoint.startswith("test/refuse/"):
            refused = failures.refusal(run.path.strip("/"))
        return refused, run, models.find(endpoint)

    def _begun(self, asked: Asked, endpoint: str, value: Any) -> Run:
        path = endpoint.removeprefix(_base(endpoint)) or "/"
        request_id = str(uuid7())
        return Run(asked, endpoint, path, value, request_id, self.files, self._told, self._wait, self.stream_seconds)

    def _out(self, answer: Answer, request_id: str) -> Answer:
        """A model's answer as the gateway lets it out."""
        return answer.having(("X-Fal-Served-From", str(uuid.uuid4())), ("x-fal-request-id", request_id), *FAL)

    # keys

    def _gate(self, asked: Asked, app: str) -> Answer | None:
        """The refusal of a request that brings no key or a wrong one."""
        credentials = asked.headers.get("authorization", "")
        if not credentials and "fal_jwt_token" in asked.parameters:
            return None
        if not credentials:
            return gateway(401, {"detail": NO_KEY.format(app) if app else "Authorization header is required"})
        scheme, _, key = credentials.partition(" ")
        if scheme == "Bearer":
            return None
        if scheme != "Key" or ":" not in key:
            return failures.refusal("malformed-key")
        if self.keys is not None and key not in self.keys:
            return failures.refusal("key")
        return None

    def _told(self, secret: str) -> str:
        self.secrets.append(secret)
        return secret

    # the rest

    def _rest(self, asked: Asked) -> Answer:
        if asked.line.removeprefix(f"GET {asked.host}") == "/.well-known/jwks.json":
            return self.webhooks.keys()
        refused = self._gate(asked, "")
        if refused is not None:
            return refused
        route = f"{asked.method} {asked.path.rstrip('/')}"
        if route in ("POST /storage/upload/initiate", "POST /storage/upload/initiate-multipart"):
            return self.files.initiate(asked)
        if route == "POST /storage/auth/token":
            return self.files.token(asked)
        if route == "POST /tokens":
            return gateway(201, self._jwt(asked.json))
        if route == "POST /tokens/realtime":
            return gateway(200, {"token": self._jwt(asked.json)})
        return gateway(404, {"detail": "Not Found"})

    def _jwt(self, wanted: dict[str, Any]) -> str:
        seconds = wanted.get("token_expiration", wanted.get("duration", 120))
        payload = {"allowed_apps": wanted["allowed_apps"], "exp": int(time.time()) + seconds}
        parts = (compact({"alg": "HS256", "typ": "JWT"}), compact(payload), secrets.token_bytes(32))
        token = self._told(".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts))
        self._tokens[token] = (wanted["allowed_apps"], payload["exp"])
        return token

    def _storage(self, asked: Asked) -> Answer:
        """The CDN, and the hosts that files are put to."""
        if asked.method in ("GET", "HEAD"):
            return self.files.download(asked)
        signed = self.files.signed(asked)
        if signed is not None:
            return signed
        if asked.host.endswith("fal.media"):
            return self.files.uploaded(asked)
        return Answer(404, (("Content-Type", "application/xml"),), b"<Error><Code>NoSuchKey</Code></Error>")


def _base(endpoint: str) -> str:
    """What the URLs of jobs are built from: owner and alias, behind the namespace if there is one."""
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


def _unknown(run: Run) -> Answer:
    """There is no such app, or it has no such path."""
    base = _base(run.endpoint)
    if models.is_app(base):
        return replace(gateway(404, {"detail": f"Path {run.path} not found"})).having(failures.UNBILLED)
    return gateway(404, {"detail": f'Application "{base.rpartition("/")[2]}" not found'})


def _deadline(asked: Asked) -> float | None:
    """The seconds in which a run has to begin."""
    given = asked.headers.get("x-fal-request-start-timeout") or asked.headers.get("x-fal-request-timeout")
    return float(given) if given else None


def _trouble_of(run: Run) -> str | None:
    """The kind that the endpoint itself is for."""
    return run.path.strip("/") if run.endpoint.startswith("test/trouble/") else None


def _platform(asked: Asked) -> Answer:
    """The Platform API, as far as apps ask it: the models and their prices."""
    wanted = [item for item in asked.parameters.get("endpoint_id", "").split(",") if item]
    if asked.path == "/v1/models":
        known = [name for name in sorted(PRICES) if not wanted or name in wanted]
        return _page("models", [{"endpoint_id": name, "metadata": _metadata(name)} for name in known])
    if "authorization" not in asked.headers:
        return _platform_error(401, "authorization_error", "Authentication required")
    if asked.path == "/v1/models/pricing":
        if not wanted:
            return _platform_error(400, "validation_error", "endpoint_id is required")
        unit = {"unit": "image", "currency": "USD"}
        prices = [{"endpoint_id": name, "unit_price": PRICES[name], **unit} for name in wanted if name in PRICES]
        return _page("prices", prices)
    return _platform_error(404, "not_found", "Not found")


def _metadata(name: str) -> dict[str, Any]:
    return {
        "display_name": name.rpartition("/")[2],
        "category": "text-to-image",
        "description": "A model of the stand-in",
        "status": "active",
        "tags": [],
        "updated_at": "2026-01-26T21:38:56Z",
        "model_url": f"https://fal.run/{name}",
    }


def _page(name: str, items: list[dict[str, Any]]) -> Answer:
    value = {name: items, "next_cursor": None, "has_more": False}
    return Answer(200, (("Content-Type", "application/json"), *FAL), compact(value))


def _platform_error(status: int, kind: str, message: str) -> Answer:
    value = {"error": {"type": kind, "message": message}}
    return Answer(status, (("Content-Type", "application/json"), *FAL), json.dumps(value).encode())


def uuid7() -> uuid.UUID:
    """An id as fal gives them: it begins with the time."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return uuid.UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)
