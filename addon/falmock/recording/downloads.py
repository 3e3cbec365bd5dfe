"""Follows downloads of files: from fal's CDN, and from other hosts if a recorded answer names that very URL."""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import urljoin

from falmock.recording.exchange import Exchange
from falmock.recording.files import FileUrls
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import SelfAnswered
from falmock.recording.plain_calls import PlainCalls
from falmock.recording.plain_calls import name_of
from falmock.recording.uploads import LIMIT
from falmock.recording.uploads import url_key
from falmock.wire.message import Request

_REDIRECTS = (301, 302, 303, 307, 308)
_CONDITIONAL = (304, 412, 416)
"""Statuses that depend on headers of the request, by which no fixture is selected."""
_DOWNLOADS = "downloads"


class Downloads:
    """The downloads of one recording."""

    def __init__(self, files: FileUrls, plain: PlainCalls) -> None:
        self._files = files
        self._plain = plain
        self._redirected: OrderedDict[str, Request] = OrderedDict()
        """The downloads from fal that no answer named and that were redirected, by where to."""

    def awaits(self, url: str) -> bool:
        """Whether a URL is that of a file in a recorded answer, or where a download was redirected to."""
        return self._files.named(url) is not None or url_key(url) in self._redirected

    def record(self, exchange: Exchange) -> list[Outcome]:
        """The outcomes of a download."""
        url = f"https://{exchange.request.host}{exchange.request.path}?{exchange.request.query}"
        is_uploaded, named = self._files.uploaded(url) is not None, self._files.named(url)
        first = self._redirected.get(url_key(url), exchange.request)
        if exchange.request.method == "GET" and exchange.status in _REDIRECTS and "location" in exchange.headers:
            self._files.redirect(url, exchange.headers["location"])
            if named is None:
                self._redirected[url_key(urljoin(url, exchange.headers["location"]))] = first
                if len(self._redirected) > LIMIT:
                    self._redirected.popitem(last=False)
            return [SelfAnswered("redirects of downloads")]
        why = _why_not(exchange)
        if why is None:
            if is_uploaded:
                return [SelfAnswered(_DOWNLOADS)]
            if named is not None:
                return [Link(named, exchange.downloaded, exchange.content_type)]
            return self._plain.keep(exchange._replace(request=first, status=200))
        if exchange.status >= 400 and exchange.status not in _CONDITIONAL and self._files.is_file_url(url):
            if not is_uploaded:
                return self._plain.keep(exchange)
        elif exchange.status < 400 and not exchange.lost and (is_uploaded or named is not None):
            return [SelfAnswered(_DOWNLOADS)]  # a part or the headers of a file that replay has
        return [NotRecorded(f"{name_of(exchange)}, a file,", why)]


def _why_not(exchange: Exchange) -> str | None:
    """Why an exchange does not show a whole file; None if it does."""
    if exchange.request.method != "GET":
        return "only its headers were requested"
    if exchange.lost:
        return exchange.lost
    if exchange.status == 206 and not _is_all(exchange.headers.get("content-range", "")):
        return "only a part of it was requested"
    return None if exchange.status in (200, 206) else f"it was answered {exchange.status}"


def _is_all(content_range: str) -> bool:
    """Whether a range is the whole file: media players request `bytes=0-`."""
    span, _, size = content_range.removeprefix("bytes ").partition("/")
    first, _, last = span.partition("-")
    return first == "0" and last.isdigit() and size.isdigit() and int(last) + 1 == int(size)
