"""TLS as curl and browsers offer it to a mitmdump: HTTP/2 first. httpx would put HTTP/1.1 first."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any


class _Offers(ssl.SSLContext):
    """A TLS context that offers HTTP/2 alone."""

    def set_alpn_protocols(self, _: Any) -> None:
        super().set_alpn_protocols(["h2"])


def offers_http2(ca: Path) -> ssl.SSLContext:
    """A TLS context that trusts this CA and offers HTTP/2 alone."""
    context = _Offers(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(ca))
    return context
