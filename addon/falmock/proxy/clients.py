"""What is known of clients: their proxy user names, and whether they use falmock as a proxy or directly."""

from __future__ import annotations

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.proxy import mode_specs

from falmock.serving.gate import user_in
from falmock.wire.hosts import normalize

HEADER = "proxy-authorization"
_TLS = 0x16
"""The first byte of a TLS hello."""
_BY_PROXYAUTH = "proxyauth"
"""The key of a flow's metadata where mitmproxy's `proxyauth` option stores user and password."""


class Clients:
    """State of the open connections.

    The user names come from `HTTPS_PROXY=http://my-test:x@127.0.0.1:8080`: they separate tests that share one mock.
    """

    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._direct: dict[str, bool] = {}

    def began(self, client: connection.Client, data: bytes) -> None:
        """The first bytes of a connection: a request to falmock itself has a path as target, one through the proxy a URL or host."""
        if client.id in self._direct or not data:
            return
        # The content of TLS is not visible here; a client that uses the proxy requests a tunnel next.
        target = b"/" if data[0] == _TLS else data.partition(b" ")[2][:1]
        self._direct[client.id] = target in (b"/", b"*")

    def is_direct(self, flow: http.HTTPFlow) -> bool:
        """Whether a request was sent to falmock itself, not through it as a proxy."""
        client = flow.client_conn
        if isinstance(client.proxy_mode, mode_specs.ReverseMode):
            return True
        if not isinstance(client.proxy_mode, mode_specs.RegularMode | mode_specs.UpstreamMode):
            return False
        return self._direct.get(client.id, False) or _is_own_address(flow)

    def stands_for(self, flow: http.HTTPFlow) -> str:
        """The host that the port of a request stands for (reverse mode); "" if it stands for none."""
        return flow.request.host if isinstance(flow.client_conn.proxy_mode, mode_specs.ReverseMode) else ""

    def is_renamed(self, flow: http.HTTPFlow) -> bool:
        """Whether mitmproxy replaced the Host header, so that the name the client used is lost."""
        return bool(self.stands_for(flow)) and not ctx.options.keep_host_header

    def connected(self, flow: http.HTTPFlow) -> None:
        """A client requests a tunnel: its user name applies to all requests through it."""
        self._direct[flow.client_conn.id] = False
        user = _user_of(flow)
        if user:
            self._users[flow.client_conn.id] = user

    def disconnected(self, client: connection.Client) -> None:
        """A client is gone."""
        self._users.pop(client.id, None)
        self._direct.pop(client.id, None)

    def user(self, flow: http.HTTPFlow) -> str:
        """The user name of a request, or of its tunnel; "" for none."""
        return _user_of(flow) or self._users.get(flow.client_conn.id, "")


def _is_own_address(flow: http.HTTPFlow) -> bool:
    """Whether a client that uses the proxy requests the proxy's own address."""
    host, port = flow.client_conn.sockname[:2]
    ours = ("localhost", "127.0.0.1", "::1", normalize(host))
    return flow.request.port == port and normalize(flow.request.pretty_host) in ours


def _user_of(flow: http.HTTPFlow) -> str:
    known = flow.metadata.get(_BY_PROXYAUTH)
    if known:
        return str(known[0])
    return user_in(flow.request.headers.get(HEADER, ""))
