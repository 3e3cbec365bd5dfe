"""The URL in `x-fal-target-url`: where a client of the server-side proxy sends its call (PROTOCOL.md section 9)."""

from __future__ import annotations

import re
from typing import NamedTuple

from falmock.wire.hosts import BadHost
from falmock.wire.hosts import checked
from falmock.wire.hosts import normalize

HEADER = "x-fal-target-url"
MAX_LENGTH = 16 * 1024
_DOMAINS = ("fal.ai", "fal.run")
# Only printable ASCII: parsers differ in how they treat other characters, and fal's URLs have none.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?(#.*)?")
_PLAIN = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class ProxyTarget(NamedTuple):
    """A URL on one of fal's hosts: `host` in lower case, `path` raw, `query` without the `?`."""

    host: str
    path: str
    query: str


class BadTarget(ValueError):
    """A target is not a URL of fal's; the text says what was found and what was expected.

    `is_url` says whether the target is a URL.
    """

    def __init__(self, message: str, *, is_url: bool) -> None:
        super().__init__(message)
        self.is_url = is_url


def parse_target(text: str, schemes: tuple[str, ...] = ("https",)) -> ProxyTarget:
    """Parse a URL on `fal.ai`, `fal.run` or a domain below them. Raises BadTarget for any other text.

    It refuses what parsers could read in different ways: a user, a port (443 too), an address, escapes in the host, a
    backslash.
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
    # The text may contain a password, so the error does not repeat it.
    if "@" in authority:
        raise BadTarget("expected a URL without user name and password", is_url=True)
    host = authority.lower()
    if ":" in host:
        raise BadTarget("expected a host name without a port", is_url=True)
    if not _NAME.fullmatch(host) or normalize(host) != host or host.rpartition(".")[2].isdigit():
        raise BadTarget("expected a host name, found none, an address or one with other characters", is_url=True)
    try:
        return checked(host)
    except BadHost as error:
        raise BadTarget(f"expected a host name: {error}", is_url=True) from None
