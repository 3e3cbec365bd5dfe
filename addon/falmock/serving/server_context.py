"""The TLS context of a server that clients take for fal's hosts, with the CA that it is made with."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from pathlib import Path

from falmock.serving import ca
from falmock.serving import leaf
from falmock.serving.own_ca import folder as own_ca


def made(confdir: Path, hosts: Collection[str], now: float) -> ssl.SSLContext:
    """The context for these hosts. The CA and the certificate in `confdir` are made if there are none.

    Raises leaf.NoCertificate.
    """
    try:
        is_own = own_ca.is_own(confdir) and confdir == own_ca.path(hosts)
        file = own_ca.ensure(hosts, now) / ca.FILE if is_own else ca.ensure(confdir, now)
    except own_ca.NoCa as error:
        raise leaf.NoCertificate(f"{error}, or with --confdir") from None
    except OSError as error:
        why = f"no CA can be made in {confdir}, choose another folder with --confdir: {error.strerror or error}"
        raise leaf.NoCertificate(why) from None
    return leaf.context(confdir, file, leaf.names(hosts), now)
