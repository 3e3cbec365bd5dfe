"""Storage: the ways to upload, and the CDN that has the files."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import quote
from urllib.parse import urlsplit

from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.messages import gateway

CDN = "v3b.fal.media"
BUCKETS = "storage.googleapis.com"
PIECE = 1 << 16
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpeg", "video/mp4": "mp4", "text/plain": "txt", "audio/wav": "wav"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_MULTIPART = re.compile(r"(?P<file>.+)/multipart/(?P<upload>[^/]+)/(?P<part>\d+|complete)")
_PART = re.compile(r"(?P<file>.+)/(?P<part>\d+|complete)")


@dataclass(frozen=True)
class File:
    """A file: `block` over and over, up to `size` bytes, so that a huge one takes no room."""

    block: bytes = field(repr=False)
    content_type: str
    name: str
    size: int

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.read(0, self.size):
            digest.update(piece)
        return digest.hexdigest()

    @property
    def content(self) -> bytes:
        return self.block if len(self.block) == self.size else b"".join(self.read(0, self.size))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.block + b"%d" % self.size, usedforsecurity=False).hexdigest()}"'

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, in pieces."""
        while start < stop:
            at = start % len(self.block)
            piece = self.block[at : at + min(PIECE, stop - start)]
            yield piece
            start += len(piece)


@dataclass
class Parts:
    """An upload in parts that is under way."""

    content_type: str
    name: str
    got: dict[int, bytes] = field(default_factory=dict)


class Files:
    """All files there are, by URL without the query."""

    def __init__(self, told: Callable[[str], str]) -> None:
        """`told` notes a secret that is given away, and returns it."""
        self.by_url: dict[str, File] = {}
        self.upload_host = CDN
        """The host of the signed URLs that uploads are put to."""
        self._told = told
        self._expected: dict[str, tuple[str, Parts]] = {}
        self._uploads: dict[str, Parts] = {}
        self._lock = threading.Lock()

    def find(self, url: str) -> File | None:
        """The file at a URL, whatever its query."""
        return self.by_url.get(url.partition("?")[0])

    def keep(self, block: bytes, content_type: str, name: str = "", size: int | None = None) -> str:
        """Have a file, at a URL that nobody can guess: another one each time, whatever the content."""
        url = new_url(name or f"{secrets.token_hex(4)}.{EXTENSIONS.get(content_type, 'bin')}")
        self.put(url, block, content_type, name, size)
        return url

    def put(self, url: str, block: bytes, content_type: str, name: str = "", size: int | None = None) -> None:
        """Have a file at this URL."""
        self.by_url[url] = File(block, content_type, name, len(block) if size is None else size)

    # uploads as the JavaScript clients do them

    def initiate(self, asked: Asked) -> Answer:
        """Promise a place for a file: `POST /storage/upload/initiate` and `initiate-multipart`."""
        try:
            value = asked.json
            name, content_type = value["file_name"], value["content_type"]
        except (ValueError, KeyError, TypeError):
            return gateway(
                422, {"detail": [{"type": "missing", "loc": ["body", "file_name"], "msg": "Field required"}]}
            )
        if asked.parameters.get("storage_type") == "gcs":
            bucket = f"https://{BUCKETS}/falserverless"
            file_url = f"{bucket}/web-uploads/{secrets.token_hex(16)}/{quote(name)}"
            target, query = (
                file_url,
                f"X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=3600&X-Goog-Signature={self._signature()}",
            )
        else:
            file_url = new_url(name)
            target = f"https://{self.upload_host}/signed/{secrets.token_hex(8)}{urlsplit(file_url).path}"
            query = f"expires=1893456000&signature={self._signature()}"
        with self._lock:
            self._expected[target] = (file_url, Parts(content_type, name))
        return gateway(200, {"upload_url": f"{target}?{query}", "file_url": file_url})

    def signed(self, asked: Asked) -> Answer | None:
        """A PUT or POST to a place that was promised; None when this is no such place."""
        url = asked.url.partition("?")[0]
        part = None
        if url not in self._expected and (found := _PART.fullmatch(url)):
            url, part = found["file"], found["part"]
        if url not in self._expected:
            return None
        if not any(name.lower().endswith("signature") for name in parse_qs(asked.query)):
            return Answer(403, (("Content-Type", "application/xml"),), b"<Error><Code>AccessDenied</Code></Error>")
        file_url, parts = self._expected[url]
        if part is None:
            self.put(file_url, asked.body, asked.headers.get("content-type", parts.content_type), parts.name)
            return Answer(200, (("ETag", _etag(asked.body)), ("access-control-allow-origin", "*")))
        if part == "complete":
            return self._complete(asked, file_url, parts)
        parts.got[int(part)] = asked.body
        etag = _etag(asked.body)
        return gateway(200, {"partNumber": int(part), "etag": etag}, ("ETag", etag))

    # uploads as the Python client does them

    def token(self, asked: Asked) -> Answer:
        """Access to the CDN: `POST /storage/auth/token`."""
        if asked.parameters.get("storage_type") != "fal-cdn-v3":
            return gateway(422, {"detail": "Invalid storage type"})
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        return gateway(
            200,
            {
                "token": self._told(f"cdn{secrets.token_hex(24)}"),
                "token_type": "Bearer",
                "base_url": f"https://{CDN}",
                "expires_at": expires.isoformat(),
            },
        )

    def uploaded(self, asked: Asked) -> Answer:
        """`POST /files/upload`, `/files/upload/multipart` and what follows on a CDN host."""
        if "authorization" not in asked.headers:
            return gateway(401, {"detail": "Authorization header is required"})
        name = asked.headers.get("x-fal-file-name", "")
        content_type = asked.headers.get("content-type", "application/octet-stream")
        if asked.path == "/files/upload":
            return gateway(200, {"access_url": self.keep(asked.body, content_type, name)})
        if asked.path == "/files/upload/multipart":
            file_url, upload = new_url(name or "upload.bin"), secrets.token_urlsafe(24)
            with self._lock:
                self._uploads[f"{file_url} {upload}"] = Parts(content_type, name)
            return gateway(200, {"access_url": file_url, "uploadId": upload})
        return self._part(asked)

    def _part(self, asked: Asked) -> Answer:
        found = _MULTIPART.fullmatch(asked.url)
        parts = self._uploads.get(f"{found['file']} {found['upload']}") if found else None
        if found is None or parts is None:
            return gateway(404, {"detail": "Not Found"})
        if found["part"] == "complete":
            return self._complete(asked, found["file"], parts)
        parts.got[int(found["part"])] = asked.body
        return gateway(200, {}, ("ETag", _etag(asked.body)))

    def _complete(self, asked: Asked, file_url: str, parts: Parts) -> Answer:
        """Put the parts together if the list names each of them by its etag."""
        listed = {part["partNumber"]: part["etag"] for part in json.loads(asked.body)["parts"]}
        if listed != {number: _etag(content) for number, content in parts.got.items()}:
            return gateway(400, {"detail": "The parts are not those that were uploaded"})
        self.put(file_url, b"".join(parts.got[number] for number in sorted(parts.got)), parts.content_type, parts.name)
        return gateway(200, {"url": file_url})

    # downloads

    def download(self, asked: Asked) -> Answer:
        """GET or HEAD a file, or a range of it."""
        file = self.find(asked.url)
        if file is None:
            return Answer(404, (("Content-Type", "text/plain"), ("access-control-allow-origin", "*")), b"not found")
        headers = (
            ("Content-Type", file.content_type),
            ("ETag", file.etag),
            ("Accept-Ranges", "bytes"),
            ("Cache-Control", "public, max-age=5184000, immutable"),
            ("access-control-allow-origin", "*"),
        )
        if asked.headers.get("if-none-match") == file.etag:
            return Answer(304, headers[1:])
        wanted = _RANGE.fullmatch(asked.headers.get("range", ""))
        if wanted is None or not any(wanted.groups()):
            return Answer(200, headers, file.read(0, file.size), file.size)
        start, stop = _span(wanted[1], wanted[2], file.size)
        if start >= stop:
            return Answer(416, (*headers, ("Content-Range", f"bytes */{file.size}")))
        part = ("Content-Range", f"bytes {start}-{stop - 1}/{file.size}")
        return Answer(206, (*headers, part), file.read(start, stop), stop - start)

    def _signature(self) -> str:
        return self._told(secrets.token_hex(32))


def new_url(name: str) -> str:
    """Where a new file goes: nothing of it but the name can be foreseen."""
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(name).name)
    return f"https://{CDN}/files/b/{secrets.token_hex(4)}/{secrets.token_urlsafe(15)}_{clean}"


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


def urls_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value that is a web address."""
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from urls_in(item)
