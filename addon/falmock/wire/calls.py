"""The calls that a request to fal can be (PROTOCOL.md sections 2.1, 3.0, 4, 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from falmock.wire.endpoint import EndpointId


class Run(NamedTuple):
    """A sync run: answered with the model's own output."""

    endpoint: EndpointId


class Stream(NamedTuple):
    """A run whose output comes piece by piece (PROTOCOL.md section 4). `endpoint` is as called, `/stream` and all."""

    endpoint: EndpointId


class Socket(NamedTuple):
    """A socket to an endpoint (PROTOCOL.md section 5): `/realtime` or a path of the app's. `endpoint` is as called."""

    endpoint: EndpointId


class RunSocket(NamedTuple):
    """A WebSocket that carries runs of one endpoint (PROTOCOL.md section 5.4)."""

    endpoint: EndpointId


class Submit(NamedTuple):
    """A job for the queue. `max_queue_length` is the `fal_max_queue_length` text, `webhook` the URL, "" if absent."""

    endpoint: EndpointId
    max_queue_length: str
    webhook: str


class Status(NamedTuple):
    """A poll of one job; `logs` tells whether its log lines are asked for."""

    request_id: str
    logs: bool


class StatusStream(NamedTuple):
    """A job's status as server-sent events; `logs` tells whether its log lines are asked for."""

    request_id: str
    logs: bool


class Result(NamedTuple):
    """What a job came to."""

    request_id: str


class Cancel(NamedTuple):
    """The wish that a job stop."""

    request_id: str


class UploadInitiate(NamedTuple):
    """Asks for an upload URL and the file URL it will fill (JS, and the `gcs` fallback of Python)."""

    storage_type: str


class CdnToken(NamedTuple):
    """Asks for a token to upload to the CDN with (Python)."""


class Token(NamedTuple):
    """Asks for a short-lived token (PROTOCOL.md section 5.1); the newer route answers it in an object."""

    newer: bool


class WebhookKeys(NamedTuple):
    """Asks for the keys that webhooks are signed with (PROTOCOL.md section 3.7)."""


class DirectUpload(NamedTuple):
    """A whole file in one POST to a CDN host (Python; the legacy `fal.media` route is the same)."""


class MultipartStart(NamedTuple):
    """Opens a multipart upload on a CDN host (Python)."""


class FilePut(NamedTuple):
    """The whole content for a file URL given out before (JS, gcs)."""


class UploadPart(NamedTuple):
    """Part `number` (1-based) of the file at `path`."""

    path: str
    number: int


class PartUrl(NamedTuple):
    """Asks where to PUT part `number` of the file at `path` (the `fal` package's gcs multipart)."""

    path: str
    number: int


class UploadComplete(NamedTuple):
    """Joins the parts of the file at `path`."""

    path: str


class FileGet(NamedTuple):
    """A download, or with HEAD the headers of one."""


class Unrouted(NamedTuple):
    """A request that fal has no route for, or none that falmock answers: `status` and what to say."""

    status: int
    message: str


Call = (
    Run
    | Stream
    | Socket
    | RunSocket
    | WebhookKeys
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
    """What calls of one type are called: `name` in rules for faults and in the journal, `title` on screens."""

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
    }
)
"""What each type of call is called. Unrouted is not here: it is no call that has a name."""
NAMES = tuple(dict.fromkeys(kind.name for kind in KINDS.values()))
"""The names of calls, each once."""
UPLOADS = tuple(call for call, kind in KINDS.items() if kind.name == _UPLOAD)
"""The calls that make up an upload, of any client."""
ABOUT_JOB = (Status, StatusStream, Result, Cancel)
"""The calls that ask about a job by its request id."""


def name_of(call: Call | None) -> str:
    """What a call is called; "" for none, and for one that is Unrouted."""
    kind = None if call is None else KINDS.get(type(call))
    return "" if kind is None else kind.name


def endpoint_of(call: Call | None, path: str) -> str:
    """The endpoint id that a call is about, "" for none. A call about a job at this path tells its app alone."""
    if isinstance(call, Run | Stream | Socket | RunSocket | Submit):
        return str(call.endpoint)
    return path.partition("/requests/")[0].strip("/") if isinstance(call, ABOUT_JOB) else ""
