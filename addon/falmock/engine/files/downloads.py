"""Downloads: serves the issued file URLs as the CDN does (PROTOCOL.md section 6.6)."""

from __future__ import annotations

import re
from collections.abc import Callable

from falmock.engine import replies
from falmock.engine.context import Context
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.fixtures.matching import miss
from falmock.fixtures.matching.recorded_urls import address
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Found
from falmock.wire import cors
from falmock.wire import storage
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_value

FindPlain = Callable[[Request, float], Fixture | None]
"""From a call to no endpoint, and its time (seconds since the epoch), to the fixture that answers it."""


class Downloads:
    """Answers GET and HEAD on the CDN hosts: files uploaded in this scope, assets of fixtures, fixtures by path."""

    def __init__(self, context: Context, find: FindPlain) -> None:
        self._context = context
        self._find = find

    def get(self, request: Request, now: float) -> Reply:
        """A file, a range of it, or the miss report."""
        index, scope = self._context.index, self._context.scope
        found = self._whole(scope.assets.find(request.path, index.assets))
        if found is not None:
            return download(request, found)
        fixture = self._find(request, now)
        if fixture is None:
            url = f"https://{request.host}{request.path}"
            sha256 = index.recorded_urls.get(address(url))
            asset = None if sha256 is None else scope.assets.content(sha256, index.assets)
            found = self._whole(asset and Found(asset, asset.content_type))
            if found is not None:
                return download(request, found)
            return _for_cdn(replies.miss_reply(miss.report_url(index, request.method, url, scope.redactor)))
        answer = fixture.answer
        content_type = answer.content_type
        if answer.asset is not None:
            served = index.assets[answer.asset]
        else:
            served = Asset(storage.digest(answer.body), "", content_type, len(answer.body), data=answer.body)
        reply = download(request, Found(served, content_type), answer.status)
        headers = replies.own_headers(list(reply.headers), answer, fixture.label)
        return reply._replace(headers=headers, fixture=fixture.label, why="matches by path")

    def _whole(self, found: Found | None) -> Found | None:
        """A file with its content; None if that is lost."""
        if found is None:
            return None
        (asset,) = self._context.scope.assets.loaded([found.asset])
        return None if asset.data is None and asset.file is None else found._replace(asset=asset)


def _for_cdn(reply: Reply) -> Reply:
    return reply._replace(headers=reply.headers + cors.public())


_OF_CDN: tuple[Header, ...] = ((b"Cache-Control", b"public, max-age=5184000, immutable"), *cors.public())
_ETAGS = re.compile(r'(?:W/)?("[^"]*")|(\*)')


def download(request: Request, found: Found, status: int = 200, extra: tuple[Header, ...] = _OF_CDN) -> Reply:
    """The bytes of a file: whole, a range, or 304; by default with the CDN's headers."""
    asset = found.asset
    etag = storage.etag_of(asset.sha256)
    common: tuple[Header, ...] = (
        (b"ETag", etag.encode()),
        (b"Accept-Ranges", b"bytes"),
        *extra,
    )
    sent = request.headers
    if is_named(etag, sent.get("if-none-match", "")):
        return Reply(304, common, b"", "not modified")
    headers = ((b"Content-Type", header_value(found.content_type)), *common)
    start, stop = 0, asset.size
    if "range" in sent and sent.get("if-range", etag) == etag:
        try:
            span = storage.parse_range(sent["range"], asset.size)
        except ValueError:
            unsatisfied = (b"Content-Range", f"bytes */{asset.size}".encode())
            return Reply(416, (*common, unsatisfied), b"", "range not satisfiable")
        if span is not None:
            start, stop = span
            status = 206
            headers += ((b"Content-Range", f"bytes {start}-{stop - 1}/{asset.size}".encode()),)
    if request.method == "HEAD":
        return Reply(status, headers, b"", "file", length=stop - start)
    if asset.data is not None:
        return Reply(status, headers, asset.data[start:stop], "file")
    return Reply(status, headers, FileBody(asset.file or "", start, stop), "file")


def is_named(etag: str, text: str) -> bool:
    """Whether an If-None-Match names this entity tag, or any (`*`)."""
    return any(star or tag == etag for tag, star in _ETAGS.findall(text))
