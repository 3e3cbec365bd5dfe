"""Says when the fast lane may be used: where nobody can look at flows or change them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mitmproxy import addonmanager
from mitmproxy import ctx
from mitmproxy.tools.dump import DumpMaster

_OPTIONS = (
    "block_list",
    "body_size_limit",
    "certs",
    "ciphers_client",
    "client_certs",
    "client_replay",
    "dumper_filter",
    "flow_detail",
    "hardump",
    "ignore_hosts",
    "allow_hosts",
    "map_local",
    "map_remote",
    "modify_body",
    "modify_headers",
    "proxy_debug",
    "request_client_cert",
    "rfile",
    "save_stream_file",
    "server_replay",
    "stickyauth",
    "stickycookie",
    "store_streamed_bodies",
    "stream_large_bodies",
    "tcp_hosts",
    "tls_version_client_max",
    "tls_version_client_min",
)
"""mitmproxy's options that show, keep or change flows, or say how clients are met: at another value than the default, flows are needed."""
_SHOWN = {"flow_detail": 1}
"""The greatest value of an option that the lane does justice to, if it is a number."""
_HOOKS = (
    "requestheaders",
    "request",
    "responseheaders",
    "response",
    "error",
    "http_connect",
    "http_connect_upstream",
    "http_connected",
    "http_connect_error",
    "tls_clienthello",
    "tls_start_client",
    "tls_established_client",
    "tls_failed_client",
    "tcp_start",
    "tcp_message",
    "tcp_end",
    "websocket_start",
    "websocket_message",
    "websocket_end",
)
"""The hooks of an addon that looks at flows, or at how clients begin."""


def reason_for_flows() -> str:
    """Why flows are needed, in a few words; "" if the lane may be used."""
    if not isinstance(ctx.master, DumpMaster):
        return "flows are shown on a screen"
    for name in _OPTIONS:
        if name in ctx.options and not _is_harmless(name):
            return f"the option {name} is set"
    return next((f"{name} looks at flows" for name in _observers()), "")


def _is_harmless(name: str) -> bool:
    value = getattr(ctx.options, name)
    return value == ctx.options.default(name) or (name in _SHOWN and value <= _SHOWN[name])


def _observers() -> Iterator[str]:
    """The names of addons that are neither mitmproxy's nor falmock's and have a hook for flows."""
    for addon in addonmanager.traverse(ctx.master.addons.chain):
        if not _is_known(addon) and any(callable(getattr(addon, hook, None)) for hook in _HOOKS):
            yield _name_of(addon)


def _is_known(addon: Any) -> bool:
    module = type(addon).__module__
    return module.startswith(("mitmproxy.", "falmock."))


def _name_of(addon: Any) -> str:
    """The name of an addon: a script is a module."""
    name = getattr(addon, "__name__", None) or getattr(addon, "name", None) or type(addon).__name__
    return str(name).removeprefix("__mitmproxy_script__.")
