"""Finds the call that an HTTP request makes (PROTOCOL.md sections 2.1, 3.0 and 6).

Only the request id identifies the job of a follow-up call. The path around it is its form: some clients drop the
namespace, some keep the sub-path, some add a slash or `/response` (PROTOCOL.md section 3.0). What becomes of such a form
depends on the job.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote
from urllib.parse import unquote_plus
from urllib.parse import urlsplit

from falmock.wire import endpoint as endpoint_ids
from falmock.wire import handshake
from falmock.wire.calls import REQUEST_ID
from falmock.wire.calls import Call
from falmock.wire.calls import Cancel
from falmock.wire.calls import CdnToken
from falmock.wire.calls import DirectUpload
from falmock.wire.calls import FileGet
from falmock.wire.calls import FilePut
from falmock.wire.calls import MultipartStart
from falmock.wire.calls import PartUrl
from falmock.wire.calls import ProviderMapping
from falmock.wire.calls import Result
from falmock.wire.calls import Run
from falmock.wire.calls import RunSocket
from falmock.wire.calls import Socket
from falmock.wire.calls import Status
from falmock.wire.calls import StatusStream
from falmock.wire.calls import Stream
from falmock.wire.calls import Submit
from falmock.wire.calls import Token
from falmock.wire.calls import Unrouted
from falmock.wire.calls import UploadComplete
from falmock.wire.calls import UploadInitiate
from falmock.wire.calls import UploadPart
from falmock.wire.calls import WebhookKeys
from falmock.wire.endpoint import EndpointId
from falmock.wire.hosts import GCS_BUCKET
from falmock.wire.hosts import MODELS_PATH
from falmock.wire.hosts import OLD_BUCKETS
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Request

_FOLLOW_UP = re.compile(r"(.*)/requests/([^/]+)(?:/(status|status/stream|cancel|response))?/*")
_LONGEST_KEPT = 256
"""What is found out about a longer part of a path (characters) is not kept."""
_FOLLOW_UP_METHODS = {None: "GET", "response": "GET", "status": "GET", "status/stream": "GET", "cancel": "PUT"}
_PYTHON_PART = re.compile(r"(/.+)/multipart/[^/]+/(?:(\d{1,5})|complete)/*")
_JS_PART = re.compile(r"(/.+)/(?:(\d{1,5})|complete)/*")


def query_value(query: str, name: str) -> str:
    """The first value of a query parameter; "" if it is absent."""
    if name not in query:
        return ""
    is_plain = "%" not in query and "+" not in query
    for field in query.split("&"):
        key, _, value = field.partition("=")
        if (key if is_plain else unquote_plus(key)) == name:
            return value if is_plain else unquote_plus(value)
    return ""


def call_of(request: Request, hosts: Hosts) -> Call | None:
    """The call that a request makes; None for a preflight."""
    if request.method == "OPTIONS":
        return None
    upgrade = handshake.asks_for_socket(request.headers)
    role = hosts.role(request.host) or Role.OTHER
    return route(role, request.method, request.path, request.query, upgrade=upgrade, lenient=request.lenient)


def route(role: Role, method: str, path: str, query: str, *, upgrade: bool = False, lenient: bool = False) -> Call:
    """The call of a request to a host with this role; `upgrade` says that it requests a WebSocket.

    With `lenient`, the form of a URL about a job does not count. The method is never OPTIONS.
    """
    if upgrade and role in (Role.RUN, Role.WS):
        endpoint = _endpoint(path)
        if isinstance(endpoint, Unrouted):
            return endpoint
        return RunSocket(endpoint) if role is Role.WS else Socket(endpoint)
    if role is Role.WS:
        return Unrouted(handshake.UPGRADE_REQUIRED, "ws.fal.run speaks WebSocket only: it takes no plain HTTP requests")
    if role is Role.RUN:
        return _run(method, path)
    if role is Role.QUEUE:
        return _queue(method, path, query, lenient=lenient)
    if role is Role.REST:
        return _rest(method, path, query)
    if role is Role.CDN:
        return _cdn(method, path)
    if role is Role.GCS:
        return _gcs(method, path)
    if role is Role.HF:
        return _hub(method, path)
    if role is Role.ROUTER:
        path = "/" + path[1:].partition("/")[2]  # without the provider's name
        if query_value(query, "_subdomain") == "queue":
            return _queue(method, path, query, lenient=lenient)
        return _run(method, path)
    return Unrouted(
        501,
        "falmock does not stand in for this call, and in replay nothing is forwarded. Record it with "
        "--set fal_mode=auto, or write a fixture that has its method, host and path in match",
    )


@lru_cache(maxsize=1024)
def _endpoint(path: str) -> EndpointId | Unrouted:
    try:
        return endpoint_ids.from_segments(endpoint_ids.segments_of(path))
    except endpoint_ids.BadEndpointId as error:
        return Unrouted(404, str(error))


def _not_allowed(method: str, what: str, allowed: str) -> Unrouted:
    return Unrouted(405, f"{what} is called with {allowed}, not {method}")


def _run(method: str, path: str) -> Call:
    endpoint = _endpoint(path)
    if isinstance(endpoint, Unrouted):
        return endpoint
    if method not in ("GET", "POST"):
        return _not_allowed(method, "a run", "POST or GET")
    return Stream(endpoint) if is_stream_path(endpoint) else Run(endpoint)


def is_stream_path(endpoint: EndpointId) -> bool:
    """Whether an endpoint id, as called, ends in `/stream`."""
    return f"/{endpoint.path}".endswith("/stream")


def is_realtime_path(endpoint: EndpointId) -> bool:
    """Whether an endpoint id, as called, ends in `/realtime`."""
    return f"/{endpoint.path}".endswith("/realtime")


def _queue(method: str, path: str, query: str, *, lenient: bool) -> Call:
    follow_up = _FOLLOW_UP.fullmatch(path) if "/requests/" in path else None
    if follow_up is not None:
        return _follow_up(method, query, *follow_up.groups(), lenient=lenient)
    endpoint = _endpoint(path)
    if isinstance(endpoint, Unrouted):
        return endpoint
    if method != "POST":
        return _not_allowed(method, "a submit to the queue", "POST")
    return Submit(endpoint, query_value(query, "fal_max_queue_length"), query_value(query, "fal_webhook"))


def _follow_up(method: str, query: str, app: str, request_id: str, action: str | None, *, lenient: bool) -> Call:
    """The call about a job, by the parts of its path."""
    if method != _FOLLOW_UP_METHODS[action]:
        return _not_allowed(method, f"{action or 'the result'} of a request", _FOLLOW_UP_METHODS[action])
    form, is_app = _form_of(app, action or "") if len(app) <= _LONGEST_KEPT else _form(app, action or "")
    if lenient:
        form = ""
    elif not is_app:
        return Unrouted(404, f"the URL of a request begins with its app: expected /owner/app before {form}")
    logs = query_value(query, "logs").lower() in ("1", "true")
    if action == "status":
        return Status(request_id, logs, form)
    if action == "status/stream":
        return StatusStream(request_id, logs, form)
    return Cancel(request_id, form) if action == "cancel" else Result(request_id, form)


def _form(app: str, action: str) -> tuple[str, bool]:
    """The form of a URL about a job, and whether it begins with an app."""
    return follow_up_form(app, action), endpoint_ids.names_an_app(app)


_form_of = lru_cache(maxsize=1024)(_form)


def follow_up_form(app: str, action: str) -> str:
    """The form of the URLs of requests of `app` for an action: "" is the result, or `status`, `cancel` and so on."""
    form = f"{app.strip('/')}/requests/{REQUEST_ID}"
    return f"{form}/{action}" if action else form


def form_of(url: str, request_id: str) -> str | None:
    """The form of a URL, if it is one about this request; else None."""
    follow_up = _FOLLOW_UP.fullmatch(urlsplit(url).path)
    if follow_up is None or follow_up[2] != request_id:
        return None
    return follow_up_form(follow_up[1], follow_up[3] or "")


_STORAGE_ROUTES = ("/storage/upload/initiate", "/storage/upload/initiate-multipart")
_TOKEN_ROUTES: dict[str, Call] = {
    "/storage/auth/token": CdnToken(),
    "/tokens": Token(newer=False),
    "/tokens/realtime": Token(newer=True),
}


def _rest(method: str, path: str, query: str) -> Call:
    plain = path.rstrip("/")
    call = _TOKEN_ROUTES.get(plain)
    if call is None and plain not in _STORAGE_ROUTES:
        if plain == "/.well-known/jwks.json" and method in ("GET", "HEAD"):
            return WebhookKeys()
        return Unrouted(404, f"no route {path} on a REST host of fal's")
    if method != "POST":
        return _not_allowed(method, plain, "POST")
    return UploadInitiate(query_value(query, "storage_type")) if call is None else call


def _cdn(method: str, path: str) -> Call:
    if method in ("GET", "HEAD"):
        return FileGet()
    plain = path.rstrip("/")
    if method == "POST" and plain == "/files/upload":
        return DirectUpload()
    if method == "POST" and plain == "/files/upload/multipart":
        return MultipartStart()
    part = _PYTHON_PART.fullmatch(path) or _JS_PART.fullmatch(path)
    if part is not None and method == "PUT" and part[2]:
        return UploadPart(part[1], int(part[2]))
    if part is not None and method == "POST" and not part[2]:
        return UploadComplete(part[1])
    if method == "PUT":
        return FilePut()
    return _not_allowed(method, f"{path} on a CDN host", "GET, HEAD, PUT or one of the upload routes")


def _hub(method: str, path: str) -> Call:
    model = path.removeprefix(MODELS_PATH).rstrip("/")
    if path.startswith(MODELS_PATH) and model and method in ("GET", "HEAD"):
        return ProviderMapping(unquote(model))
    return Unrouted(501, "of Hugging Face's Hub, falmock answers only the call for the providers of a model")


def _gcs(method: str, path: str) -> Call:
    if path.startswith(tuple(f"/{bucket}/" for bucket in OLD_BUCKETS)) and method in ("GET", "HEAD"):
        return FileGet()
    if not path.startswith(f"/{GCS_BUCKET}/"):
        return Unrouted(404, f"{path} is not in fal's bucket")
    part = _JS_PART.fullmatch(path)
    if part is not None and method == "POST" and part[2]:
        return PartUrl(part[1], int(part[2]))
    return _cdn(method, path)
