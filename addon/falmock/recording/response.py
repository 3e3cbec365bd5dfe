"""Builds the `response` of a fixture from a recorded answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from falmock.fixtures.call_forms import is_literal
from falmock.fixtures.format.response import NO_CONTENT
from falmock.fixtures.matching.canonical import FILE
from falmock.recording.exchange import Exchange
from falmock.recording.files import FileUrls
from falmock.recording.files import inline_file
from falmock.recording.files import is_media
from falmock.recording.files import readable_name
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import extension_of
from falmock.wire.formats.media import type_of
from falmock.wire.message import Content
from falmock.wire.message import content_of

_KEPT_HEADERS = frozenset({"retry-after", "content-disposition", "content-language", "location"})
_LEFT_OUT = frozenset({"x-fal-request-id", "x-fal-served-from", "x-fal-cdn-token", "x-fal-billable-units"})
_UNITS = re.compile(r"(0|[1-9]\d{0,8})(\.\d{1,30})?")
_OF_FILE = frozenset({"content_type", "file_name", "file_size"})
"""What fal's file objects have beside `url` (PROTOCOL.md section 6.6)."""
_INLINE = 1024
"""A `data:` URI of up to this many characters stays in the fixture."""


class NotAnAnswer(ValueError):
    """An answer that a fixture cannot represent; the text says why."""


@dataclass(slots=True)
class BuiltResponse:
    """A `response`, the file URLs in it (unchanged, by `url_key`), and the assets it refers to.

    `links` are the other URLs in it on hosts that are not fal's: what they name is known if the app downloads it.
    """

    response: dict[str, Any] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    contents: list[tuple[Content, str]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)


class ResponseBuilder:
    """Builds the `response` of fixtures: media as assets, only the relevant headers.

    It still contains secrets.
    """

    def __init__(self, files: FileUrls) -> None:
        self._files = files

    def of(self, exchange: Exchange) -> BuiltResponse:
        """The answer in the form of a fixture. Raises NotAnAnswer."""
        if exchange.lost:
            raise NotAnAnswer(exchange.lost)
        if exchange.status < 200 or 300 <= exchange.status < 400:
            raise NotAnAnswer(f"an answer with status {exchange.status} does not come from a model")
        result = BuiltResponse()
        if exchange.status != 200:
            result.response["status"] = exchange.status
        kind, content = self._body(exchange, result)
        headers = self.headers(exchange, _implied_type(kind, exchange.content_type))
        if headers:
            result.response["headers"] = headers
        units = units_of(exchange)
        if units is not None:
            result.response["billableUnits"] = units
        result.response[kind] = content
        return result

    def _body(self, exchange: Exchange, result: BuiltResponse) -> tuple[str, Any]:
        if exchange.status == NO_CONTENT:  # what a capture has beside it was never sent
            return "text", ""
        if exchange.received is not None:
            return self._file(exchange.received, exchange.content_type, result)
        if exchange.content_type == "application/json" or exchange.content_type.endswith("+json"):
            try:
                value = jsontext.loads_exact(exchange.body)
            except jsontext.BadJSON:
                pass  # recorded as text or file
            else:
                if is_literal(value):
                    return "json", self.rendered(value, result)
        if exchange.chunks or exchange.content_type.startswith(("text/", "application/json")) or not exchange.body:
            try:
                return "text", exchange.body.decode()
            except UnicodeDecodeError:
                pass
        return self._file(content_of(exchange.body), exchange.content_type, result)

    def _file(self, content: Content, content_type: str, result: BuiltResponse) -> tuple[str, Any]:
        result.contents.append((content, content_type or DEFAULT))
        return "file", f"sha256:{content.sha256}"

    def rendered(self, value: Any, result: BuiltResponse) -> Any:
        """A JSON value in the form of a fixture; files it refers to are noted in `result`."""
        if isinstance(value, list):
            return [self.rendered(item, result) for item in value]
        if isinstance(value, dict):
            is_file = not _OF_FILE.isdisjoint(value)
            return {
                key: self.text(item, result, is_file=is_file)
                if key == "url" and isinstance(item, str)
                else self.rendered(item, result)
                for key, item in value.items()
            }
        return self.text(value, result) if isinstance(value, str) and ":" in value else value

    def text(self, text: str, result: BuiltResponse, *, is_file: bool = False) -> Any:
        """A text in the form of a fixture: file URLs and `data:` URIs become references.

        `is_file`: what is beside the text says that it is the URL of a file.
        """
        if self._files.is_elsewhere(text):
            (result.urls if is_file or is_media(text) else result.links)[url_key(text)] = text
            return text
        if not self._files.is_file_url(text):
            return self._inline(text, result)
        file = self._files.uploaded(text)
        if file is not None:
            given = {"type": file.content_type} if file.content_type else {}  # there is no asset to take it from
            return file_value(file) | given | {"uploaded": True}
        result.urls[url_key(text)] = text
        return text

    def _inline(self, text: str, result: BuiltResponse) -> Any:
        inline = inline_file(text) if len(text) > _INLINE else None
        if inline is None or not inline.exact:
            return text
        result.contents.append((inline.content, inline.content_type))
        return {FILE: f"sha256:{inline.content.sha256}", "as": "data-uri", "type": inline.content_type}

    def headers(self, exchange: Exchange, implied: str) -> dict[str, str]:
        """The relevant headers; the content type only if it differs from `implied`."""
        headers = {
            name: value
            for name, value in sorted(exchange.headers.items())
            if name in _KEPT_HEADERS or (name.startswith("x-fal-") and name not in _LEFT_OUT)
        }
        content_type = exchange.headers.get("content-type", "")
        if content_type and content_type != implied:
            headers = {"content-type": content_type} | headers
        return headers


def units_of(exchange: Exchange) -> Any:
    """The billable units of an answer, as written in its header; None if there are none."""
    units = exchange.headers.get("x-fal-billable-units", "")
    return jsontext.loads_exact(units.encode()) if _UNITS.fullmatch(units) else None


def file_value(file: File) -> dict[str, Any]:
    """The reference that replaces a file's URL in an answer once its content is known."""
    value: dict[str, Any] = {FILE: f"sha256:{file.sha256}"}
    if name := readable_name(file.url):
        value["name"] = name
    if file.content_type and file.content_type != _implied_type("file", file.content_type):
        value["type"] = file.content_type
    return value


def asset_file(sha256: str, content_type: str) -> str:
    """The file name of an asset: its digest, and the usual extension of its type."""
    return f"{sha256}.{extension_of(content_type)}"


def _implied_type(kind: str, content_type: str) -> str:
    """The content type of a fixture's answer that does not state one."""
    if kind == "json":
        return "application/json"
    if kind == "text":
        return "text/plain; charset=utf-8"
    return type_of(f"x.{extension_of(content_type)}")
