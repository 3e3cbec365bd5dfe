"""The variables that make a program call fal through falmock and trust its CA."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import urlsplit

from falmock.serving.environment import no_proxy
from falmock.serving.environment import options
from falmock.serving.environment.trust_files import BUNDLES
from falmock.serving.environment.trust_files import EXTRAS
from falmock.serving.environment.trust_files import TrustFiles
from falmock.wire.hosts import DOMAINS
from falmock.wire.hosts import Hosts

PROXIED = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "wss_proxy")
"""The variables whose value is falmock's URL, into which a scope may be written (see `with_scope`).

Ruby reads `http_proxy` alone, and aiohttp `wss_proxy` for sockets.
"""
URL = "FALMOCK_URL"
KEY = f"{'0' * 8}-0000-0000-0000-{'0' * 12}:{'0' * 32}"
"""The FAL_KEY of a program that has none, in replay. It has the form of fal's, and no word in it would be hidden elsewhere."""


class Environment(NamedTuple):
    """What to set for a program, and what the user should know about it."""

    variables: dict[str, str]
    warnings: list[str]


def environment(
    url: str,
    files: TrustFiles,
    current: Mapping[str, str],
    hosts: Hosts,
    *,
    is_replay: bool,
    scope: str = "",
    separator: str = os.pathsep,
) -> Environment:
    """What to set for a program besides the variables that it has (`current`).

    `url` is falmock's, as in http://127.0.0.1:8080. `separator` is what stands between two folders in a variable.
    """
    kept, dropped = no_proxy.entries(current, hosts)
    made = dict.fromkeys(PROXIED, with_scope(url, scope) if scope else url)
    made |= dict.fromkeys(no_proxy.NAMES, no_proxy.value(kept))
    made |= dict.fromkeys(BUNDLES, str(files.bundle))
    made |= dict.fromkeys(EXTRAS, str(files.extra))
    java = current.get("JAVA_TOOL_OPTIONS", "")
    made |= {
        "NODE_OPTIONS": options.node(current.get("NODE_OPTIONS", ""), str(files.hooks / "preload.cjs")),
        "BUN_OPTIONS": options.bun(current.get("BUN_OPTIONS", ""), str(files.hooks / "bun.cjs")),
        "JAVA_TOOL_OPTIONS": options.java(java, url, str(files.java), kept),
        "PHP_INI_SCAN_DIR": options.with_path(
            current.get("PHP_INI_SCAN_DIR", ""), str(files.php), separator, first=False
        ),
        "PYTHONPATH": options.with_path(current.get("PYTHONPATH", ""), str(files.hooks), separator, first=True),
        URL: url,
        "FALMOCK_HOSTS": host_list(hosts),
    }
    if scope:
        made["FALMOCK_SCOPE"] = scope
    if is_replay and not (current.get("FAL_KEY") or current.get("FAL_KEY_ID")):
        made["FAL_KEY"] = KEY
    return Environment(made, list(_warnings(current, files, dropped)))


def _warnings(current: Mapping[str, str], files: TrustFiles, dropped: list[str]) -> list[str]:
    found = list(files.warnings)
    if dropped:
        found.append(
            f"NO_PROXY has {', '.join(map(repr, dropped))}, with which calls to fal would not come to falmock: taken out for the program"
        )
    proxies = {_place(value) for name in PROXIED if (value := current.get(name, ""))}
    if proxies and URL not in current:  # else they are those of another falmock
        found.append(
            f"the program's proxy was {', '.join(sorted(proxies))} and is falmock now, which connects to other hosts without it"
        )
    java = current.get("JAVA_TOOL_OPTIONS", "")
    if options.TRUST_STORE in java and str(files.java) not in java:
        found.append(
            f"JAVA_TOOL_OPTIONS has a trust store, which stays: import falmock's CA into it with keytool -importcert -file {files.ca}"
        )
    return found


def _place(proxy: str) -> str:
    """Where a proxy is, without the name and password that its URL may have."""
    return urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2]


def host_list(hosts: Hosts) -> str:
    """The hosts as the preload for Node.js reads them: `.fal.run` is the domain with all names below it."""
    below = tuple(f".{domain}" for domain in DOMAINS)
    return ",".join((*below, *(name for name in hosts.names if name not in DOMAINS and not name.endswith(below))))


def with_scope(url: str, scope: str) -> str:
    """falmock's URL as a proxy for the calls of a scope."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(scope, safe='')}:x@{rest}"
