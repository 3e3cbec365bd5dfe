"""The content of shared files: in the store itself, or in a folder that all falmocks of the store share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from falmock.engine.files.spooling import SPOOLED_ABOVE
from falmock.engine.shared.files.copies import LocalContents
from falmock.recording.disk import atomic
from falmock.store.interface import Store
from falmock.store.interface import Unavailable
from falmock.wire.message import Content

PLACE = ".falmock-files"
"""The file with the name of a folder of files."""
Join = Callable[[tuple[Content, ...]], Awaitable[Content]]
"""Puts contents together into one file of this process."""


class SharedContents(Protocol):
    """Where the content of files lies, by its digest."""

    async def put(self, content: Content, ttl: float) -> None:
        """Keep a content for `ttl` seconds. One without bytes is there, and is kept longer. Raises Unavailable."""

    async def get(self, sha256: str) -> Content | None:
        """The content with this digest; None if it is not there. Raises Unavailable."""


class StoreContents:
    """Content in the store. What is read is kept in `local` for a while: large content on disk, where `join` puts it."""

    def __init__(self, store: Store, local: LocalContents, join: Join, now: Callable[[], float]) -> None:
        self._store = store
        self._local = local
        self._join = join
        self._now = now

    async def put(self, content: Content, ttl: float) -> None:
        """See SharedContents."""
        data = await self._data(content)
        if data is not None:
            await self._store.put_blob(content.sha256, data, ttl)

    async def _data(self, content: Content) -> bytes | None:
        if content.data is None and content.file is None:
            known = self._local.get(content.sha256, self._now())
            if known is None:
                return await self._store.blob(content.sha256)
            content = known
        if content.data is not None or content.file is None:
            return content.data
        return await asyncio.to_thread(Path(content.file).read_bytes)

    async def get(self, sha256: str) -> Content | None:
        """See SharedContents."""
        known = self._local.get(sha256, self._now())
        if known is not None:
            return known
        data = await self._store.blob(sha256)
        if data is None:
            return None
        content = Content(sha256, len(data), data)
        if len(data) > SPOOLED_ABOVE:
            with contextlib.suppress(OSError):  # a full disk: it is used from memory, and not kept
                content = await self._join((content,))
        if len(data) <= SPOOLED_ABOVE or content.file is not None:
            self._local.add(content, self._now())
            self._local.release(content)  # another call may have loaded it meanwhile
        return self._local.get(sha256, self._now()) or content


class FolderContents:
    """Content in a folder, each in a file that is named by its digest. It is written atomically, and never changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = time.monotonic()
        self._sweeping: asyncio.Future[None] | None = None

    def place(self) -> str:
        """The name of the folder, which a file in it has: by it falmocks tell whether they share it. Raises OSError."""
        path = self._folder / PLACE
        with contextlib.suppress(FileNotFoundError):
            return path.read_text("ascii")
        part = atomic.temporary(self._folder)
        try:
            part.write_text(secrets.token_hex(8), "ascii")
            try:
                os.link(part, path)
            except FileExistsError:
                pass  # another one was faster
            except OSError:  # a file system without links
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path.read_text("ascii")

    def path(self, sha256: str) -> Path:
        """The file of a content."""
        return self._folder / sha256[:2] / sha256

    async def put(self, content: Content, ttl: float) -> None:
        """See SharedContents."""
        try:
            await asyncio.to_thread(self._put, content)
        except OSError as error:
            raise self._unavailable(error) from None
        if time.monotonic() - self._swept > ttl / 2:
            self._swept = time.monotonic()
            self._sweeping = asyncio.get_running_loop().run_in_executor(None, self.sweep, ttl)

    def _put(self, content: Content) -> None:
        path = self.path(content.sha256)
        try:
            os.utime(path)  # it is used: see `sweep`
        except FileNotFoundError:
            if content.data is None and content.file is None:
                return
        else:
            if path.stat().st_size == content.size:
                return
        path.parent.mkdir(parents=True, exist_ok=True)
        if content.data is not None:
            atomic.write_whole(path, content.data)
            return
        part = atomic.temporary(path.parent)
        try:
            shutil.copyfile(content.file or "", part)
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    async def get(self, sha256: str) -> Content | None:
        """See SharedContents."""
        path = self.path(sha256)
        try:
            found = await asyncio.to_thread(path.stat)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable(error) from None
        return Content(sha256, found.st_size, file=str(path))

    def sweep(self, ttl: float) -> None:
        """Remove what nobody used for twice `ttl` seconds, by the clock of the file system."""
        with contextlib.suppress(OSError):
            mark = atomic.temporary(self._folder)
            mark.touch()
            before = mark.stat().st_mtime - 2 * ttl
            mark.unlink()
            for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
                is_ours = path.name.startswith((path.parent.name, atomic.PREFIX))
                with contextlib.suppress(OSError):
                    if is_ours and path.stat().st_mtime < before:
                        path.unlink()

    def _unavailable(self, error: OSError) -> Unavailable:
        return Unavailable(f"the folder {self._folder} of shared files cannot be used: {error.strerror}")
