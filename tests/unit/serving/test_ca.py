"""CAs that mitmproxy takes as its own, and what they can sign for."""

from __future__ import annotations

import ssl
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from mitmproxy.certs import CertStore

from falmock.serving import ca
from falmock.serving import leaf
from unit.serving.test_leaf import shaken

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


# those that can sign for some hosts alone

PERMITTED = ("fal.run", "fal.example.com", "10.1.2.3")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    for name, (data, _) in ca.files(ca.Owner("falmock", "test", 10, PERMITTED), time.time()).items():
        (folder / name).write_bytes(data)
    return folder


def constraints(folder: Path) -> x509.Extension[x509.NameConstraints]:
    certificate = x509.load_pem_x509_certificate((folder / ca.CERTIFICATE).read_bytes())
    return certificate.extensions.get_extension_for_class(x509.NameConstraints)


def test_its_constraints(own: Path) -> None:
    found = constraints(own)
    assert found.critical
    assert found.value.permitted_subtrees == [
        x509.DNSName("fal.run"),
        x509.DNSName("fal.example.com"),
        x509.IPAddress(ip_network("10.1.2.3/32")),
    ]
    assert found.value.excluded_subtrees == [x509.IPAddress(ip_network("::/0"))]


@pytest.mark.parametrize(
    ("permitted", "excluded"),
    [
        (("fal.run",), ["0.0.0.0/0", "::/0"]),
        (("fal.run", "fd00::1"), ["0.0.0.0/0"]),
        (("fal.run", "fd00::1", "10.1.2.3"), None),
    ],
)
def test_all_addresses_are_excluded_but_for_a_kind_of_which_some_are_permitted(
    permitted: tuple[str, ...], excluded: list[str] | None
) -> None:
    found = ca._constraints(permitted)
    expected = None if excluded is None else [x509.IPAddress(ip_network(network)) for network in excluded]
    assert found.excluded_subtrees == expected


@pytest.mark.parametrize(
    ("host", "is_taken"),
    [
        ("fal.run", True),
        ("a.b.fal.run", True),
        ("fal.example.com", True),
        ("10.1.2.3", True),
        ("xfal.run", False),
        ("example.com", False),
        ("10.1.2.4", False),
        ("127.0.0.1", False),
        ("::1", False),
    ],
)
def test_clients_take_its_certificates_for_these_hosts_alone(
    own: Path, tmp_path: Path, host: str, *, is_taken: bool
) -> None:
    server = leaf.context(tmp_path, own / ca.FILE, tuple(sorted({"*.fal.run", host})), time.time())
    client = ssl.create_default_context(cafile=str(own / ca.CERTIFICATE))
    if is_taken:
        assert shaken(server, client, host)
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
            shaken(server, client, host)


def test_mitmproxy_signs_with_it(own: Path) -> None:
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    store = CertStore.from_store(own, "mitmproxy", 2048)
    made = store.get_cert("queue.fal.run", [x509.DNSName("queue.fal.run")])
    assert x509.load_pem_x509_certificate(made.cert.to_pem()).issuer == parsed(store).subject
    assert store.default_ca.cn == "falmock"
    assert {name: (own / name).read_bytes() for name in before} == before
