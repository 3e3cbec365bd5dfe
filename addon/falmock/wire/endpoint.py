"""Endpoint ids: `[namespace/]owner/alias[/path]`.

The rules are those of the clients' parsers (PROTOCOL.md section 10): js:utils, py:client.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote
from urllib.parse import urlsplit

NAMESPACES = ("workflows", "comfy")
_LEGACY = re.compile(r"([0-9]+)-([a-zA-Z0-9-]+)")
_SEGMENT = re.compile(r"[^\s/\\?#%\x00-\x1f\x7f\ud800-\udfff]+")


class BadEndpointId(ValueError):
    """A text is not an endpoint id."""


class EndpointId(NamedTuple):
    """The parts of an endpoint id. `path` has no outer slashes; `namespace` and `path` may be ""."""

    namespace: str
    owner: str
    alias: str
    path: str

    def __str__(self) -> str:
        return f"{self.app}/{self.path}" if self.path else self.app

    @property
    def app(self) -> str:
        """`[namespace/]owner/alias`, without the sub-path: what the URLs of a job contain."""
        app = f"{self.owner}/{self.alias}"
        return f"{self.namespace}/{app}" if self.namespace else app


def segments_of(path: str) -> list[str]:
    """The percent-decoded segments of a URL path. Empty ones (doubled and outer slashes) are left out."""
    if "%" in path:
        return [unquote(part) for part in path.split("/") if part]
    return [part for part in path.split("/") if part]


def from_segments(segments: list[str]) -> EndpointId:
    """The endpoint id in the segments of a URL path. Raises BadEndpointId."""
    for segment in segments:
        if segment in (".", "..") or not _SEGMENT.fullmatch(segment):
            raise BadEndpointId(f"{'/'.join(segments)!r} is not an endpoint id: {segment!r} cannot be a part of one")
    namespace = ""
    if segments and segments[0] in NAMESPACES:
        namespace, segments = segments[0], segments[1:]
    elif len(segments) == 1 and (legacy := _LEGACY.fullmatch(segments[0])):
        segments = [legacy[1], legacy[2]]
    if len(segments) < 2:
        found = "/".join([namespace, *segments] if namespace else segments)
        raise BadEndpointId(f"{found!r} is not an endpoint id: expected owner/alias[/path]")
    return EndpointId(namespace, segments[0], segments[1], "/".join(segments[2:]))


def names_an_app(path: str) -> bool:
    """Whether a path has an owner and an app at least, or is a legacy id; it need not be an endpoint id."""
    segments = segments_of(path)
    return len(segments) > 1 or (len(segments) == 1 and _LEGACY.fullmatch(segments[0]) is not None)


def parse(text: str) -> EndpointId:
    """Parse an endpoint id in any of its forms: plain, legacy (`110602490-name`) or a full URL.

    Raises BadEndpointId.
    """
    if "://" in text:
        try:
            text = urlsplit(text).path
        except ValueError as error:
            raise BadEndpointId(f"{text!r} is not an endpoint id: {error}") from None
    return from_segments(segments_of(text))
