"""A second addon beside falmock's, such as a user might have: it writes a line of JSON for each flow.

It is a script of mitmproxy, loaded with a second `-s`; `observer_file` names the file to write to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.addonmanager import Loader


class Observer:
    """Sees the flows as any other addon does."""

    def load(self, loader: Loader) -> None:
        loader.add_option("observer_file", str, "", "Where to write.")

    def running(self) -> None:
        addresses = ctx.master.addons.get("proxyserver").listen_addrs()
        _write({"ports": [port for _, port, *_ in addresses]})

    def response(self, flow: http.HTTPFlow) -> None:
        _write(
            {
                "url": flow.request.pretty_url,
                "status": flow.response.status_code if flow.response else None,
                "version": flow.request.http_version,
                "mode": type(flow.client_conn.proxy_mode).__name__,
                "comment": flow.comment,
                "marked": flow.marked,
                "metadata": {name: value for name, value in flow.metadata.items() if name.startswith("falmock.")},
            }
        )


def _write(line: dict[str, Any]) -> None:
    with Path(ctx.options.observer_file).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


addons = [Observer()]
