"""Sends mitmproxy's connections for some hosts to a stand-in on loopback (see `upstream/`) instead.

It is a script of mitmproxy, loaded with a second `-s`. `to_upstream_port` is the port of the stand-in, and
`to_upstream_hosts` lists the domains that it plays, separated by commas.
"""

from __future__ import annotations

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import server_hooks


class ToUpstream:
    """Changes where a connection goes. Other addons see its original address."""

    def __init__(self) -> None:
        self._meant: dict[str, tuple[str, int]] = {}

    def load(self, loader: Loader) -> None:
        loader.add_option("to_upstream_port", int, 0, "The port of the stand-in on loopback.")
        loader.add_option("to_upstream_hosts", str, "", "The hosts it plays.")

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        address = data.server.address
        if address is not None and _plays(address[0]):
            self._meant[data.server.id] = (address[0], address[1])
            data.server.address = ("127.0.0.1", ctx.options.to_upstream_port)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        # mitmproxy reuses connections by their address, and forbids changing that of an open one.
        meant = self._meant.pop(data.server.id, None)
        if meant is not None:
            object.__setattr__(data.server, "address", meant)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._meant.pop(data.server.id, None)


def _plays(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in ctx.options.to_upstream_hosts.split(","))


addons = [ToUpstream()]
