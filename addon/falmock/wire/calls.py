"""The kinds of calls to fal (PROTOCOL.md sections 2.1, 3.0, 4, 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from falmock.wire.endpoint import EndpointId

REQUEST_ID = "{request_id}"
"""Stands for the id in the form of a URL about a job."""


class Run(NamedTuple):
    """A sync run. The answer is the model's output."""

    endpoint: EndpointId


class Stream(NamedTuple):
    """A run whose output is streamed (PROTOCOL.md section 4). `endpoint` is as called, including `/stream`."""

    endpoint: EndpointId


class Socket(NamedTuple):
    """A WebSocket to `/realtime` or another path of an app (PROTOCOL.md section 5). `endpoint` is as called."""

    endpoint: EndpointId


class RunSocket(NamedTuple):
    """A WebSocket that carries runs of one endpoint (PROTOCOL.md section 5.4)."""

    endpoint: EndpointId


class Submit(NamedTuple):
    """Submits a job to the queue. `max_queue_length` (as sent) and `webhook` (a URL) are "" if absent."""

    endpoint: EndpointId
    max_queue_length: str
    webhook: str


class Status(NamedTuple):
    """Polls the status of a job; `logs` says whether its log lines are requested.

    `form` is the path of the URL with REQUEST_ID in place of the id, and without outer slashes; "" if it does not count.
    """

    request_id: str
    logs: bool
    form: str = ""


class StatusStream(NamedTuple):
    """Requests a job's status as server-sent events; `logs` and `form` are as in Status."""

    request_id: str
    logs: bool
    form: str = ""


class Result(NamedTuple):
    """Requests the result of a job; `form` is as in Status."""

    request_id: str
    form: str = ""


class Cancel(NamedTuple):
    """Requests that a job stops; `form` is as in Status."""

    request_id: str
    form: str = ""


class UploadInitiate(NamedTuple):
    """Requests an upload URL and the URL that the file will have (JS, and the `gcs` fallback of Python)."""

    storage_type: str


class CdnToken(NamedTuple):
    """Requests a token for uploads to the CDN (Python)."""


class Token(NamedTuple):
    """Requests a short-lived token (PROTOCOL.md section 5.1). The newer route returns it in an object."""

    newer: bool


class WebhookKeys(NamedTuple):
    """Requests the public keys of webhook signatures (PROTOCOL.md section 3.7)."""


class DirectUpload(NamedTuple):
    """Uploads a whole file in one POST to a CDN host (Python, also by the legacy `fal.media` route)."""


class MultipartStart(NamedTuple):
    """Starts a multipart upload on a CDN host (Python)."""


class FilePut(NamedTuple):
    """Uploads the whole content for a file URL that was issued before (JS, gcs)."""


class UploadPart(NamedTuple):
    """Uploads part `number` (the first is 1) of the file at `path`."""

    path: str
    number: int


class PartUrl(NamedTuple):
    """Requests the URL for a PUT of part `number` of the file at `path` (gcs multipart of the `fal` package)."""

    path: str
    number: int


class UploadComplete(NamedTuple):
    """Joins the parts of the file at `path`."""

    path: str


class ProviderMapping(NamedTuple):
    """Requests from Hugging Face which endpoint of fal's serves a model of the Hub, as `owner/name`."""

    model: str


class FileGet(NamedTuple):
    """Downloads a file; with HEAD only its headers."""


class Unrouted(NamedTuple):
    """A request to a route that does not exist or that falmock does not answer: the status and text of the error."""

    status: int
    message: str


FollowUp = Status | StatusStream | Result | Cancel
"""A call about a job."""
Call = (
    Run
    | Stream
    | Socket
    | RunSocket
    | WebhookKeys
    | ProviderMapping
    | Submit
    | Status
    | StatusStream
    | Result
    | Cancel
    | UploadInitiate
    | CdnToken
    | Token
    | DirectUpload
    | MultipartStart
    | FilePut
    | UploadPart
    | PartUrl
    | UploadComplete
    | FileGet
    | Unrouted
)


class CallKind(NamedTuple):
    """The names of a type of call: `name` in fault rules and the journal, `title` on screens."""

    name: str
    title: str


_UPLOAD = "upload"
KINDS: Mapping[type[Call], CallKind] = MappingProxyType(
    {
        Run: CallKind("run", "Run"),
        Submit: CallKind("submit", "Submit"),
        Status: CallKind("status", "Status"),
        Result: CallKind("result", "Result"),
        Cancel: CallKind("cancel", "Cancel"),
        Stream: CallKind("stream", "Stream"),
        StatusStream: CallKind("status-stream", "Status stream"),
        Socket: CallKind("socket", "Socket"),
        RunSocket: CallKind("socket", "Socket of runs"),
        UploadInitiate: CallKind(_UPLOAD, "Upload: initiate"),
        CdnToken: CallKind(_UPLOAD, "Upload: token"),
        DirectUpload: CallKind(_UPLOAD, "Upload: whole file"),
        MultipartStart: CallKind(_UPLOAD, "Upload: start of parts"),
        FilePut: CallKind(_UPLOAD, "Upload: content"),
        UploadPart: CallKind(_UPLOAD, "Upload: part"),
        PartUrl: CallKind(_UPLOAD, "Upload: URL of a part"),
        UploadComplete: CallKind(_UPLOAD, "Upload: join parts"),
        FileGet: CallKind("download", "Download"),
        Token: CallKind("token", "Token"),
        WebhookKeys: CallKind("keys", "Keys of webhooks"),
        ProviderMapping: CallKind("mapping", "Providers of a model"),
    }
)
"""The names of every type of call except Unrouted."""
NAMES = tuple(dict.fromkeys(kind.name for kind in KINDS.values()))
"""All names, without duplicates."""
FILES = (FilePut, DirectUpload, UploadPart)
"""The calls whose body is a file, or a part of one."""
UPLOADS = tuple(call for call, kind in KINDS.items() if kind.name == _UPLOAD)
"""The types of calls that uploads consist of, for all clients."""
ABOUT_JOB = (Status, StatusStream, Result, Cancel)
"""The types of calls about a job, which they name by its request id."""


def name_of(call: Call | None) -> str:
    """The name of a call; "" for None and for Unrouted."""
    kind = None if call is None else KINDS.get(type(call))
    return "" if kind is None else kind.name


def endpoint_of(call: Call | None, path: str) -> str:
    """The endpoint id that a call is about; "" if there is none. For a call about a job it is the app in `path`."""
    if isinstance(call, Run | Stream | Socket | RunSocket | Submit):
        return str(call.endpoint)
    return path.partition("/requests/")[0].strip("/") if isinstance(call, ABOUT_JOB) else ""
