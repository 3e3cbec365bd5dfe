"""A second addon beside falmock's that writes down all that can be seen of flows, and what must not be seen of them.

It is a script of mitmproxy, given with another `-s` behind falmock's; `witness_file` says where to write, a JSON line
each: `{"secret": text}` for every ticket and port of the origin's, `{"hook": name, "seen": text}` for what a flow
holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.addonmanager import Loader

NAMES = ("responseheaders", "response", "error", "websocket_start", "websocket_message", "websocket_end")
"""The hooks in which a flow is to look as its client sent it, besides `requestheaders` and `request`."""
TCP = ("tcp_start", "tcp_message", "tcp_end", "tcp_error")
"""The hooks of raw TCP flows: none is to be seen that leads to the origin."""


class Witness:
    """Sees the flows as any other addon does, and looks over falmock's shoulder for what it hides."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        for name in NAMES:
            setattr(self, name, lambda flow, name=name: self._see(name, flow))
        for name in TCP:
            setattr(self, name, lambda flow, name=name: _write({"hook": name, "seen": repr(flow.get_state())}))

    def load(self, loader: Loader) -> None:
        loader.add_option("witness_file", str, "", "Where to write.")

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self._learn()
        self._see("requestheaders", flow)

    def request(self, flow: http.HTTPFlow) -> None:
        self._learn()
        self._see("request", flow)

    def _learn(self) -> None:
        responder = ctx.master.addons.get("falmock")._responder
        tickets = [trip.ticket for trip in responder.redirects._planned.values()]
        for secret in (*tickets, f":{responder.origin.port}"):
            if secret not in (":0", *self._told):
                self._told.add(secret)
                _write({"secret": secret})

    def _see(self, hook: str, flow: http.HTTPFlow) -> None:
        request = flow.request
        urls = (request.url, request.pretty_url, request.host, request.port, request.pretty_host)
        _write({"hook": hook, "url": request.pretty_url, "seen": repr((urls, flow.get_state()))})


def _write(line: dict[str, Any]) -> None:
    with Path(ctx.options.witness_file).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


addons = [Witness()]
