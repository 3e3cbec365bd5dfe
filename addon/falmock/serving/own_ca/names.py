"""The hosts that falmock's own CA can sign for: fal's, and those that a user added."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator

from falmock.wire.hosts import DOMAINS


def permitted(hosts: Iterable[str]) -> tuple[str, ...]:
    """The shortest list of names for these normalized hosts and fal's domains: each stands for all that is below it too."""
    found = {*DOMAINS, *hosts}
    return tuple(sorted(host for host in found if not _is_below(host, found)))


def _is_below(host: str, others: Collection[str]) -> bool:
    return any(parent in others for parent in _parents(host))


def _parents(host: str) -> Iterator[str]:
    while host := host.partition(".")[2]:
        yield host


def pattern(hosts: Iterable[str]) -> str:
    """A value for mitmproxy's option allow_hosts: it opens connections to these hosts and below fal's domains, no others.

    mitmproxy searches it in host and port, such as `fal.run:443` or `fd00::1:443`.
    """
    alone = sorted(host for host in set(hosts) - set(DOMAINS) if not _is_below(host, DOMAINS))
    below = r"(.+\.)?({})".format("|".join(map(re.escape, DOMAINS)))
    return r"^({})\.?:\d+$".format("|".join((below, *map(re.escape, alone))))
