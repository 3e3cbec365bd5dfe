"""Says when the fast lane may be used: where nobody can look at flows or change them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mitmproxy import addonmanager
from mitmproxy import ctx
from mitmproxy.tools.dump import DumpMaster

_HARMLESS = frozenset(
    {
        "block_global",
        "block_private",
        "cert_passphrase",
        "ciphers_server",
        "client_replay_concurrency",
        "command_history",
        "confdir",
        "connect_addr",
        "connection_strategy",
        "content_view_lines_cutoff",
        "dns_name_servers",
        "dns_use_hosts_file",
        "dumper_default_contentview",
        "export_preserve_original_ip",
        "http2",
        "http2_ping_keepalive",
        "http3",
        "http_connect_send_host_header",
        "keep_host_header",
        "keepserving",
        "key_size",
        "listen_host",
        "listen_port",
        "mode",
        "normalize_outbound_headers",
        "onboarding",
        "onboarding_host",
        "proxyauth",
        "rawtcp",
        "readfile_filter",
        "save_stream_filter",
        "scripts",
        "server",
        "server_replay_extra",
        "server_replay_ignore_content",
        "server_replay_ignore_host",
        "server_replay_ignore_params",
        "server_replay_ignore_payload_params",
        "server_replay_ignore_port",
        "server_replay_kill_extra",
        "server_replay_nopop",
        "server_replay_refresh",
        "server_replay_reuse",
        "server_replay_use_headers",
        "show_ignored_hosts",
        "showhost",
        "ssl_insecure",
        "ssl_verify_upstream_trusted_ca",
        "ssl_verify_upstream_trusted_confdir",
        "strip_ech",
        "tcp_timeout",
        "termlog_verbosity",
        "tls_ecdh_curve_server",
        "tls_version_server_max",
        "tls_version_server_min",
        "udp_hosts",
        "upstream_auth",
        "upstream_cert",
    }
)
"""mitmproxy's options that change nothing of what a client of fal's hosts gets, nor of what is shown or kept of it.

Any other option at another value than the default needs flows, also one that only a later mitmproxy has.
"""
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


def option_in_the_way() -> str:
    """The first option for which flows are needed; "" if there is none."""
    changed = (
        name for name in ctx.options.keys() - _HARMLESS if not name.startswith("fal_") and not _is_harmless(name)
    )
    return min(changed, default="")


def _is_harmless(name: str) -> bool:
    value = getattr(ctx.options, name)
    return bool(value == ctx.options.default(name)) or (name in _SHOWN and value <= _SHOWN[name])


def observer() -> str:
    """The name of an addon that looks at flows; "" if there is none. A screen is one."""
    if not isinstance(ctx.master, DumpMaster):
        return "this program"
    return next(_observers(), "")


def _observers() -> Iterator[str]:
    """The names of addons that are neither mitmproxy's nor falmock's and have a hook for flows."""
    for addon in addonmanager.traverse(ctx.master.addons.chain):
        if not _is_known(type(addon).__module__) and any(callable(getattr(addon, hook, None)) for hook in _HOOKS):
            yield _name_of(addon)


@lru_cache(maxsize=256)  # every connection asks
def _is_known(module: str) -> bool:
    return module.startswith(("mitmproxy.", "falmock."))


def _name_of(addon: Any) -> str:
    """The name of an addon: a script is a module."""
    name = getattr(addon, "__name__", None) or getattr(addon, "name", None) or type(addon).__name__
    return str(name).removeprefix("__mitmproxy_script__.")
