"""Uploads of every kind, on the REST and CDN hosts (PROTOCOL.md section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from urllib.parse import urlsplit

from falmock.engine import replies
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.files.registry import Assets
from falmock.engine.files.registry import BadParts
from falmock.engine.files.registry import NoRoom
from falmock.wire import cors
from falmock.wire import storage
from falmock.wire.calls import PartUrl
from falmock.wire.calls import UploadComplete
from falmock.wire.calls import UploadInitiate
from falmock.wire.calls import UploadPart
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import extension_of
from falmock.wire.formats.media import is_type
from falmock.wire.formats.media import type_of
from falmock.wire.hosts import CDN_HOST
from falmock.wire.hosts import GCS_HOST
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of

TOKEN_SECONDS = 24 * 3600
UPLOAD_NAME = "upload.bin"
MAX_PARTS = 10_000


class BadUpload(ValueError):
    """An upload request that cannot be read; the text says what was expected."""


class Uploads:
    """Answers the upload calls of one scope."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets

    # uploads whose URL is promised before the content comes

    def initiate(self, request: Request, call: UploadInitiate) -> Reply:
        """An upload URL and the URL of the file; for JS single and multipart uploads, and the gcs fallback."""
        try:
            name, content_type = _announced(request.body)
        except BadUpload as error:
            return replies.invalid_body(str(error), "value_error")
        gcs = call.storage_type == "gcs"
        path = self._promise(name, content_type)
        # No part of the path: redaction may hide this as a secret, and must not hide the path.
        signature = storage.digest(path.encode())[:16]
        upload_url, file_url = storage.promised_urls(path, signature, gcs=gcs)
        # The recorded answer has the file URL first.
        return replies.json_reply(200, {"file_url": file_url, "upload_url": upload_url}, "upload initiated")

    def token(self, now: float) -> Reply:
        """A token for uploads to the CDN."""
        expires = datetime.fromtimestamp(int(now) + TOKEN_SECONDS, UTC).isoformat()
        body = {
            "token": hashlib.sha256(f"falmock cdn {int(now)}".encode()).hexdigest(),
            "token_type": "Bearer",
            "base_url": f"https://{CDN_HOST}",
            "expires_at": expires,
        }
        return replies.json_reply(200, body, "CDN token")

    def multipart_start(self, request: Request) -> Reply:
        """The file URL and upload id of a multipart upload (Python)."""
        try:
            name, content_type = _named(request)
        except BadUpload as error:
            return replies.invalid_body(str(error), "value_error")
        path = self._promise(name, content_type)
        body = {"access_url": f"https://{CDN_HOST}{path}", "uploadId": storage.digest(path.encode())[:32]}
        return replies.json_reply(200, body, "multipart upload started", *cors.public())

    def _promise(self, name: str, content_type: str) -> str:
        """Issue the path of a file. Equal names and types get the same paths in the same order in every run."""
        while True:
            place = self.assets.count_promise(name, content_type)
            ticket = storage.digest(f"{name}\n{content_type}\n{place}".encode())
            path = storage.ticket_path(ticket, name)
            if not self.assets.is_taken(
                storage.asset_key(path)
            ):  # a store may have forgotten the count before the path
                self.assets.promise(storage.asset_key(path), name, content_type)
                return path

    def put(self, request: Request) -> Reply:
        """Store the whole content for a promised URL."""
        upload = self.assets.promised(storage.asset_key(request.path))
        if upload is None:
            return _no_upload(request.path)
        content_type = _content_type(request) or upload.content_type
        try:
            asset = self.assets.fill(upload, request.uploaded, content_type)
        except NoRoom:
            return self._too_large(request.uploaded.size)
        headers = (*cors.public(), (b"ETag", storage.etag_of(asset.sha256).encode()))
        return Reply(200, headers, b"", "upload stored")

    def part(self, request: Request, call: UploadPart, now: float) -> Reply:
        """Store one part. The ETag is sent twice: JS reads the JSON, Python the header."""
        upload = self.assets.promised(storage.asset_key(call.path))
        if upload is None:
            return _no_upload(call.path)
        if not 1 <= call.number <= MAX_PARTS:
            return replies.problem(
                400, f"Part numbers go from 1 to {MAX_PARTS}, found {call.number}", "bad part number"
            )
        content = request.uploaded
        try:
            self.assets.add_part(upload, call.number, content, now)
        except NoRoom:
            return self._too_large(_size([*upload.parts.values(), content]))
        etag = storage.etag_of(content.sha256)
        body = jsontext.dump_model({"partNumber": call.number, "etag": etag})
        return Reply(200, (replies.JSON_TYPE, (b"ETag", etag.encode()), *cors.public()), body, "part stored")

    def part_url(self, call: PartUrl) -> Reply:
        """The URL to PUT one part to (gcs multipart of the `fal` package)."""
        if self.assets.promised(storage.asset_key(call.path)) is None:
            return _no_upload(call.path)
        url = f"https://{GCS_HOST}{call.path}/{call.number}"
        return replies.json_reply(200, {"upload_url": url}, "part URL", *cors.public())

    def complete(self, request: Request, call: UploadComplete) -> Reply | Join:
        """Join the parts; if some are on disk, the edge does it."""
        upload = self.assets.promised(storage.asset_key(call.path))
        if upload is None:
            return _no_upload(call.path)
        if not upload.parts and self.assets.is_filled(upload):
            return _completed(request, call.path)  # a retry by a client that did not get the answer
        try:
            named = _named_parts(request.body)
            parts = self.assets.in_order(upload, list(named))
            _check_tags(named, upload.parts)
        except (BadUpload, BadParts) as error:
            return replies.problem(400, f"The upload cannot be completed: {error}", "bad complete request")
        if any(part.data is None for part in parts):
            return Join(call.path, tuple(parts), "upload completed")
        whole = content_of(b"".join(part.data for part in parts if part.data is not None))
        return self.joined(request, call.path, whole)

    def joined(self, request: Request, path: str, whole: Content) -> Reply:
        """Store the joined content of the upload at this URL path."""
        upload = self.assets.promised(storage.asset_key(path))
        if upload is None:
            return _no_upload(path)
        try:
            self.assets.fill(upload, whole, upload.content_type)
        except NoRoom:
            return self._too_large(whole.size)
        return _completed(request, path)

    # uploads that a recording started

    def issued(self, reply: Reply) -> None:
        """A recorded answer started an upload: take the content that its URLs get."""
        answer = jsontext.object_of(reply.body) if isinstance(reply.body, bytes) and reply.status < 300 else None
        file_url = (answer or {}).get("file_url", (answer or {}).get("access_url"))
        upload_url = (answer or {}).get("upload_url", file_url)
        if isinstance(file_url, str) and isinstance(upload_url, str):
            self._promise_recorded(urlsplit(file_url).path, urlsplit(upload_url).path)

    def stored(self, request: Request, reply: Reply) -> None:
        """A recorded answer took a file: keep it at the URL that the answer names, else at that of the request."""
        answer = jsontext.object_of(reply.body) if isinstance(reply.body, bytes) else None
        url = (answer or {}).get("access_url")
        if reply.status < 300:
            path = urlsplit(url).path if isinstance(url, str) else request.path
            self._promise_recorded(path, path)
            self.put(request._replace(path=path))

    def _promise_recorded(self, path: str, upload_path: str) -> None:
        name = unquote(path.rpartition("/")[2])
        self.assets.promise_recorded(storage.asset_key(path), storage.asset_key(upload_path), name, type_of(name))

    # uploads in one request

    def upload(self, request: Request) -> Reply:
        """Store a whole file; its URL is derived from its content."""
        try:
            name, content_type = _named(request)
            asset = self.assets.put(request.uploaded, name, content_type)
        except BadUpload as error:
            return replies.invalid_body(str(error), "value_error")
        except NoRoom:
            return self._too_large(request.uploaded.size)
        body = {"access_url": storage.content_url(asset.sha256, name)}
        return replies.json_reply(200, body, "upload stored", *cors.public())

    def _too_large(self, size: int) -> Reply:
        return replies.problem(413, self.assets.too_large(size), "upload too large")


def _announced(body: bytes) -> tuple[str, str]:
    """File name and content type in the body of an initiate call. Raises BadUpload."""
    try:
        value = jsontext.loads(body or b"{}")
    except jsontext.BadJSON as error:
        raise BadUpload(f"Input should be JSON with content_type and file_name: {error}") from None
    if not isinstance(value, dict):
        raise BadUpload("Input should be a JSON object with content_type and file_name")
    content_type = value.get("content_type", DEFAULT)
    if not isinstance(content_type, str) or not is_type(content_type):
        raise BadUpload(f"content_type should be a media type, found {str(content_type)[:80]!r}")
    return _checked(value.get("file_name", UPLOAD_NAME)), content_type


def _named(request: Request) -> tuple[str, str]:
    """File name and content type in the headers of an upload. Raises BadUpload."""
    content_type = _content_type(request) or DEFAULT
    default = f"upload.{extension_of(content_type)}"
    return _checked(request.headers.get("x-fal-file-name") or default), content_type


def _checked(name: Any) -> str:
    if not isinstance(name, str):
        raise BadUpload(f"file_name should be text, found {type(name).__name__}")
    try:
        return storage.check_name(name)
    except storage.BadFileName as error:
        raise BadUpload(f"file_name: {error}") from None


def _content_type(request: Request) -> str:
    text = request.headers.get("content-type", "")
    return text if is_type(text) else ""


def _named_parts(body: bytes) -> dict[int, str]:
    """The part numbers in the body of a complete call, as any client spells them, and their ETags ("" if none).

    Raises BadUpload.
    """
    try:
        value = jsontext.loads(body)
    except jsontext.BadJSON as error:
        raise BadUpload(f"expected JSON with a list of parts: {error}") from None
    parts = value.get("parts") if isinstance(value, dict) else None
    if not isinstance(parts, list):
        raise BadUpload("expected an object with a list of parts")
    named: dict[int, str] = {}
    for part in parts:
        number = part.get("partNumber", part.get("part_number")) if isinstance(part, dict) else None
        if type(number) is not int:
            raise BadUpload(f"expected each part to have a whole partNumber, found {number!r}")
        etag = part.get("etag")
        named[number] = etag.strip('"') if isinstance(etag, str) else ""
    return named


def _check_tags(named: Mapping[int, str], parts: Mapping[int, Content]) -> None:
    """Check that each named ETag, if any, is the one of its part. Raises BadUpload."""
    for number, found in named.items():
        given = storage.etag_of(parts[number].sha256).strip('"')
        if found not in ("", given):
            raise BadUpload(f"expected part {number} to have the ETag {given} that it was given, found {found[:80]!r}")


def _size(contents: Iterable[Content]) -> int:
    return sum(content.size for content in contents)


def _completed(request: Request, path: str) -> Reply:
    url = f"https://{request.host}{path}"
    return replies.json_reply(200, {"access_url": url, "file_url": url}, "upload completed", *cors.public())


def _no_upload(path: str) -> Reply:
    return replies.problem(
        404,
        f"No upload was started for {path}: ask /storage/upload/initiate or /files/upload/multipart for a URL first",
        "unknown upload",
        *cors.public(),
    )
