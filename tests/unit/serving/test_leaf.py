"""The certificate for fal's hosts, with a CA of the test."""

from __future__ import annotations

import ssl
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mitmproxy.certs import CertStore

from falmock.serving import leaf

NAMES = leaf.names(["fal.run", "queue.fal.run", "fal.example.com", "10.1.2.3", "fd00::1"])
NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    CertStore.create_store(folder, "mitmproxy", 2048)
    return folder / "mitmproxy-ca.pem"


def test_names() -> None:
    assert {"fal.run", "fal.example.com", "*.fal.run", "*.fal.media"} <= set(NAMES)
    assert leaf.covers(NAMES, "v9.fal.media")
    assert leaf.covers(NAMES, "fal.example.com")
    assert not leaf.covers(NAMES, "a.b.fal.run")
    assert not leaf.covers(NAMES, "x.example.com")


def test_it_is_kept_until_shortly_before_its_end(ca: Path, tmp_path: Path) -> None:
    leaf.context(tmp_path, ca, NAMES, NOW)
    file = tmp_path / leaf.FILE
    first = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    leaf.context(tmp_path, ca, NAMES, NOW + 160 * DAY)
    assert file.read_bytes() == first
    leaf.context(tmp_path, ca, NAMES, NOW + 170 * DAY)
    assert file.read_bytes() != first


def test_another_ca_other_names_and_a_damaged_file_make_a_new_one(ca: Path, tmp_path: Path) -> None:
    leaf.context(tmp_path, ca, NAMES, NOW)
    file = tmp_path / leaf.FILE
    first = file.read_bytes()
    leaf.context(tmp_path, ca, (*NAMES, "fal.other.com"), NOW)
    second = file.read_bytes()
    other = tmp_path / "other-ca.pem"
    other.write_bytes(ca.read_bytes() + b"\n")
    leaf.context(tmp_path, other, NAMES, NOW)
    third = file.read_bytes()
    file.write_bytes(b"falmock\n")
    leaf.context(tmp_path, ca, NAMES, NOW)
    assert len({first, second, third, file.read_bytes()}) == 4


def _contexts(ca: Path, folder: Path, number: int) -> int:
    names = (*NAMES, f"fal{number}.example.com")
    return len([leaf.context(folder, ca, names, NOW) for _ in range(60)])


def test_several_that_replace_it_at_once_load_a_key_with_its_certificate(ca: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(_contexts, [ca] * 3, [tmp_path] * 3, range(3))] == [60, 60, 60]


def test_a_key_that_others_could_read_is_replaced(ca: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leaf.context(tmp_path, ca, NAMES, NOW)
    file = tmp_path / leaf.FILE
    first = file.read_bytes()
    file.chmod(0o640)
    leaf.context(tmp_path, ca, NAMES, NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() != first
    assert f"{file}, had mode 0640" in caplog.text


def test_clients_that_trust_the_ca_trust_it(ca: Path, tmp_path: Path) -> None:
    server = leaf.context(tmp_path, ca, NAMES, time.time())
    trust = ssl.create_default_context(cafile=str(ca.with_name("mitmproxy-ca-cert.pem")))
    for name in ("queue.fal.run", "v7.fal.media", "fal.example.com", "10.1.2.3", "fd00::1"):
        assert shaken(server, trust, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(server, trust, "example.com")


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """Let a client and a server shake hands."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    while ends:
        for end in tuple(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    return True


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"])
def test_without_a_ca(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(leaf.NoCertificate, match=r"no certificate can be made for fal's hosts with .*ca\.pem"):
        leaf.context(tmp_path, tmp_path / "ca.pem", NAMES, NOW)
