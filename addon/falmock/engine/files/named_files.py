"""The files that a request names, seen in its bytes before they are read: so that a store is asked for all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from falmock.wire.hosts import FILE_ROLES
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import normalize

_SCHEME = b"https://"
_URL = re.compile(rb"https://([^/\"\\\s?#]{1,255})(/[^\"\\\s?#]*)")
_MOST = 1000
"""How many URLs are looked at."""


def file_paths(body: bytes, hosts: Hosts) -> Iterator[str]:
    """The URL paths on hosts of files that a body names. URLs that JSON spells with escapes are not found."""
    if _SCHEME not in body:
        return
    for count, url in enumerate(_URL.finditer(body)):
        if count == _MOST:
            return
        if hosts.role(normalize(url[1].decode("latin-1"))) in FILE_ROLES:
            yield url[2].decode(errors="replace")
