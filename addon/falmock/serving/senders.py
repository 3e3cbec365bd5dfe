"""What the headers of the requests of one connection say, which is kept, since most of them have equal ones."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine import scopes
from falmock.engine.known_forms import BEFORE_ID
from falmock.engine.known_forms import ID_LENGTH
from falmock.engine.known_forms import KnownForm
from falmock.serving.gate import user_in
from falmock.serving.request_parts import Head
from falmock.wire import handshake
from falmock.wire.hosts import named
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map

_BEFORE_ID = BEFORE_ID.encode()
_OF_BODIES = (b"content-length", b"transfer-encoding")
KEPT_SENDERS = 4
"""How many different headers of its requests a connection keeps: submits have other ones than polls."""
LONGEST_KEPT = 4096
"""Longer ones (bytes) are not kept."""
KEPT_FORMS = 8
"""How many forms of requests about jobs are kept of those with the same headers."""


class Known(NamedTuple):
    """A request about a job that was answered: as its client sent it, and its form."""

    request: Request
    form: KnownForm


class Sender(NamedTuple):
    """What the headers of a request say: all of them, the normalized host in Host, the scope, whether it wants a WebSocket.

    `known` are the requests about jobs that had these headers, by what stands before and behind the request id.
    """

    headers: dict[str, str]
    host: str
    scope: str
    asks_for_socket: bool
    known: dict[tuple[bytes, bytes], Known]


def may_be_remembered(head: Head) -> bool:
    """Whether a request is about a job, and has no body."""
    return head.method == "GET" and _BEFORE_ID in head.target and not any(map(head.get, _OF_BODIES))


def parts_of(target: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands in a target before the request id of a job, the id, and what stands behind it."""
    before, _, rest = target.partition(_BEFORE_ID)
    return before, rest[:ID_LENGTH], rest[ID_LENGTH:]


class Senders:
    """The last senders of a connection, whose tunnel belongs to `user`."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._kept: dict[tuple[Header, ...], Sender] = {}
        self._last: tuple[Header, ...] | None = None
        """The last headers that had come before."""

    def of(self, fields: tuple[Header, ...]) -> Sender:
        """What these headers say."""
        if fields is self._last:
            return self._kept[fields]
        found = self._kept.get(fields)
        if found is not None:
            self._last = fields
            return found
        headers = header_map(fields)
        scope = scopes.named(headers, user_in(headers.get("proxy-authorization", "")) or self._user)
        found = Sender(headers, named(headers.get("host", "")), scope, handshake.asks_for_socket(headers), {})
        if sum(len(name) + len(value) for name, value in fields) <= LONGEST_KEPT:
            if len(self._kept) >= KEPT_SENDERS:
                del self._kept[next(each for each in self._kept if each != self._last)]
            self._kept[fields] = found
        return found

    def has_repeated(self, fields: tuple[Header, ...]) -> bool:
        """Whether these headers, which came last, had come before."""
        return fields is self._last
