"""Who calls, and how: the name that a client gave the proxy, and whether it takes falmock for a proxy at all."""

from __future__ import annotations

import base64

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.proxy import mode_specs

HEADER = "proxy-authorization"
_TLS = 0x16
"""The first byte of a TLS hello."""
_BY_PROXYAUTH = "proxyauth"
"""The key of a flow's metadata where mitmproxy's own `proxyauth` option leaves user and password."""


class Clients:
    """What is known of the connections that are open.

    Their user names are those in `HTTPS_PROXY=http://my-test:x@127.0.0.1:8080`: tests that share one mock are kept
    apart by them.
    """

    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._direct: dict[str, bool] = {}

    def began(self, client: connection.Client, data: bytes) -> None:
        """The first bytes of a connection: a client that means us begins with a path, one that means others names them."""
        if client.id in self._direct or not data:
            return
        # What is in TLS is not seen here; a client that means others asks for a tunnel next.
        target = b"/" if data[0] == _TLS else data.partition(b" ")[2][:1]
        self._direct[client.id] = target in (b"/", b"*")

    def is_direct(self, flow: http.HTTPFlow) -> bool:
        """Whether a request was sent to falmock itself, not through it as a proxy."""
        client = flow.client_conn
        if isinstance(client.proxy_mode, mode_specs.ReverseMode):
            return True
        if not isinstance(client.proxy_mode, mode_specs.RegularMode | mode_specs.UpstreamMode):
            return False
        return self._direct.get(client.id, False) or _names_us(flow)

    def stands_for(self, flow: http.HTTPFlow) -> str:
        """The host that the port stands for which a request came to; "" for a port that stands for none."""
        return flow.request.host if isinstance(flow.client_conn.proxy_mode, mode_specs.ReverseMode) else ""

    def is_renamed(self, flow: http.HTTPFlow) -> bool:
        """Whether nothing tells any more by which name a client called: mitmproxy wrote another into its request."""
        return bool(self.stands_for(flow)) and not ctx.options.keep_host_header

    def connected(self, flow: http.HTTPFlow) -> None:
        """A client asks for a tunnel: what it says goes for all that comes through it."""
        self._direct[flow.client_conn.id] = False
        user = _user_of(flow)
        if user:
            self._users[flow.client_conn.id] = user

    def disconnected(self, client: connection.Client) -> None:
        """A client is gone."""
        self._users.pop(client.id, None)
        self._direct.pop(client.id, None)

    def user(self, flow: http.HTTPFlow) -> str:
        """The user name that a request came with, or the tunnel it came through; "" for none."""
        return _user_of(flow) or self._users.get(flow.client_conn.id, "")


def _names_us(flow: http.HTTPFlow) -> bool:
    """Whether a client that takes us for a proxy asks for our own address."""
    host, port = flow.client_conn.sockname[:2]
    return flow.request.port == port and flow.request.pretty_host in ("localhost", "127.0.0.1", "::1", host)


def _user_of(flow: http.HTTPFlow) -> str:
    known = flow.metadata.get(_BY_PROXYAUTH)
    if known:
        return str(known[0])
    scheme, _, credentials = flow.request.headers.get(HEADER, "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:  # no base64, or no text
        return ""
    # RFC 7617 has no colon in a name, but tests are called `tests/test_app.py::test_it`: all but the password is the name.
    return text.rpartition(":")[0] if ":" in text else text
