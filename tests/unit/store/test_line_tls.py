"""A server that speaks TLS."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from falmock.store.address import parse
from falmock.store.interface import Unavailable
from falmock.store.redis import RedisStore
from unit.store.servers import server


def certificate(folder: Path, address: str) -> Path:
    """Writes a certificate for an address, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    folder.mkdir()
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a server with TLS, and its certificate."""
    folder = tmp_path_factory.mktemp("tls") / "own"
    own = certificate(folder, "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(own)]
    with server(
        "redis", "--bind", "127.0.0.1", *options, "--tls-cert-file", str(own), "--tls-key-file", f"{folder}/key.pem"
    ):
        yield port, own


async def told(url: str) -> str:
    store = RedisStore(parse(url, {}))
    try:
        return f"{await store.load(['a'])}"
    except Unavailable as error:
        return error.reason
    finally:
        await store.close()


def test_certificates_are_checked(secured: tuple[int, Path], tmp_path: Path) -> None:
    port, own = secured
    other = certificate(tmp_path / "other", "127.0.0.1")

    async def run() -> None:
        assert await told(f"rediss://127.0.0.1:{port}?ca={own}&timeout=10") == "[None]"
        for url in (f"valkeys://127.0.0.1:{port}", f"rediss://127.0.0.1:{port}?ca={other}"):
            assert "has a certificate that is not trusted: name its authority with ?ca=FILE" in await told(f"{url}")
        assert "has a certificate for another name" in await told(f"rediss://localhost:{port}?ca={own}&timeout=10")
        assert "takes connections and ends them" in await told(f"redis://127.0.0.1:{port}")

    asyncio.run(run())


def test_a_server_without_tls_is_named() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"-ERR Protocol error\r\n")
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as plain:
            port = plain.sockets[0].getsockname()[1]
            assert "does not speak TLS: expected redis:// or valkey://" in await told(
                f"rediss://127.0.0.1:{port}?timeout=10"
            )

    asyncio.run(run())
