"""The folder of falmock's own CA."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from mitmproxy.certs import CertStore

from falmock.recording.disk import locks
from falmock.serving import ca
from falmock.serving import leaf
from falmock.serving.own_ca import folder
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

NAMES = Hosts().names
MORE = Hosts({"fal.example.com": Role.RUN}).names
NOW = float(int(time.time()))
DAY = 86400.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(folder.HOME, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a CA, which tests do not change."""
    home = tmp_path_factory.mktemp("kept") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(folder.HOME, str(home))
        folder.ensure(NAMES, NOW)
    return home


@pytest.fixture
def copied(kept: Path, home: Path) -> Path:
    """The folder of a CA that a test may change."""
    made = home / "ca" / folder.path(NAMES).name
    made.mkdir(mode=0o700, parents=True)
    made.parent.chmod(0o700)
    for file in (kept / "ca" / made.name).iterdir():
        (made / file.name).write_bytes(file.read_bytes())
        (made / file.name).chmod(stat.S_IMODE(file.stat().st_mode))
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir()}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_it_is_made_for_its_owner_alone(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = folder.ensure(NAMES, NOW)
    finally:
        os.umask(before)
    assert made == folder.path(NAMES)
    assert [mode(each) for each in (home, home / "ca", made)] == [0o700] * 3
    assert {each.name for each in made.iterdir() if mode(each) == 0o600} == set(ca.SECRETS)
    assert {mode(each) for each in made.iterdir()} == {0o600, 0o644}


def test_it_is_kept(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = content(copied)
    assert folder.ensure(NAMES, NOW) == copied
    assert folder.ensure(NAMES, NOW + 669 * DAY) == copied
    assert content(copied) == before
    assert caplog.messages == []


def test_it_is_renewed_before_its_end(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = content(copied)
    names = leaf.names(NAMES)
    leaf.context(copied, copied / ca.FILE, names, NOW)
    old_leaf = (copied / leaf.FILE).read_bytes()
    assert folder.ensure(NAMES, NOW + 671 * DAY) == copied
    new = content(copied)
    assert all(new[name] != old[name] for name in old)
    assert "is near its end. A new one was made" in caplog.text
    leaf.context(copied, copied / ca.FILE, names, NOW)
    assert (copied / leaf.FILE).read_bytes() != old_leaf
    assert new[ca.FILE].endswith(new[ca.CERTIFICATE])


def test_other_hosts_have_another_one(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folder.HOME, str(kept))
    other = folder.ensure(MORE, NOW)
    assert other != folder.ensure(NAMES, NOW)
    assert other.parent == folder.path(NAMES).parent == kept / "ca"
    subjects = {
        x509.load_pem_x509_certificate((each / ca.CERTIFICATE).read_bytes()).subject.rfc4514_string()
        for each in (other, folder.path(NAMES))
    }
    assert len(subjects) == 2, "a store of certificates that has both tells them apart"
    assert folder.path((*NAMES, "new.fal.run")) == folder.path(NAMES)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (ca.FILE, None),
        (ca.FILE, b"nothing\n"),
        (ca.FILE, b"\xff"),
        (ca.CERTIFICATE, None),
        (ca.CERTIFICATE, b""),
        (ca.CERTIFICATE, b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
    ],
)
def test_a_damaged_one_is_replaced(
    copied: Path, caplog: pytest.LogCaptureFixture, name: str, change: bytes | None
) -> None:
    before = content(copied)
    (copied / name).unlink() if change is None else (copied / name).write_bytes(change)
    folder.ensure(NAMES, NOW)
    after = content(copied)
    assert after[ca.FILE] != before[ca.FILE]
    assert after[ca.FILE].endswith(after[ca.CERTIFICATE])
    assert ("was damaged or not falmock's" in caplog.text) == (name != ca.FILE or change is not None)


def test_one_that_can_sign_for_any_host_is_replaced(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    for file in copied.iterdir():
        file.unlink()
    CertStore.from_store(copied, "mitmproxy", 2048)
    folder.ensure(NAMES, NOW)
    certificate = x509.load_pem_x509_certificate((copied / ca.CERTIFICATE).read_bytes())
    assert certificate.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert "not falmock's" in caplog.text


def test_many_that_start_at_once_have_one(home: Path) -> None:
    def read(_: int) -> tuple[bytes, bytes]:
        made = folder.ensure(NAMES, NOW)
        return (made / ca.FILE).read_bytes(), (made / ca.CERTIFICATE).read_bytes()

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(read, range(6)))
    assert len(found) == 1
    assert len(list((home / "ca").iterdir())) == 1


@pytest.mark.parametrize("bad", [0o755, 0o777, 0o770])
def test_rights_of_others_to_the_folder_are_taken_away_and_told(
    copied: Path, caplog: pytest.LogCaptureFixture, bad: int
) -> None:
    copied.chmod(bad)
    folder.ensure(NAMES, NOW)
    assert mode(copied) == 0o700
    assert f"the folder of falmock's CA, {copied}, had mode {bad:04o}: " in caplog.text


@pytest.mark.parametrize("name", ca.SECRETS)
def test_rights_of_others_to_the_key_are_taken_away_and_told(
    copied: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (copied / name).chmod(0o644)
    folder.ensure(NAMES, NOW)
    assert mode(copied / name) == 0o600
    assert f"the key of falmock's CA, {copied / name}, had mode 0644: others could use it" in caplog.text
    assert f"remove {copied}, and a new CA is made" in caplog.text


def test_where_no_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(folder.HOME, str(tmp_path / "file" / "home"))
    with pytest.raises(folder.NoCa, match=r"cannot be kept in .*/home/ca/.*: Not a directory. .* with FALMOCK_HOME"):
        folder.ensure(NAMES, NOW)


def test_a_process_that_hangs_with_the_lock(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    def busy(*_: object) -> None:
        raise locks.Busy("about fixtures")

    monkeypatch.setattr(locks, "locked", busy)
    with pytest.raises(folder.NoCa, match="another process has held the lock on it for 30 s, stop it if it hangs"):
        folder.ensure(NAMES, NOW)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(folder.HOME, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder.home() == tmp_path / ".falmock"
    monkeypatch.setenv(folder.HOME, "~/other")
    assert folder.home() == tmp_path / "other"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(folder.HOME, "relative")
    assert folder.home() == tmp_path / "relative"
    assert folder.is_own(folder.path(NAMES))
    assert not folder.is_own(tmp_path / ".mitmproxy")


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", fails)
    with pytest.raises(folder.NoCa, match="this user has no home: name one with FALMOCK_HOME"):
        folder.ensure(NAMES, NOW)
    assert not folder.is_own(Path("/anywhere"))
