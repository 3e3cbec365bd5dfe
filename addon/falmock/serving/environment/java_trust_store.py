"""A trust store for Java in the format JKS, which all JVMs read, and need no password for."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

_MAGIC, _VERSION, _CERTIFICATE = 0xFEEDFEED, 2, 2
_PASSWORD = "changeit"  # noqa: S105 - Java's own default; it protects nothing, and only tells a damaged file
_SALT = b"Mighty Aphrodite"  # that of the format: it stands in the JDK's sun.security.provider.JavaKeyStore


def trust_store(certificates: Sequence[bytes]) -> bytes:
    """The file with these certificates, each in DER."""
    parts = [struct.pack(">III", _MAGIC, _VERSION, len(certificates))]
    for number, certificate in enumerate(certificates):
        # each has a name, the time of its import and its type
        parts += [struct.pack(">I", _CERTIFICATE), _text(str(number)), bytes(8), _text("X.509")]
        parts += [struct.pack(">I", len(certificate)), certificate]
    data = b"".join(parts)
    digest = hashlib.sha1(_PASSWORD.encode("utf-16-be") + _SALT + data, usedforsecurity=False).digest()
    return data + digest


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")
