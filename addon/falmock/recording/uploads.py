"""Follows uploads to fal, so that the content of an uploaded file's URL is known.

Covers every route of PROTOCOL.md section 6. fal chooses the upload URLs, so they may be on any host.
"""

from __future__ import annotations

import enum
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import unquote

from falmock.recording.exchange import Exchange
from falmock.wire.calls import Call
from falmock.wire.calls import DirectUpload
from falmock.wire.calls import MultipartStart
from falmock.wire.calls import UploadInitiate
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import is_type
from falmock.wire.hosts import is_fals
from falmock.wire.hosts import normalize
from falmock.wire.message import Content

LIMIT = 10_000
"""How many uploads and files are remembered; beyond that, the oldest are dropped."""
_PYTHON_PART = re.compile(r"(.+)/multipart/[^/]+/(?:(\d{1,5})|complete)/*")
_JS_PART = re.compile(r"(.+)/(?:(\d{1,5})|complete)/*")


_IN_PATH = "/%:@!$&'()*+,;=~"
"""Characters besides letters, digits and `-._` that clients do not encode in a path."""
_SECRET = re.compile(
    r"(?i)^x-(?:amz|goog)-|sig|hmac|token|identity|key|secret|password|auth|credential|jwt|session|code"
)
"""The name of a parameter that may be a signature or a credential: then the query says who may read the file, not which file it is."""


def url_key(url: str) -> str:
    """The key of a file's URL: equal for all spellings of one address, as clients request it.

    The fragment and the scheme do not count. Nor does the query on fal's hosts, or if it has a signature; on other hosts
    another query is another file.
    """
    text, _, query = url.partition("#")[0].partition("?")
    scheme, _, place = text.partition("://")
    host, _, path = place.partition("/")
    if scheme not in ("https", "http"):
        return text
    kept = "" if not query or is_fals(normalize(host)) or _is_signed(query) else f"?{query}"
    return f"https://{normalize(host)}/{quote(path, safe=_IN_PATH, errors='replace')}{kept}"


def _is_signed(query: str) -> bool:
    return any("=" in pair and _SECRET.search(pair.partition("=")[0]) for pair in query.split("&"))


def _target(url: str) -> str:
    """The key of an upload's URL: its query never tells uploads apart."""
    return url_key(url).partition("?")[0]


class Sink(enum.Enum):
    """What the recorder needs of a request body."""

    NOTHING = "nothing"
    HASH = "hash"
    """Its digest: the body is a whole file."""
    SPOOL = "spool"
    """Its bytes, until the upload is complete: the body is a part of a file."""


class File(NamedTuple):
    """The content of a file URL."""

    url: str
    sha256: str
    size: int
    content_type: str


@dataclass(slots=True)
class _Upload:
    """An upload for which fal issued a URL."""

    file_url: str
    content_type: str
    started: Exchange
    parts: dict[int, Content] = field(default_factory=dict)
    is_lost: bool = False
    """Some of its content is unknown."""


class _Step(NamedTuple):
    """What a request to an upload URL does: `number` is the part's, 0 for the whole file, None for completion."""

    upload: _Upload
    number: int | None


class UploadTraces:
    """The pending uploads. `join` concatenates the given parts in order, and may then discard their bytes."""

    def __init__(self, join: Callable[[list[Content]], Content]) -> None:
        self._join = join
        self._uploads: OrderedDict[str, _Upload] = OrderedDict()
        self._part_targets: OrderedDict[str, _Step] = OrderedDict()

    def sink(self, method: str, url: str) -> Sink:
        """What the recorder needs of the body of a request to this URL, which may be on any host."""
        step = self._step(url) if method == "PUT" else None
        if step is None or step.number is None:
            return Sink.NOTHING
        return Sink.SPOOL if step.number else Sink.HASH

    def expects(self, method: str, url: str) -> bool:
        """Whether a request belongs to an upload whose start was observed."""
        return method in ("PUT", "POST") and self._step(url) is not None

    def start(self, call: Call, exchange: Exchange) -> File | None:
        """Handle an answered upload call of fal's API: note the URL it issues; return the file if it is complete."""
        answer = _json_of(exchange)
        if isinstance(call, UploadInitiate):
            upload_url, file_url = answer.get("upload_url"), answer.get("file_url")
            if isinstance(upload_url, str) and isinstance(file_url, str):
                announced = jsontext.object_of(exchange.request.body) or {}
                self._add(upload_url, _Upload(file_url, _type(announced.get("content_type")), exchange))
            return None
        file_url = answer.get("access_url")
        if not isinstance(file_url, str):
            return None
        content_type = _type(exchange.request.headers.get("content-type"))
        if isinstance(call, DirectUpload):
            content = exchange.uploaded
            return None if exchange.lost else File(file_url, content.sha256, content.size, content_type)
        if isinstance(call, MultipartStart):
            self._add(file_url, _Upload(file_url, content_type, exchange))
        return None

    def proceed(self, url: str, exchange: Exchange) -> File | None:
        """Handle a successful request to an upload URL; returns the file if it is complete, else None."""
        step = self._step(url)
        if step is None:
            return None
        upload, number = step
        if exchange.request.method == "POST" and number:
            target = _json_of(exchange).get("upload_url")
            if isinstance(target, str):
                self._part_targets[_target(target)] = step
                _trim(self._part_targets)
            return None
        if number:
            upload.parts[number] = exchange.uploaded
            return None
        if number == 0:
            content = exchange.uploaded
            content_type = _type(exchange.request.headers.get("content-type"), upload.content_type)
            return File(upload.file_url, content.sha256, content.size, content_type)
        if not upload.parts or upload.is_lost:
            return None
        content = self._join([upload.parts[place] for place in sorted(upload.parts)])
        upload.parts.clear()
        return File(upload.file_url, content.sha256, content.size, upload.content_type)

    def lose(self, url: str) -> Exchange | None:
        """The content for this upload URL is unknown: the exchange in which fal issued the URL, once for each upload."""
        step = self._step(url)
        if step is None or step.upload.is_lost:
            return None
        step.upload.is_lost = True
        return step.upload.started

    def _add(self, upload_url: str, upload: _Upload) -> None:
        self._uploads[_target(upload_url)] = upload
        _trim(self._uploads)

    def _step(self, url: str) -> _Step | None:
        if not self._uploads:
            return None
        key = _target(url)
        upload = self._uploads.get(key)
        if upload is not None:
            return _Step(upload, 0)
        if key in self._part_targets:
            return self._part_targets[key]
        for part in (_PYTHON_PART.fullmatch(key), _JS_PART.fullmatch(key)):
            upload = self._uploads.get(part[1]) if part else None
            if part is not None and upload is not None:
                return _Step(upload, int(part[2]) if part[2] else None)
        return None


def _trim(table: OrderedDict[str, Any]) -> None:
    while len(table) > LIMIT:
        table.popitem(last=False)


def _json_of(exchange: Exchange) -> dict[str, Any]:
    return jsontext.object_of(exchange.body) or {}


def _type(text: Any, default: str = DEFAULT) -> str:
    return text if isinstance(text, str) and is_type(text) else default


def file_name(url: str) -> str:
    """The file name at the end of a URL, percent-decoded; "" if the URL ends in a slash."""
    return unquote(_target(url).rpartition("/")[2])
