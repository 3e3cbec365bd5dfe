"""Recognizes file URLs, and remembers the content of those that are known."""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from typing import Any
from typing import NamedTuple
from urllib.parse import urljoin
from urllib.parse import urlsplit

from falmock.fixtures.matching.canonical import FILE
from falmock.recording.uploads import LIMIT
from falmock.recording.uploads import File
from falmock.recording.uploads import file_name
from falmock.recording.uploads import url_key
from falmock.wire import storage
from falmock.wire.formats import data_uri
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import is_type
from falmock.wire.formats.media import type_of
from falmock.wire.hosts import FILE_ROLES
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import normalize
from falmock.wire.message import Content
from falmock.wire.message import content_of

_TOKEN_BEFORE_NAME = re.compile(r"[A-Za-z0-9_-]{20,22}?_(.+)")
_READABLE_NAME = re.compile(r"[a-z][a-z0-9 _-]{0,40}\.[a-z0-9]{2,5}")
_SPACE = re.compile(r"\s")
_RANDOM = re.compile(r"(?:[0-9a-f_-]{8,}|(?=.*\d)[0-9a-f]{6,}|tmp[a-z0-9_]{8})\.\w+")
_CONTENT_TOKEN = 44
"""How many characters are before the name in a URL of our own: a digest and `_`."""


class FileUrls:
    """The file URLs of one recording: those of uploads, with their content, and those in answers."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self._uploaded: OrderedDict[str, File] = OrderedDict()
        self._contents: OrderedDict[str, File] = OrderedDict()
        self._named: OrderedDict[str, str] = OrderedDict()

    def is_file_url(self, text: str) -> bool:
        """Whether a text is the URL of a file on one of fal's file hosts."""
        host, path = _place(text)
        role = self.hosts.role(host)
        is_one = role in FILE_ROLES and self.hosts.claims(host, path) and path.strip("/") != ""
        return is_one and text.startswith("https://")

    def is_elsewhere(self, text: str) -> bool:
        """Whether a text is a URL on a host that is not fal's. It may name a file, or a page."""
        host, path = _place(text)
        return host != "" and path.strip("/") != "" and not self.hosts.claims(host, path)

    def upload(self, file: File) -> None:
        """Note the content of a URL that the app uploaded to."""
        self._uploaded[url_key(file.url)] = self._contents[file.sha256] = file
        for table in (self._uploaded, self._contents):
            if len(table) > LIMIT:
                table.popitem(last=False)

    def name(self, key: str) -> None:
        """Note that a recorded answer contains the URL with this `url_key`."""
        self._note(key, key)

    def redirect(self, url: str, location: str) -> None:
        """Note that the file at a URL in an answer is at another location."""
        key = self._named.get(url_key(url))
        if key is not None:
            self._note(url_key(urljoin(url, location)), key)

    def _note(self, key: str, named: str) -> None:
        self._named[key] = named
        if len(self._named) > LIMIT:
            self._named.popitem(last=False)

    def named(self, url: str) -> str | None:
        """The URL in a recorded answer whose file is at this URL, the same or one that redirects; None if there is none."""
        return self._named.get(url_key(url))

    def upload_url(self, sha256: str) -> str | None:
        """The URL on fal that the app last uploaded this content to; None if it did not, or falmock made the URL."""
        file = self._contents.get(sha256)
        url = "" if file is None else url_key(file.url)
        return None if not url or storage.digest_in_path(urlsplit(url).path) else url

    def uploaded(self, url: str) -> File | None:
        """The file that the app uploaded to this URL, or an uploaded one from whose content falmock derived the URL."""
        file = self._uploaded.get(url_key(url))
        if file is None and self._contents and self.is_file_url(url):
            found = self._contents.get(storage.digest_in_path(urlsplit(url).path) or "")
            return None if found is None else found._replace(url=url_key(url))
        return file

    def known(self, url: str) -> File | None:
        """The file at a URL, uploaded or not; a URL that falmock derived from content has the digest in it."""
        file = self.uploaded(url)
        if file is None and self.is_file_url(url):
            sha256 = storage.digest_in_path(urlsplit(url).path)
            return File(url_key(url), sha256, 0, "") if sha256 else None
        return file


def _place(text: str) -> tuple[str, str]:
    """The host and the path of a text that is a URL; twice "" for any other text."""
    if not text.startswith(("https://", "http://")) or len(text) > 4096 or _SPACE.search(text):
        return "", ""
    try:
        parts = urlsplit(text)
        return ("", "") if "@" in parts.netloc else (normalize(parts.hostname or ""), parts.path)
    except ValueError:
        return "", ""


def is_media(url: str) -> bool:
    """Whether the name at the end of a URL is that of an image, a video, a sound or a 3D model."""
    return type_of(file_name(url)).startswith(("image/", "video/", "audio/", "model/"))


def reference(file: File) -> dict[str, Any]:
    """A file in a match: its digest, and for readers its type and size if they are known."""
    result: dict[str, Any] = {FILE: f"sha256:{file.sha256}"}
    if file.content_type:
        result["type"] = file.content_type
    if file.size:
        result["size"] = file.size
    return result


def readable_name(url: str) -> str:
    """The part of a file's name that is readable and the same in every run; "" if all of it is random.

    fal's URLs end in `{random}_{name}` or in `{random}.{extension}` (PROTOCOL.md section 6.6).
    """
    name = file_name(url)
    if storage.digest_in_path(urlsplit(url_key(url)).path):
        name = name[_CONTENT_TOKEN:]
    elif found := _TOKEN_BEFORE_NAME.fullmatch(name):
        name = found[1]
    return name if _READABLE_NAME.fullmatch(name) and not _RANDOM.fullmatch(name) else ""


class InlineFile(NamedTuple):
    """The content of a `data:` URI and its media type."""

    content: Content
    content_type: str
    exact: bool
    """Whether content and type give exactly the same text again."""


def inline_file(text: str) -> InlineFile | None:
    """The content of a `data:` URI; None for any other text."""
    found = data_uri.read(text)
    if found is None:
        return None
    content_type = found.content_type if is_type(found.content_type) else DEFAULT
    again = f"data:{content_type};base64,{base64.b64encode(found.content).decode()}"
    return InlineFile(content_of(found.content), content_type, again == text)
