"""File names, file URLs and byte ranges of fal's storage (PROTOCOL.md section 6).

falmock makes URLs from content: `/files/b/<first 8 hex of the SHA-256>/<the SHA-256 in base64url>_<name>`, in the form
of fal's (`/files/b/{8 hex}/{random}_{name}`). The same bytes get the same URL in every run, and the URL contains the
digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import unquote

from falmock.wire.hosts import CDN_HOST
from falmock.wire.hosts import GCS_BUCKET
from falmock.wire.hosts import GCS_HOST

_CONTENT_PATH = re.compile(r"/files/b/([0-9a-f]{8})/([A-Za-z0-9_-]{43})_[^/]*")
_CONTENT_PATHS = re.compile(_CONTENT_PATH.pattern.removesuffix("[^/]*").encode())
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
MAX_NAME = 255


class BadFileName(ValueError):
    """A file name could lead out of a folder or break a header."""


def check_name(name: str) -> str:
    """Return the name if it is a plain file name. Raises BadFileName."""
    if not name or name in (".", "..") or len(name) > MAX_NAME or _FORBIDDEN.search(name):
        raise BadFileName(
            f"{name[:80]!r} is not a file name: expected 1 to {MAX_NAME} characters, no slash, backslash or control "
            "character, and not . or .."
        )
    return name


def digest(content: bytes) -> str:
    """The SHA-256 of a content in lower-case hex, which is also the name of an asset."""
    return hashlib.sha256(content).hexdigest()


def content_path(sha256: str, name: str) -> str:
    """The URL path of the content with this digest."""
    token = base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()
    return f"/files/b/{sha256[:8]}/{token}_{quote(name, errors='replace')}"


def content_url(sha256: str, name: str) -> str:
    """The URL of the content with this digest."""
    return f"https://{CDN_HOST}{content_path(sha256, name)}"


def digest_in_path(path: str) -> str | None:
    """The digest in a URL path that `content_path` made; None for any other path."""
    found = _CONTENT_PATH.fullmatch(path)
    if found is None:
        return None
    sha256 = base64.urlsafe_b64decode(found[2] + "=").hex()
    return sha256 if sha256.startswith(found[1]) else None


def digests_in(text: bytes) -> set[str]:
    """The digests in all URLs in a text that `content_path` made."""
    found = (digest_in_path(path[0].decode()) for path in _CONTENT_PATHS.finditer(text))
    return {sha256 for sha256 in found if sha256 is not None}


def ticket_path(ticket: str, name: str) -> str:
    """The path of a file whose URL is issued before its content is uploaded."""
    return f"/files/b/{ticket[:8]}/{ticket[8:29]}_{quote(name, errors='replace')}"


def promised_urls(path: str, signature: str, *, gcs: bool) -> tuple[str, str]:
    """The upload URL and the file URL of a file at `ticket_path`. Nothing checks the signature; fal's URLs have one."""
    file_url = f"https://{GCS_HOST}/{GCS_BUCKET}{path}" if gcs else f"https://{CDN_HOST}{path}"
    return f"{file_url}?signature={signature}", file_url


def asset_key(path: str) -> str:
    """The key of a file on every host: its decoded path, without the gcs bucket."""
    return unquote(path.removeprefix(f"/{GCS_BUCKET}"))


def etag_of(sha256: str) -> str:
    """The entity tag of the content with this digest, with quotes."""
    return f'"{sha256[:32]}"'


class ByteRange(NamedTuple):
    """Bytes `start` (inclusive) to `stop` (exclusive) of a body."""

    start: int
    stop: int


def parse_range(text: str, size: int) -> ByteRange | None:
    """The range that a `Range` header requests of `size` bytes; None if the whole content is sent.

    Several ranges and invalid texts are ignored, as RFC 9110 section 14.2 allows. Raises ValueError if the range cannot
    be satisfied.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        if length == 0:
            raise ValueError(text)
        return ByteRange(size - length, size)
    start = int(found[1])
    stop = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < start:
        return None
    if start >= size:
        raise ValueError(text)
    return ByteRange(start, stop)
