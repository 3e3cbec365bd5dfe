"""The certificate for all of fal's hosts: one key on a curve, whose signatures cost a fraction of mitmproxy's RSA key's.

It is kept beside the CA that signs it, so that a later start needs no cryptography.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.serving.key_file import mode_of
from falmock.wire.addresses import literal
from falmock.wire.hosts import DOMAINS

logger = logging.getLogger(__name__)
FILE = "falmock-leaf.pem"
"""The name of its file, in the folder of the CA."""
_DAYS = 197
"""How long it is valid: browsers refuse longer ones."""
_RENEWED_BEFORE = 30
"""How many days before its end it is replaced."""


class NoCertificate(OSError):
    """There is no certificate for fal's hosts; the text says why."""


def names(known: Iterable[str]) -> tuple[str, ...]:
    """The names of the certificate: these hosts, and all that are one label below fal's domains."""
    return tuple(sorted({*known, *(f"*.{domain}" for domain in DOMAINS)}))


def covers(names: Collection[str], host: str) -> bool:
    """Whether a certificate for these names is one for this host."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def context(folder: Path, ca_file: Path, names: Sequence[str], now: float) -> ssl.SSLContext:
    """The TLS context of a server for these hosts, which may begin with `*.`. `now` is in seconds since the epoch.

    Raises NoCertificate.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    made.num_tickets = 0  # a handshake costs a sixth less, and clients of a mock keep their connections or begin anew
    try:
        # OpenSSL opens the file once for the certificate and once for its key: none may replace it in between.
        with locks.locked(folder):
            made.load_cert_chain(_kept(folder, ca_file, names, now))
    except (OSError, ValueError) as error:
        raise NoCertificate(f"no certificate can be made for fal's hosts with {ca_file}: {error}") from None
    return made


def _kept(folder: Path, ca_file: Path, names: Sequence[str], now: float) -> Path:
    """The file of the certificate, which is written if there is none that is valid."""
    ca, file = ca_file.read_bytes(), folder / FILE
    mark = hashlib.sha256(b"\0".join((ca, *(name.encode() for name in names)))).hexdigest()
    mode = mode_of(file)
    if mode & 0o077:
        logger.warning(
            "falmock: the key of fal's hosts, %s, had mode %04o: others could use it. A new one is made", file, mode
        )
    try:
        stamp, until, kept_mark = file.read_text("ascii").partition("\n")[0].split()
        if (
            not mode & 0o077
            and stamp == "falmock"
            and kept_mark == mark
            and now < float(until) - _RENEWED_BEFORE * 86400
        ):
            return file
    except (OSError, ValueError):
        pass
    end = datetime.fromtimestamp(now, UTC) + timedelta(days=_DAYS)
    chain = _signed(ca, names, datetime.fromtimestamp(now, UTC), end)
    atomic.write_whole(file, b"falmock %d %s\n" % (end.timestamp(), mark.encode()) + chain, mode=0o600)
    return file


def _signed(ca: bytes, names: Sequence[str], now: datetime, end: datetime) -> bytes:
    """A new key, its certificate and that of the CA, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID

    ca_key = serialization.load_pem_private_key(ca, None)
    issuer = x509.load_pem_x509_certificate(ca)
    addresses = {name: literal(name) for name in names}
    alternatives = [
        x509.DNSName(name) if address is None else x509.IPAddress(address) for name, address in addresses.items()
    ]
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(ca_key, hashes.SHA256())  # type: ignore[arg-type]  # a CA's key can sign
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return private + certificate.public_bytes(pem) + issuer.public_bytes(pem)
