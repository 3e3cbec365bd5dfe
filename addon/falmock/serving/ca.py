"""Makes CAs, with mitmproxy's files and their rights: a mitmproxy that starts later takes them as its own."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from falmock.serving.key_file import SECRET
from falmock.serving.key_file import make_once
from falmock.wire.addresses import literal

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

FILE = "mitmproxy-ca.pem"
"""The CA's key and certificate."""
SECRETS = (FILE, "mitmproxy-ca.p12")
"""The files with its key."""
CERTIFICATE = "mitmproxy-ca-cert.pem"
_KEY_SIZE = 2048
_PUBLIC = 0o644
_ALL_ADDRESSES = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class Owner(NamedTuple):
    """Whose CA it is, and how long it is valid.

    `permitted` are the only hosts that it can sign for, names with all that is below them; without any it can sign for all.
    """

    name: str
    organization: str
    days: int
    permitted: tuple[str, ...] = ()


_MITMPROXY = Owner("mitmproxy", "mitmproxy", 10 * 365)


def ensure(folder: Path, now: float) -> Path:
    """The file of mitmproxy's CA in its folder, which is made if there is none. `now` is in seconds since the epoch.

    Raises OSError.
    """
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = files(_MITMPROXY, now)
        if make_once(path, *made.pop(FILE)):  # no other process was first
            for name, (data, mode) in made.items():
                (folder / name).unlink(missing_ok=True)  # one of a CA whose key is gone
                make_once(folder / name, data, mode)
    return path


def files(owner: Owner, now: float) -> dict[str, tuple[bytes, int]]:
    """The files of a new CA, with their rights. `now` is in seconds since the epoch."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    key = rsa.generate_private_key(65537, _KEY_SIZE)
    certificate = _signed(owner, key, datetime.fromtimestamp(now, UTC))
    unprotected = serialization.NoEncryption()
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, unprotected)
    both = pkcs12.serialize_key_and_certificates(owner.name.encode(), key, certificate, None, unprotected)
    public = pkcs12.serialize_key_and_certificates(owner.name.encode(), None, certificate, None, unprotected)
    return {
        FILE: (private + pem, SECRET),
        SECRETS[1]: (both, SECRET),
        CERTIFICATE: (pem, _PUBLIC),
        "mitmproxy-ca-cert.cer": (pem, _PUBLIC),
        "mitmproxy-ca-cert.p12": (public, _PUBLIC),
    }


def _signed(owner: Owner, key: rsa.RSAPrivateKey, begin: datetime) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID

    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, owner.name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner.organization),
        ]
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
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(days=2))
        .not_valid_after(begin + timedelta(days=owner.days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if owner.permitted else None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if owner.permitted:
        made = made.add_extension(_constraints(owner.permitted), critical=True)
    return made.sign(key, hashes.SHA256())


def _constraints(permitted: tuple[str, ...]) -> x509.NameConstraints:
    """Names restrict names alone: addresses must be excluded, except a kind of which some are permitted."""
    from cryptography import x509

    addresses = {host: literal(host) for host in permitted}
    kinds = {address.version for address in addresses.values() if address is not None}
    return x509.NameConstraints(
        [
            x509.DNSName(host) if address is None else x509.IPAddress(ip_network(address))
            for host, address in addresses.items()
        ],
        [x509.IPAddress(network) for network in _ALL_ADDRESSES if network.version not in kinds] or None,
    )
