"""Tickets: short-lived permissions to read files, for URLs in pages, whose elements cannot send a header."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

SECONDS = 60
"""How long a ticket is valid."""
_TICKET = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})")
_FOR = b"falmock ticket to read files until "
"""What is signed begins with this, so that no other signature by the same secret is one of a ticket."""


class Tickets:
    """Issues and checks tickets signed with `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def give(self, now: float) -> tuple[str, int]:
        """A new ticket, and when it expires (both times in seconds since the epoch)."""
        expires = int(now) + SECONDS
        return f"{expires}.{self._signature(expires)}", expires

    def holds(self, ticket: str, now: float) -> bool:
        """Whether a text is a ticket of this secret that has not expired."""
        found = _TICKET.fullmatch(ticket)
        if found is None:
            return False
        expires = int(found[1])
        return hmac.compare_digest(ticket, f"{expires}.{self._signature(expires)}") and now < expires

    def _signature(self, expires: int) -> str:
        signed = hmac.digest(self._secret, _FOR + str(expires).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
