"""The CA in mitmproxy's folder: makes one where there is none yet, with mitmproxy's files and their rights.

A mitmproxy that starts later takes it as its own.
"""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path

from falmock.serving.key_file import SECRET
from falmock.serving.key_file import make_once

FILE = "mitmproxy-ca.pem"
"""The CA's key and certificate."""
_NAME = "mitmproxy"
_KEY_SIZE = 2048
_DAYS = 10 * 365
_PUBLIC = 0o644


def ensure(folder: Path, now: float) -> Path:
    """The file of the CA, which is made if there is none. `now` is in seconds since the epoch. Raises OSError."""
    path = folder / FILE
    if not path.exists():
        _make(folder, now)
    return path


def _make(folder: Path, now: float) -> None:
    """Make a CA, unless another process is first."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID

    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, _KEY_SIZE)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, _NAME), x509.NameAttribute(NameOID.ORGANIZATION_NAME, _NAME)]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    begin = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(days=2))
        .not_valid_after(begin + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    unprotected = serialization.NoEncryption()
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, unprotected)
    if not make_once(folder / FILE, private + pem):
        return
    both = pkcs12.serialize_key_and_certificates(_NAME.encode(), key, certificate, None, unprotected)
    public = pkcs12.serialize_key_and_certificates(_NAME.encode(), None, certificate, None, unprotected)
    for file, data, mode in (
        ("mitmproxy-ca.p12", both, SECRET),
        ("mitmproxy-ca-cert.pem", pem, _PUBLIC),
        ("mitmproxy-ca-cert.cer", pem, _PUBLIC),
        ("mitmproxy-ca-cert.p12", public, _PUBLIC),
    ):
        (folder / file).unlink(missing_ok=True)  # one of a CA whose key is gone
        make_once(folder / file, data, mode)
