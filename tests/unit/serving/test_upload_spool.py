from __future__ import annotations

import asyncio
import errno
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from falmock.serving import spool
from falmock.serving import upload_spool
from falmock.serving.upload_spool import SpooledUpload
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.message import Content
from falmock.wire.message import content_of


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def in_members(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])


# a body on its way


def test_a_body_is_kept_with_its_digest(tmp_path: Path) -> None:
    upload = SpooledUpload(tmp_path, "")
    for piece in (b"he", b"", b"llo"):
        upload.write(piece)
    content = upload.content()
    assert content == content_of(b"hello")._replace(data=None, file=content.file)
    assert Path(content.file or "").read_bytes() == b"hello"
    assert upload.problem is None


def test_a_body_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    upload = SpooledUpload(tmp_path, "")
    upload.write(b"hel")
    assert len(files(tmp_path)) == 1
    upload.drop()
    assert files(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falmock.recording.disk.atomic.temporary", lambda _: tmp_path / "full")
    (tmp_path / "full").symlink_to("/dev/full")
    upload = SpooledUpload(tmp_path, "")
    for _ in range(100):
        upload.write(b"x" * 10_000)
    content = upload.content()
    assert content.file is None
    assert upload.problem is not None
    assert upload.problem.errno == errno.ENOSPC
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", in_members),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_an_encoding_is_taken_off(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes], step: int) -> None:
    data = bytes(1000) + os.urandom(1000)
    packed = pack(data)
    upload = SpooledUpload(tmp_path, encoding)
    for start in range(0, len(packed), step):
        upload.write(packed[start : start + step])
    content = upload.content()
    assert Path(content.file or "").read_bytes() == data
    assert content.size == len(data)


@pytest.mark.parametrize(
    "sent", [b"not packed at all", gzip.compress(b"hello", mtime=0)[:-3], gzip.compress(b"hello", mtime=0) + b"more"]
)
def test_a_body_that_is_not_encoded_as_it_says(tmp_path: Path, sent: bytes) -> None:
    upload = SpooledUpload(tmp_path, "gzip")
    upload.write(sent)
    upload.write(b"even more" if sent.endswith(b"more") else b"")
    assert upload.content().file is None
    assert upload.garbled
    assert files(tmp_path) == []


# the folder


def test_the_folder_is_made_for_the_first_and_goes_with_all() -> None:
    uploads = SpoolFolder()
    uploads.stop()
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    upload = uploads.upload("")
    upload.write(b"x")
    uploads.stop()
    upload.drop()
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    uploads.stop()


def on_disk(uploads: SpoolFolder, data: bytes) -> Content:
    upload = uploads.upload("")
    upload.write(data)
    return upload.content()


def content_at(content: Content) -> bytes:
    return Path(content.file or "").read_bytes()


def test_parts_are_joined_and_stay() -> None:
    async def joining() -> None:
        parts = (on_disk(uploads, b"one-"), content_of(b"two-"), on_disk(uploads, b"three"))
        whole, again = await asyncio.gather(uploads.join(parts), uploads.join(parts))
        assert whole is again
        assert whole == content_of(b"one-two-three")._replace(data=None, file=whole.file)
        assert content_at(whole) == b"one-two-three"
        assert len(files(uploads.folder)) == 3
        uploads.remove([part.file for part in parts if part.file] + ["/no/such/file"])
        assert (await uploads.join(parts[1:2])).size == 4

    # `asyncio.run` waits for its threads at the end, so the removal is done then.
    uploads = SpoolFolder()
    asyncio.run(joining())
    assert len(files(uploads.folder)) == 2
    uploads.stop()


def test_parts_that_cannot_be_joined_leave_nothing() -> None:
    async def joining() -> None:
        uploads = SpoolFolder()
        with pytest.raises(FileNotFoundError):
            await uploads.join((content_of(b"x"), Content("0" * 64, 1, file="/no/such/file")))
        assert files(uploads.folder) == []
        uploads.stop()

    asyncio.run(joining())


KILLED = """
import os, signal, tempfile
from falmock.serving.upload_spool import SpoolFolder
uploads = SpoolFolder()
uploads.upload("").write(b"x" * 100000)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", KILLED], env=env, check=False)
    alive = SpoolFolder()
    kept = on_disk(alive, b"hello")
    stranger = tmp_path / "falmock-other"
    stranger.mkdir()
    assert len(list(tmp_path.glob(f"{upload_spool.PREFIX}*"))) == 2
    assert upload_spool.remove_leftovers() == 1
    assert files(tmp_path) == [Path(kept.file or "")]
    assert stranger.exists()
    alive.stop()


def test_a_link_is_no_leftover(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / f"{upload_spool.PREFIX}x").symlink_to(precious)
    assert upload_spool.remove_leftovers() == 0
    assert precious.exists()


# a body that is too large


def test_a_compressed_body_may_be_so_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LIMIT", 1000)
    plain, packed = SpooledUpload(tmp_path, ""), SpooledUpload(tmp_path, "gzip")
    plain.write(bytes(100_000))
    assert plain.content().size == 100_000
    packed.write(gzip.compress(bytes(100_000)))
    packed.write(b"more")
    assert packed.content().file is None
    assert re.fullmatch(r"more than \d+ bytes in \d+ bytes of gzip, expected at most \d+", packed.too_large)
    assert packed.lost == f"its body is too large: {packed.too_large}"
    assert packed.size < 100_000
    plain.drop()
    assert files(tmp_path) == []


def test_a_compressed_body_may_be_larger_if_as_much_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LIMIT", 1000)
    data = b"".join(hashlib.sha256(bytes([place])).digest() + bytes(100) for place in range(200))
    upload = SpooledUpload(tmp_path, "gzip")
    upload.write(gzip.compress(data))
    assert upload.content().size == len(data)
    assert upload.lost == ""
