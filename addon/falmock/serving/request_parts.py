"""The parts of a request, as they come over an HTTP/1 connection."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.message import Header


class Head(NamedTuple):
    """The line and the headers of a request; `target` is as it was sent. `upgrades` if it asks for another protocol."""

    method: str
    target: bytes
    fields: tuple[Header, ...]
    is_http11: bool = True
    keeps_alive: bool = True
    upgrades: bool = False

    def get(self, name: bytes) -> bytes:
        """The value of the first header with this name in lower case; b"" if there is none."""
        for found, value in self.fields:
            if found.lower() == name:
                return value
        return b""


NO_HEAD = Head("", b"", ())
"""In place of a head that could not be read."""


class EndOfRequest(NamedTuple):
    """The request is complete."""


class BadRequest(NamedTuple):
    """The bytes are no request that can be answered as one: the status to refuse it with, and why. Nothing follows.

    The status is 0 if they are not HTTP at all.
    """

    status: int
    why: str


class WholeRequest(NamedTuple):
    """A request that came in one piece."""

    head: Head
    body: bytes


Part = Head | bytes | EndOfRequest | BadRequest
"""What a reader finds: a head, pieces of its body, its end."""
