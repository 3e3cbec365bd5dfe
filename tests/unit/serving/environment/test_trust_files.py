"""The files that make programs trust the CA."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from falmock.serving.environment import trust_files
from falmock.serving.environment.trust_files import TrustFiles
from falmock.serving.trust import CA_FILE


def pem(name: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(name.encode()).decode()}\n-----END CERTIFICATE-----\n"


def names(path: object) -> list[str]:
    """What the certificates of a file are called here."""
    lines = Path(str(path)).read_text("ascii").splitlines()
    return [base64.b64decode(line).decode() for line in lines if not line.startswith("-")]


@pytest.fixture
def confdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(trust_files, "find_spec", lambda _: None)
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / CA_FILE).write_text(pem("ours"))
    (tmp_path / "system.pem").write_text(f"# a comment\n{pem('system 1')}\n{pem('system 2')}{pem('system 1')}")
    return folder


def written(confdir: Path, **current: str) -> TrustFiles:
    return trust_files.write(confdir, current, [str(confdir.parent / name) for name in ("none.pem", "system.pem")])


def test_with_nothing_set(confdir: Path) -> None:
    files = written(confdir)
    assert files.ca == files.extra == confdir / CA_FILE
    assert names(files.bundle) == ["system 1", "system 2", "ours"]
    assert Path(files.java).read_bytes().count(b"X.509") == 3
    assert (
        Path(files.php) / "falmock.ini"
    ).read_text() == f"curl.cainfo='{files.bundle}'\nopenssl.cafile='{files.bundle}'\n"
    assert files.warnings == ()
    assert sorted(path.name for path in confdir.iterdir()) == ["falmock-trust", CA_FILE]
    for path in Path(files.bundle).parent.rglob("*"):
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o644
        assert not path.name.startswith(".")


def test_what_is_current_is_not_read_again(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(confdir)
    with monkeypatch.context() as patch:
        patch.setattr(trust_files, "_certificates", lambda _: pytest.fail("it reads certificates"))
        assert written(confdir) == files
    for change in (
        lambda: (confdir / CA_FILE).write_text(pem("another")),
        lambda: os.utime(confdir.parent / "system.pem", (1, 1)),
        Path(files.java).unlink,
        (Path(files.bundle).parent / "made-of.json").unlink,
    ):
        change()
        os.utime(files.bundle, (1, 1))  # two writes may have the same time: a file's clock moves in steps
        assert written(confdir) == files
        assert Path(files.bundle).stat().st_mtime > 1
    assert names(files.bundle) == ["system 1", "system 2", "another"]


def test_what_the_user_trusts_is_trusted(confdir: Path, tmp_path: Path) -> None:
    mine, theirs, node = (tmp_path / name for name in ("mine.pem", "theirs.pem", "node.pem"))
    for path in (mine, theirs, node):
        path.write_text(f"{pem(path.stem)}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    files = written(confdir, SSL_CERT_FILE=str(mine), NODE_EXTRA_CA_CERTS=str(node))
    # REQUESTS_CA_BUNDLE is not set: what reads it has trusted the system's
    assert names(files.bundle) == ["mine", "system 1", "system 2", "ours"]
    assert names(files.extra) == ["node", "ours"]
    assert Path(files.bundle).parent.name.startswith("falmock-trust-")
    only = written(confdir, SSL_CERT_FILE=str(mine), REQUESTS_CA_BUNDLE=str(theirs), CURL_CA_BUNDLE=str(mine))
    assert names(only.bundle) == ["mine", "theirs", "ours"]
    assert only.extra == only.ca
    assert len({Path(made.bundle).parent for made in (files, only, written(confdir))}) == 3


def test_in_the_environment_of_another_one(confdir: Path) -> None:
    files = written(confdir)
    assert written(confdir, SSL_CERT_FILE=str(files.bundle), NODE_EXTRA_CA_CERTS=str(files.extra)) == files


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
@pytest.mark.parametrize("value", ["none.pem", "."])
def test_a_file_of_the_users_that_cannot_be_read_is_told(confdir: Path, tmp_path: Path, name: str, value: str) -> None:
    files = written(confdir, **{name: str(tmp_path / value)})
    (warning,) = files.warnings
    assert f"{name}={tmp_path / value} cannot be read" in warning
    assert names(files.bundle) == ["system 1", "system 2", "ours"]


def test_without_a_system(confdir: Path) -> None:
    files = trust_files.write(confdir, {}, [])
    assert names(files.bundle) == ["ours"]
    assert "no file with the CAs of this system" in files.warnings[0]


def test_packages_of_python_trust_certifi(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    files = trust_files.write(confdir, {}, [])
    assert len(Path(files.bundle).read_text().split("BEGIN")) > 100
    assert files.warnings == ()


def test_there_is_no_ca(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trust_files.write(tmp_path, {})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/a b/c.pem", "'/a b/c.pem'"),
        (r"C:\a\b", r"'C:\a\b'"),
        ("/it's/$x", '"/it\'s/\\$x"'),
        ("/it's/\"x", '"/it\'s/\\"x"'),
    ],
)
def test_a_path_in_phps_file(path: str, text: str) -> None:
    assert trust_files._ini_text(path) == text


def test_the_hooks_are_there() -> None:
    assert {"preload.cjs", "bun.cjs", "sitecustomize.py"} <= {path.name for path in trust_files.HOOKS.iterdir()}
