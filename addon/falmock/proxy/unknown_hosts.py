"""Reports calls to hosts below fal's domains of which it is not known what they serve."""

from __future__ import annotations

import logging
from collections import Counter

from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

logger = logging.getLogger(__name__)
MAX_HOSTS = 100
"""How many hosts are remembered: names come from clients."""


class UnknownHosts:
    """Logs each such host once, and all of them at the end of the run."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def called(self, host: str, hosts: Hosts) -> None:
        """A call was made to this host of fal's."""
        if hosts.knows(host) or (host not in self._calls and len(self._calls) >= MAX_HOSTS):
            return
        self._calls[host] += 1
        if self._calls[host] == 1:
            treated = "its files are answered" if hosts.role(host) is Role.CDN else "only fixtures that name it answer"
            logger.warning(
                "falmock: %s is below a domain of fal's, but falmock does not know what it serves: %s. If it serves runs, the "
                "queue, storage or files, say so with --set fal_hosts=%s=run (or queue, rest, cdn)",
                host,
                treated,
                host,
            )

    def end(self) -> None:
        """The run ends: list the hosts."""
        if self._calls:
            listed = ", ".join(f"{host} ({count})" for host, count in sorted(self._calls.items()))
            logger.warning("falmock: calls to hosts of fal's that falmock does not know: %s", listed)
        self._calls.clear()
