"""The last line of defence: no connection to a fal host, whatever the rest of falmock is doing.

It is an addon of its own, registered beside the script and not inside it, so that it outlives the script. A
reload of `falmock_addon.py` that fails (an edit, a checkout in progress) takes the script away and lets
mitmproxy run on; without this veto every call would then go to the real, billed API.
"""

from __future__ import annotations

import logging

from mitmproxy import ctx
from mitmproxy.proxy import server_hooks

from falmock.wire.hosts import Hosts

logger = logging.getLogger(__name__)
NAME = "falmock-egress"


class Egress:
    """Vetoes connections to fal's hosts while it is closed, which it is until a configuration opens it."""

    name = NAME

    def __init__(self) -> None:
        self.hosts = Hosts()
        self.closed = True
        self.serving = True

    def use(self, hosts: Hosts, *, closed: bool) -> None:
        """Guard these hosts from now on."""
        self.hosts, self.closed, self.serving = hosts, closed, True

    def unloaded(self) -> None:
        """The script is gone: stay shut until it comes back."""
        self.closed = True
        self.serving = False

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Refuse a connection to fal below HTTP: by its address, or in transparent mode by the name in its TLS hello."""
        if not self.closed:
            return
        address = data.server.address
        for name in (address[0] if address else None, data.server.sni, data.client.sni):
            if name and self.hosts.owns(name):
                why = "in replay nothing is sent to fal" if self.serving else "the addon is not loaded any more"
                data.server.error = f"falmock refused a connection to {name}: {why}"
                return


def installed() -> Egress:
    """The veto of this mitmproxy process; registered on first use."""
    egress = ctx.master.addons.get(NAME)
    if not isinstance(egress, Egress):
        egress = Egress()
        ctx.master.addons.add(egress)
    return egress
