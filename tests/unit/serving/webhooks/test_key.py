from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falmock.engine.webhooks.request import NoKey
from falmock.serving.webhooks import key
from falmock.serving.webhooks.key import FILE


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes_raw()


def test_it_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first = key.kept_in(folder)
    assert raw(key.kept_in(folder)) == raw(first)
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_it_is_only_for_its_owner_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key.kept_in(tmp_path / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666, 0o777])
def test_the_rights_of_others_are_taken_away_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    first = key.kept_in(tmp_path)
    assert caplog.messages == []
    (tmp_path / FILE).chmod(mode)
    assert raw(key.kept_in(tmp_path)) == raw(first)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert f"{tmp_path / FILE}, had mode {mode:04o}: others could use it. It is 0600 now" in caplog.text


def test_on_windows_rights_say_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = key.kept_in(tmp_path)
    (tmp_path / FILE).chmod(0o666)
    monkeypatch.setattr(sys, "platform", "win32")
    assert raw(key.kept_in(tmp_path)) == raw(first)
    assert caplog.messages == []


def test_rights_that_cannot_be_changed_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = key.kept_in(tmp_path)
    (tmp_path / FILE).chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    assert raw(key.kept_in(tmp_path)) == raw(first)
    assert "It cannot be changed (Operation not permitted): set it to 0600" in caplog.text


def test_of_two_that_make_one_at_the_same_time_both_have_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Ed25519PrivateKey.generate()
    text = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / FILE).write_bytes(text)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # it came after we looked
    assert raw(key.kept_in(tmp_path)) == raw(other)
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    first = key.kept_in(tmp_path)
    assert raw(key.kept_in(tmp_path)) == raw(first)
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


def other_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def locked() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )


@pytest.mark.parametrize("content", [b"", b"not a key", other_kind(), locked()], ids=["empty", "text", "EC", "locked"])
def test_another_content_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(NoKey) as caught:
        key.kept_in(tmp_path)
    assert str(tmp_path / FILE) in str(caught.value)
    assert "Remove the file" in str(caught.value)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NoKey, match=r"cannot be kept in .*/file/"):
        key.kept_in(tmp_path / "file")


def test_many_processes_have_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from falmock.serving.webhooks import key; "
        "sys.stdin.readline(); print(key.kept_in(Path(sys.argv[1])).private_bytes_raw().hex())"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(key.__file__).parents[3])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert keys == {raw(key.kept_in(tmp_path)).hex() + "\n"}
