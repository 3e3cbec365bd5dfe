"""Follows uploads on their way to fal, so that the URL a file got is known as the content it stands for.

Every route of PROTOCOL.md section 6. Upload targets are what fal answered, so they may be on any host.
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
from urllib.parse import unquote

from falmock.recording.exchange import Exchange
from falmock.wire.calls import Call
from falmock.wire.calls import DirectUpload
from falmock.wire.calls import MultipartStart
from falmock.wire.calls import UploadInitiate
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import is_type
from falmock.wire.message import Content

LIMIT = 10_000
"""How many uploads and files are remembered; the oldest go first."""
_PYTHON_PART = re.compile(r"(.+)/multipart/[^/]+/(?:(\d{1,5})|complete)/*")
_JS_PART = re.compile(r"(.+)/(?:(\d{1,5})|complete)/*")


def url_key(url: str) -> str:
    """What a file's URL is known by: itself less query and fragment, where signatures stand."""
    return url.partition("#")[0].partition("?")[0]


class Sink(enum.Enum):
    """What is needed of a request body that passes through."""

    NOTHING = "nothing"
    HASH = "hash"
    """Its digest: it is a whole file."""
    SPOOL = "spool"
    """Its bytes, until the upload is complete: it is a part of a file."""


class File(NamedTuple):
    """The content of a file URL."""

    url: str
    sha256: str
    size: int
    content_type: str


@dataclass(slots=True)
class _Promise:
    """An upload that fal gave a URL for."""

    file_url: str
    content_type: str
    started: Exchange
    parts: dict[int, Content] = field(default_factory=dict)


class _Claim(NamedTuple):
    """What a request to an upload URL does: `number` is the part's, 0 for the whole file, None to complete."""

    promise: _Promise
    number: int | None


class UploadTraces:
    """The uploads under way. `join` makes one content of the parts given, in order, and may forget their bytes."""

    def __init__(self, join: Callable[[list[Content]], Content]) -> None:
        self._join = join
        self._promises: OrderedDict[str, _Promise] = OrderedDict()
        self._part_targets: OrderedDict[str, _Claim] = OrderedDict()

    def sink(self, method: str, url: str) -> Sink:
        """What is needed of the body of a request to this URL, which may be on any host."""
        claim = self._claim(url) if method == "PUT" else None
        if claim is None or claim.number is None:
            return Sink.NOTHING
        return Sink.SPOOL if claim.number else Sink.HASH

    def expects(self, method: str, url: str) -> bool:
        """Whether a request is part of an upload that was seen to begin."""
        return method in ("PUT", "POST") and self._claim(url) is not None

    def start(self, call: Call, exchange: Exchange) -> File | None:
        """An upload call of fal's API that was answered: what it promises is noted, a file it names is given back."""
        answer = _json_of(exchange)
        if isinstance(call, UploadInitiate):
            upload_url, file_url = answer.get("upload_url"), answer.get("file_url")
            if isinstance(upload_url, str) and isinstance(file_url, str):
                announced = jsontext.object_of(exchange.request.body) or {}
                self._promise(upload_url, _Promise(file_url, _type(announced.get("content_type")), exchange))
            return None
        file_url = answer.get("access_url")
        if not isinstance(file_url, str):
            return None
        content_type = _type(exchange.request.headers.get("content-type"))
        if isinstance(call, DirectUpload):
            content = exchange.uploaded
            return None if exchange.lost else File(file_url, content.sha256, content.size, content_type)
        if isinstance(call, MultipartStart):
            self._promise(file_url, _Promise(file_url, content_type, exchange))
        return None

    def proceed(self, url: str, exchange: Exchange) -> File | None:
        """A request to an upload URL that was answered with success; the file, once it is whole."""
        claim = self._claim(url)
        if claim is None:
            return None
        promise, number = claim
        if exchange.request.method == "POST" and number:
            target = _json_of(exchange).get("upload_url")
            if isinstance(target, str):
                self._part_targets[url_key(target)] = claim
                _trim(self._part_targets)
            return None
        if number:
            promise.parts[number] = exchange.uploaded
            return None
        if number == 0:
            content = exchange.uploaded
            content_type = _type(exchange.request.headers.get("content-type"), promise.content_type)
            return File(promise.file_url, content.sha256, content.size, content_type)
        if not promise.parts:
            return None
        content = self._join([promise.parts[place] for place in sorted(promise.parts)])
        promise.parts.clear()
        return File(promise.file_url, content.sha256, content.size, promise.content_type)

    def begun_by(self, url: str) -> Exchange | None:
        """The exchange that gave out this upload URL."""
        claim = self._claim(url)
        return None if claim is None else claim.promise.started

    def _promise(self, upload_url: str, promise: _Promise) -> None:
        self._promises[url_key(upload_url)] = promise
        _trim(self._promises)

    def _claim(self, url: str) -> _Claim | None:
        if not self._promises:
            return None
        key = url_key(url)
        promise = self._promises.get(key)
        if promise is not None:
            return _Claim(promise, 0)
        if key in self._part_targets:
            return self._part_targets[key]
        for form in (_PYTHON_PART, _JS_PART):
            part = form.fullmatch(key)
            promise = self._promises.get(part[1]) if part else None
            if part is not None and promise is not None:
                return _Claim(promise, int(part[2]) if part[2] else None)
        return None


def _trim(table: OrderedDict[str, Any]) -> None:
    while len(table) > LIMIT:
        table.popitem(last=False)


def _json_of(exchange: Exchange) -> dict[str, Any]:
    return jsontext.object_of(exchange.body) or {}


def _type(text: Any, default: str = DEFAULT) -> str:
    return text if isinstance(text, str) and is_type(text) else default


def file_name(url: str) -> str:
    """The name of the file that a URL ends in, percent-decoded; "" where it ends in a slash."""
    return unquote(url_key(url).rpartition("/")[2])
