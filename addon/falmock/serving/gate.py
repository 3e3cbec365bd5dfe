"""Who connects, and what lets them in."""

from __future__ import annotations

import base64
import ssl
from typing import NamedTuple
from typing import Protocol
from urllib.parse import unquote

from falmock.edge import ForwardedCall
from falmock.engine.effects import Reply
from falmock.serving.connection import Connection
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.request_parts import Head
from falmock.serving.tls_session import TlsFailure
from falmock.wire.message import Request


class Caller(NamedTuple):
    """Who connects: the address and port of the client, and the user name and agent that it showed to the proxy ("" for none).

    `own` is the address of the port that it came to (HOST:PORT), if that port stands for a host of fal's; else "".
    """

    peer: str = ""
    port: int = 0
    user: str = ""
    agent: str = ""
    own: str = ""


class Gate(Protocol):
    """Lets callers in, and is told what becomes of them."""

    def tunnel(self, head: Head, host: str) -> Reply | str:
        """A client requests a tunnel to this host of fal's: the answer that refuses it, or the caller's user name."""

    async def elsewhere(self, head: Head, connection: Connection) -> Reply | Tunnel:
        """A client requests a tunnel to a host that is not fal's."""

    async def forward(self, call: ForwardedCall) -> Reply:
        """The answer to a call that nothing answers here, and that may leave."""

    def tls(self) -> ssl.SSLContext:
        """The certificate for all of fal's hosts, and its key."""

    def tls_failed(self, host: str, caller: Caller, failure: TlsFailure) -> None:
        """A client of this host did not begin TLS."""

    def answered(self, caller: Caller, request: Request, play: Play) -> None:
        """A call was answered."""


def user_in(header: str) -> str:
    """The user name in a `proxy-authorization` header; "" for none."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:  # no base64, or no text
        return ""
    # RFC 7617 allows no colon in a name, but tests have names like `tests/test_app.py::test_it`: split at the last colon.
    name = text.rpartition(":")[0] if ":" in text else text
    return unquote(name)  # axios sends the name as it is in the proxy's URL
