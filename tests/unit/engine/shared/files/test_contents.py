"""Where the content of files lies, and the copies of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from falmock.wire.storage import digest
from unit.engine.shared.files.uploading import Replicas

MIB = 1024 * 1024
BY_FILE = {
    "match": {"model": "a/b", "input": {"image_url": {"$file": f"sha256:{digest(b'hello')}"}}},
    "response": {"json": {"found": True}},
}
TEXT = {"content-type": "text/plain"}


def test_large_content_is_on_disk_and_its_copies_end(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        content = bytes(range(256)) * 4096 * 3
        url, complete, parts = await replicas.multipart((0, 1), [content, content], spooled=True)
        assert [len(replicas.edges[number].files) for number in (0, 1)] == [1, 1]
        await replicas.json(1, "POST", complete, parts)
        assert len(replicas.edges[1].files) == 1, "the parts are gone, the whole is here"
        got = await replicas.send(0, "GET", url, headers={"range": f"bytes={len(content) - 1}-{len(content)}"})
        assert got.body == b"\xff\x00"
        assert (await replicas.send(0, "GET", url)).body == content * 2
        replicas.now += 3601
        for number in (0, 1):
            replicas.apps[number]._forget_unfinished()
            assert replicas.edges[number].files == []

    asyncio.run(work())


def test_no_copies_are_kept_of_what_is_in_a_folder(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "shared").mkdir()
        replicas = Replicas(tmp_path, shared=tmp_path / "shared")
        content = b"x" * (2 * MIB)
        url, complete, parts = await replicas.multipart((0, 1), [content, b"end"], spooled=True)
        await replicas.json(1, "POST", complete, parts)
        assert (await replicas.send(0, "GET", url)).body == content + b"end"
        assert [replicas.edges[number].files for number in (0, 1)] == [[], []]

    asyncio.run(work())


def test_a_folder_has_room_for_more(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "shared").mkdir()
        replicas = Replicas(tmp_path, shared=tmp_path / "shared", limit=10)
        urls = await replicas.initiate(0)
        assert (await replicas.send(1, "PUT", urls["upload_url"], b"x" * 11, spooled=True)).status == 200

    asyncio.run(work())


def test_content_that_is_lost_is_not_found(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "shared").mkdir()
        replicas = Replicas(tmp_path, shared=tmp_path / "shared")
        urls = await replicas.initiate(0)
        url = urls["file_url"]
        await replicas.send(1, "PUT", urls["upload_url"], b"hello", TEXT)
        (file,) = (tmp_path / "shared").glob("??/*")
        file.unlink()
        assert (await replicas.send(0, "GET", url)).status == 404
        _, complete, parts = await replicas.multipart((0, 1), [b"one-", b"two"])
        for file in (tmp_path / "shared").glob("??/*"):
            file.unlink()
        refused = await replicas.send(0, "POST", complete, parts)
        assert (refused.status, b"upload it again" in refused.body) == (400, True)  # type: ignore[operator]

    asyncio.run(work())


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("a", "b", "in another folder than the one of this falmock"),
        ("a", None, "in a folder"),
        (None, "b", "in the store, and the files of this falmock are in a folder"),
    ],
)
def test_falmocks_that_keep_files_in_different_places_say_so(
    tmp_path: Path, first: str | None, second: str | None, told: str
) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, BY_FILE, count=0)
        for number, name in enumerate((first, second)):
            if name is not None:
                (tmp_path / name).mkdir()
            replicas.start(number, None if name is None else tmp_path / name)
        urls = await replicas.initiate(1)
        await replicas.send(0, "PUT", urls["upload_url"], b"hello", TEXT)
        assert (await replicas.send(0, "GET", urls["file_url"])).body == b"hello"
        refused = await replicas.send(1, "GET", urls["file_url"])
        assert (refused.status, told.encode() in refused.body) == (503, True)  # type: ignore[operator]
        found = await replicas.json(1, "POST", "https://fal.run/a/b", {"image_url": urls["file_url"]})
        assert found == {"found": True}, "calls match by the digest"
        assert (await replicas.send(1, "GET", "http://localhost/__falmock/assets", direct=True)).status == 200

    asyncio.run(work())
