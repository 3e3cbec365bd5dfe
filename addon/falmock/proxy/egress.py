"""The last line of defence: no connection to a fal host, whatever the rest of falmock is doing.

It is an addon of its own, registered beside the script and not inside it, so that it outlives the script. A
reload of `falmock_addon.py` that fails (an edit, a checkout in progress) takes the script away and lets
mitmproxy run on; without this veto every call would then go to the real, billed API.

`server_connect` alone does not see every connection for what it is: through an upstream proxy it shows that
proxy, in transparent mode an IP address. So unanswered requests and raw tunnels are refused before that.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from collections.abc import Iterator
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TypeGuard

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy import tls
from mitmproxy.proxy import layer
from mitmproxy.proxy import layers
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy import tunnel

from falmock.engine import replies
from falmock.proxy import addon_chain
from falmock.proxy import dns
from falmock.proxy import dns_addresses
from falmock.proxy import flows
from falmock.proxy.origin.redirect import Redirects
from falmock.serving import bodies
from falmock.serving import client_hello
from falmock.serving.outgoing.names import NOTHING_SENT
from falmock.serving.outgoing.names import names_in
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import checked
from falmock.wire.hosts import named

logger = logging.getLogger(__name__)
NAME = "falmock-egress"


class Egress:
    """Vetoes connections to fal's hosts while it is closed, which it is until a configuration opens it."""

    name = NAME

    def __init__(self) -> None:
        self.hosts = Hosts()
        self.closed = True
        self.serving = True
        self.origin: tuple[str, int] | None = None
        """The address of falmock's own origin, to which connections are allowed; None if it does not listen."""
        self.redirects = Redirects()
        """The flows that the origin answers. This last addon redirects them, so that every script sees them unchanged."""
        self.names = dns.DnsAnswers()
        self._public: frozenset[dns_addresses.Address] = frozenset()

    def use(self, hosts: Hosts, addresses: Sequence[dns_addresses.Address], *, closed: bool) -> None:
        """Guard these hosts from now on; their names resolve to `addresses`."""
        self.hosts, self.closed, self.serving = hosts, closed, True
        self.names.hosts, self.names.addresses = hosts if closed else None, tuple(addresses)
        # Who connects to one of these looked up a name of fal's, whatever the connection itself says.
        self._public = frozenset(filter(dns_addresses.is_public, addresses))

    def unloaded(self) -> None:
        """The script was unloaded: stay closed until it is loaded again."""
        self.closed = True
        self.serving = False

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Refuse a connection to fal (by its address, or by the name in a TLS hello), and to a name that no resolver takes.

        mitmproxy would look such a name up, fail with an exception that it does not expect, and never answer its client.
        """
        if self.origin is not None and data.server.address == self.origin and data.server.via is None:
            return
        try:
            self._check(data)
        except BadHost as error:
            data.server.error = f"falmock: {error}"
        except Exception:  # mitmproxy would log it, and connect
            logger.exception("falmock: a connection could not be checked")
            data.server.error = "falmock failed to check this connection; its log has the details"

    def _check(self, data: server_hooks.ServerConnectionHookData) -> None:
        for name in (_host(data.server), data.server.sni, data.client.sni):
            if self._guards(name):
                data.server.error = self._refusal(name)
                return
        for host in (_host(data.server), data.server.sni):
            if host is not None:
                checked(host)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Read a name of fal's in the hello that mitmproxy does not see, because it is not ASCII.

        For a name that no resolver takes, mitmproxy makes no certificate, and mitmproxy 12 then leaves the client waiting.
        So such a connection goes on without TLS, to where `server_connect` refuses it.
        """
        client, address = data.context.client, _host(data.context.server)
        if data.client_hello.sni is None:
            client.sni = next(filter(self._guards, _server_names(data.client_hello)), None)
            data.ignore_connection = data.ignore_connection or client.sni is not None
        if address is not None and _why_bad(address):
            data.ignore_connection = True

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Refuse a raw tunnel to fal (as `ignore_hosts` and similar options make), on every connection it could use."""
        if not isinstance(nextlayer.layer, layers.TCPLayer | layers.UDPLayer):
            return
        context = nextlayer.context
        for name in (_host(context.server), context.client.sni, *names_in(nextlayer.data_client())):
            if self._guards(name):
                tunnels = [item.tunnel_connection for item in context.layers if isinstance(item, tunnel.TunnelLayer)]
                for carrier in (context.server, *tunnels):
                    if isinstance(carrier, connection.Server):
                        carrier.error = self._refusal(name)
                return

    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Turn off streaming for a request to fal: streamed, as another addon may ask, it would leave before it is answered.

        Redirect an upload that the origin takes.
        """
        if self.redirects.is_planned(flow):
            return self._depart(flow)
        if flow.request.stream and (
            (self.closed and flows.host_of(flow.request, self.hosts) is not None) or _why_bad(flow.request.host)
        ):
            flow.request.stream = False
        return None

    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Redirect a request that the origin answers; refuse one to fal that nothing answered.

        This addon runs after every script.
        """
        if self.redirects.is_planned(flow):
            return self._depart(flow)
        self._refuse(flow)
        return None

    async def _depart(self, flow: http.HTTPFlow) -> None:
        if not await self.redirects.depart(flow):
            self._refuse(flow)

    def _refuse(self, flow: http.HTTPFlow) -> None:
        if flow.response or flow.error or not flow.live:
            return
        host = flows.host_of(flow.request, self.hosts) if self.closed else None
        if host is not None and not self.hosts.may_pass(host):
            refusal = self._refusal(host)
        elif why := _why_bad(flow.request.host):
            refusal = f"falmock refused a connection: {why}"
        else:
            return
        logger.warning("%s", refusal)
        reply = replies.problem(502, refusal, "refused")
        flows.answer(flow, reply, bodies.body_of(reply))

    def _guards(self, name: str | None) -> TypeGuard[str]:
        return self.closed and name is not None and (self.hosts.owns(name) or self._stands_for_fal(name))

    def _stands_for_fal(self, name: str) -> bool:
        try:
            return bool(self._public) and ip_address(name) in self._public
        except ValueError:
            return False

    def _refusal(self, name: str) -> str:
        why = NOTHING_SENT if self.serving else "the addon is not loaded any more"
        return f"falmock refused a connection to {name}: {why}"


def _host(server: connection.Server) -> str | None:
    return server.address[0] if server.address else None


def _server_names(hello: tls.ClientHello) -> Iterator[str]:
    """The names in a TLS hello, normalized."""
    for kind, data in hello.extensions:
        if kind == client_hello.SERVER_NAME:
            yield from map(named, client_hello.server_names(data))


def _why_bad(host: str) -> str:
    """Why a host cannot be connected to; "" if it can."""
    try:
        checked(host)
    except BadHost as error:
        return str(error)
    return ""


def installed() -> Egress:
    """The veto of this mitmproxy process.

    Registered on first use, with its DNS answers; both outlive the script.
    """
    addons = ctx.master.addons
    egress = addons.get(NAME)
    if not isinstance(egress, Egress):
        egress = Egress()
        addons.add(egress)
        addon_chain.put_first(egress.names)  # mitmproxy 11 has its own resolver ask the network before it asks a script
    return egress
