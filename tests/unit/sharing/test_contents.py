"""Where the content of shared files lies: in a store, with copies here, or in a folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from falmock.engine.files.spooling import SPOOLED_ABOVE
from falmock.engine.shared.files.copies import LocalContents
from falmock.serving.upload_spool import SpoolFolder
from falmock.sharing.contents import PLACE
from falmock.sharing.contents import FolderContents
from falmock.sharing.contents import StoreContents
from falmock.store.interface import Unavailable
from falmock.store.memory import MemoryStore
from falmock.wire.message import Content
from falmock.wire.message import content_of

SMALL, LARGE = content_of(b"small"), content_of(b"x" * (SPOOLED_ABOVE + 1))


class Stored:
    """The contents in a store, of one falmock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = MemoryStore(lambda: self.now)
        self.spool = SpoolFolder()
        self.local = LocalContents()
        self.contents = StoreContents(self.store, self.local, self.spool.join, lambda: self.now)

    def another(self) -> Stored:
        other = Stored()
        other.contents = StoreContents(self.store, other.local, other.spool.join, lambda: self.now)
        return other


def read(content: Content | None) -> bytes:
    """What is in the file of a content."""
    assert content is not None
    assert content.data is None
    return Path(content.file or "").read_bytes()


def as_file(tmp_path: Path, content: Content) -> Content:
    file = tmp_path / content.sha256
    file.write_bytes(content.data or b"")
    return content._replace(data=None, file=str(file))


def test_small_content_is_read_into_memory_and_large_content_onto_disk(tmp_path: Path) -> None:
    async def work() -> None:
        stored = Stored()
        other = stored.another()
        await stored.contents.put(SMALL, 60)
        await stored.contents.put(as_file(tmp_path, LARGE), 60)
        assert await other.contents.get(SMALL.sha256) == SMALL
        found = await other.contents.get(LARGE.sha256)
        assert read(found) == LARGE.data
        assert await other.contents.get(LARGE.sha256) == found, "it is loaded once"
        assert await other.contents.get("0" * 64) is None
        other.spool.stop()

    asyncio.run(work())


def test_what_two_calls_load_at_once_is_kept_once() -> None:
    async def work() -> None:
        stored = Stored()
        await stored.contents.put(LARGE, 60)
        first, second = await asyncio.gather(stored.contents.get(LARGE.sha256), stored.contents.get(LARGE.sha256))
        assert first == second
        assert first is not None
        kept = {str(path) for path in stored.spool.folder.iterdir()}
        assert kept - set(stored.local.take_dropped()) == {first.file}
        stored.spool.stop()

    asyncio.run(work())


def test_without_room_on_disk_content_is_served_from_memory() -> None:
    async def full(_: tuple[Content, ...]) -> Content:
        raise OSError(28, "No space left on device")

    async def work() -> None:
        stored = Stored()
        await stored.contents.put(LARGE, 60)
        contents = StoreContents(stored.store, stored.local, full, lambda: 0.0)
        assert await contents.get(LARGE.sha256) == LARGE
        assert stored.local.is_tidy

    asyncio.run(work())


@pytest.mark.parametrize("is_here", [True, False])
def test_content_in_the_store_lives_on(*, is_here: bool) -> None:
    async def work() -> None:
        stored = Stored()
        await stored.contents.put(SMALL, 60)
        if is_here:
            await stored.contents.get(SMALL.sha256)
        stored.now = 50
        await stored.contents.put(Content(SMALL.sha256, SMALL.size), 60)
        stored.now = 100
        assert await stored.store.blob(SMALL.sha256) == SMALL.data
        await stored.contents.put(Content("0" * 64, 1), 60)  # it is lost: nothing lives on
        assert await stored.store.blob("0" * 64) is None

    asyncio.run(work())


def test_a_folder_has_one_file_for_each_content(tmp_path: Path) -> None:
    async def work() -> None:
        folder = tmp_path / "shared"
        folder.mkdir()
        contents = FolderContents(folder)
        for content in (SMALL, as_file(tmp_path, LARGE), SMALL):
            await contents.put(content, 60)
        assert sorted(path.name for path in folder.glob("*/*")) == sorted([SMALL.sha256, LARGE.sha256])
        for content in (SMALL, LARGE):
            found = await FolderContents(folder).get(content.sha256)
            assert found == Content(content.sha256, content.size, file=str(contents.path(content.sha256)))
            assert read(found) == content.data
        assert await contents.get("0" * 64) is None
        await contents.put(Content("0" * 64, 1), 60)
        assert await contents.get("0" * 64) is None

    asyncio.run(work())


def test_a_folder_has_a_name_of_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = FolderContents(tmp_path / "a").place()
    assert len(first) == 16
    assert FolderContents(tmp_path / "a").place() == first
    assert FolderContents(tmp_path / "b").place() != first
    assert [path.name for path in (tmp_path / "a").iterdir()] == [PLACE], "nothing else stays there"


def test_the_name_of_a_folder_on_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert FolderContents(tmp_path).place() == FolderContents(tmp_path).place()


def test_a_file_that_was_cut_is_written_anew(tmp_path: Path) -> None:
    async def work() -> None:
        contents = FolderContents(tmp_path)
        await contents.put(SMALL, 60)
        contents.path(SMALL.sha256).write_bytes(b"sm")
        await contents.put(SMALL, 60)
        assert contents.path(SMALL.sha256).read_bytes() == SMALL.data

    asyncio.run(work())


def make_old(folder: Path, others: list[Path]) -> None:
    """As if nothing was used for years."""
    for path in (*folder.glob("*/*"), *others):
        os.utime(path, (1, 1))


def test_what_nobody_uses_leaves_the_folder(tmp_path: Path) -> None:
    async def work() -> None:
        contents = FolderContents(tmp_path)
        others = [tmp_path / "notes.txt", tmp_path / SMALL.sha256[:2] / "notes.txt"]
        for content in (SMALL, content_of(b"used")):
            await contents.put(content, 60)
        for path in others:
            path.touch()
        make_old(tmp_path, others)
        await contents.put(Content(content_of(b"used").sha256, 4), 60)
        contents.sweep(60)
        assert await contents.get(SMALL.sha256) is None
        assert await contents.get(content_of(b"used").sha256) is not None
        assert all(path.exists() for path in others), "what is not falmock's stays"

    asyncio.run(work())


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "file").touch()
        contents = FolderContents(tmp_path / "file")
        with pytest.raises(Unavailable, match="shared files cannot be used: Not a directory"):
            await contents.put(SMALL, 60)
        with pytest.raises(Unavailable, match="Not a directory"):
            await contents.get(SMALL.sha256)

    asyncio.run(work())
