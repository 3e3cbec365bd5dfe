"""A second addon beside falmock's that writes what other addons see of flows, and what they must not see.

It is a script of mitmproxy, loaded with a second `-s` after falmock's. It writes lines of JSON to `witness_file`:
`{"secret": text}` for every ticket and port of the origin, `{"hook": name, "seen": text}` for the content of a flow.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.addonmanager import Loader

NAMES = ("responseheaders", "response", "error", "websocket_start", "websocket_message", "websocket_end")
"""The hooks in which a flow must look as its client sent it, besides `requestheaders` and `request`."""
TCP = ("tcp_start", "tcp_message", "tcp_end", "tcp_error")
"""The hooks of raw TCP flows: none to the origin may be visible."""


class Witness:
    """Sees the flows as any other addon does, and reads from falmock what must stay hidden."""

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
