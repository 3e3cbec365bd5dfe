"""TLS contexts that offer only HTTP/2. httpx by itself would prefer HTTP/1.1, unlike curl and browsers."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any


class _Offers(ssl.SSLContext):
    """A TLS context that offers only HTTP/2."""

    def set_alpn_protocols(self, _: Any) -> None:
        super().set_alpn_protocols(["h2"])


def offers_http2(ca: Path) -> ssl.SSLContext:
    """A TLS context that trusts this CA and offers only HTTP/2."""
    context = _Offers(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(ca))
    return context
