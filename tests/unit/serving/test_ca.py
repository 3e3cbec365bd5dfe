"""The CA is one that mitmproxy takes as its own."""

from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from mitmproxy.certs import CertStore

from falmock.serving import ca
from falmock.serving import leaf

BOTH = ("mitmproxy-ca.pem", "mitmproxy-ca.p12")
PUBLIC = ("mitmproxy-ca-cert.pem", "mitmproxy-ca-cert.cer", "mitmproxy-ca-cert.p12")


def parsed(store: CertStore) -> x509.Certificate:
    return x509.load_pem_x509_certificate(store.default_ca.to_pem())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_files_are_mitmproxys_with_their_rights(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    assert ca.ensure(mine, time.time()) == mine / ca.FILE
    CertStore.from_store(theirs, "mitmproxy", 2048)
    made = {path.name for path in mine.iterdir()}
    assert made == {path.name for path in theirs.iterdir()} - {"mitmproxy-dhparam.pem"}  # made when it is missing
    assert {mode(mine / name) for name in BOTH} == {0o600}
    assert {mode(mine / name) for name in PUBLIC} == {0o644}


def test_mitmproxy_takes_it_as_its_own(tmp_path: Path) -> None:
    before = ca.ensure(tmp_path, time.time()).read_bytes()
    store = CertStore.from_store(tmp_path, "mitmproxy", 2048)
    assert (tmp_path / ca.FILE).read_bytes() == before
    assert store.default_ca.to_pem() == (tmp_path / "mitmproxy-ca-cert.pem").read_bytes()
    assert store.default_ca.cn == store.default_ca.organization == "mitmproxy"
    theirs = CertStore.from_store(tmp_path / "theirs", "mitmproxy", 2048)
    extensions = [(each.oid, each.critical) for each in parsed(store).extensions]
    assert extensions == [(each.oid, each.critical) for each in parsed(theirs).extensions]
    assert store.get_cert("example.com", [])
    key, certificate, _ = pkcs12.load_key_and_certificates((tmp_path / "mitmproxy-ca.p12").read_bytes(), None)
    assert certificate == parsed(store)
    assert key is not None
    leaf.context(tmp_path, tmp_path / ca.FILE, ("fal.run",), time.time())


def test_one_that_is_there_stays(tmp_path: Path) -> None:
    CertStore.from_store(tmp_path, "mitmproxy", 2048)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ca.ensure(tmp_path, time.time())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_many_that_start_at_once_have_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: ca.ensure(tmp_path, time.time()).read_bytes(), range(4)))
    assert len(found) == 1
    assert (tmp_path / "mitmproxy-ca-cert.pem").read_bytes() in next(iter(found))
