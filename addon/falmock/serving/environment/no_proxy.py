"""The hosts that a program calls without a proxy: its own list, without what would let calls to fal pass falmock."""

from __future__ import annotations

import re
from collections.abc import Mapping

from falmock.wire.hosts import DOMAINS
from falmock.wire.hosts import Hosts

NAMES = ("NO_PROXY", "no_proxy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SEPARATORS = re.compile(r"[,\s]+")
_PORT = re.compile(r"(?<=[^:]):\d+$")


def entries(current: Mapping[str, str], hosts: Hosts) -> tuple[list[str], list[str]]:
    """The entries of both variables that stay, and those that are taken out because they cover a host of fal's."""
    given = dict.fromkeys(entry for name in NAMES for entry in _SEPARATORS.split(current.get(name, "")) if entry)
    dropped = [entry for entry in given if covers_fal(entry, hosts)]
    return [entry for entry in given if entry not in dropped], dropped


def covers_fal(entry: str, hosts: Hosts) -> bool:
    """Whether a client may take this entry for one of the hosts. Some clients compare the ends of names without regard to dots."""
    name = _PORT.sub("", entry.lower()).lstrip("*.").rstrip(".")
    return hosts.role(name) is not None or any(host.endswith(name) for host in (*hosts.names, *DOMAINS))


def value(kept: list[str]) -> str:
    """The value of the variables: what stays, and this machine."""
    return ",".join(dict.fromkeys((*kept, *LOOPBACK)))
