"""The URL in `x-fal-target-url`: where a client of the server-side proxy sends its call (PROTOCOL.md section 9)."""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER = "x-fal-target-url"
MAX_LENGTH = 16 * 1024
_DOMAINS = ("fal.ai", "fal.run")
# Printable ASCII alone: parsers differ in what they drop, fold and decode, and none of fal's URLs has any other.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?(#.*)?")
_PLAIN = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class ProxyTarget(NamedTuple):
    """A call's place at one of fal's hosts: `host` in lower case, `path` raw, `query` without its `?`."""

    host: str
    path: str
    query: str


class BadTarget(ValueError):
    """A target that is not fal's; the text says what was found and what was expected.

    `is_url` tells if it is a URL at all.
    """

    def __init__(self, message: str, *, is_url: bool) -> None:
        super().__init__(message)
        self.is_url = is_url


def parse_target(text: str, schemes: tuple[str, ...] = ("https",)) -> ProxyTarget:
    """The place that a URL on `fal.ai`, `fal.run` or below them names. Raises BadTarget for any other text.

    There is one reading of what passes: no user, no port (nor 443), no address, no escapes in the host, no backslash.
    """
    if len(text) > MAX_LENGTH:
        raise BadTarget(f"expected a URL of at most {MAX_LENGTH} characters, found {len(text)}", is_url=False)
    if not _PLAIN.fullmatch(text) or "\\" in text:
        raise BadTarget(
            "expected a URL of printable ASCII without spaces and backslashes, found other characters", is_url=False
        )
    parts = _URL.fullmatch(text)
    if parts is None:
        raise BadTarget("expected an absolute URL such as https://fal.run/fal-ai/flux/dev", is_url=False)
    scheme, authority, path, query, fragment = parts.groups(default="")
    if scheme.lower() not in schemes:
        raise BadTarget(f"expected {' or '.join(schemes)}, found a URL of another scheme", is_url=True)
    host = _host(authority)
    if host not in _DOMAINS and not host.endswith(tuple(f".{domain}" for domain in _DOMAINS)):
        raise BadTarget(f"expected a host of fal (*.fal.ai or *.fal.run), found {host[:100]}", is_url=True)
    if fragment:
        raise BadTarget("expected a URL without a fragment (#...)", is_url=True)
    return ProxyTarget(host, path or "/", query)


def _host(authority: str) -> str:
    # What stands here may be a password: it is not repeated.
    if "@" in authority:
        raise BadTarget("expected a URL without user name and password", is_url=True)
    host = authority.lower()
    if ":" in host:
        raise BadTarget("expected a host name without a port", is_url=True)
    if not _NAME.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise BadTarget("expected a host name, found none, an address or one with other characters", is_url=True)
    return host
