"""Tells the log of refused certificates what mitmproxy hears of a client's TLS."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy import tls

from falmock.serving.trust import RefusalLog

_REFUSALS = ("does not trust", "may not trust", "disconnected during the handshake")
"""What mitmproxy's text of a failed handshake says if the certificate may be the reason."""


class Trust(RefusalLog):
    """Logs one line for each kind of client that does not trust the CA. `is_fals` tells whether a host is fal's."""

    def __init__(self, is_fals: Callable[[str], bool]) -> None:
        super().__init__(lambda: Path(ctx.options.confdir).expanduser())
        self._is_fals = is_fals
        self._agents: dict[str, str] = {}
        self._ciphers: dict[str, Sequence[int]] = {}

    def connected(self, flow: http.HTTPFlow) -> None:
        """A client requests a tunnel."""
        self._agents[flow.client_conn.id] = flow.request.headers.get("user-agent", "")

    def greeted(self, data: tls.ClientHelloData) -> None:
        """A client begins TLS."""
        self._ciphers[data.context.client.id] = data.client_hello.cipher_suites

    def failed_in_flow(self, data: tls.TlsData) -> None:
        """A client ended the TLS handshake. Node.js says nothing, and only closes the connection."""
        client, host = data.context.client, data.conn.sni or ""
        if self._is_fals(host) and any(words in (data.conn.error or "") for words in _REFUSALS):
            self.refused(host, self._agents.get(client.id, ""), self._ciphers.get(client.id, ()))

    def disconnected(self, client: connection.Client) -> None:
        """A client is gone."""
        self._agents.pop(client.id, None)
        self._ciphers.pop(client.id, None)
