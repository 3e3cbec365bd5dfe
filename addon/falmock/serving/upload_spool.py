"""Uploaded bodies on disk, in a folder of this process. It is removed when the process ends, or when the next one starts.

A lock on the folder shows that its process is alive. The kernel releases it however the process ends. It also works
between containers that share a folder for temporary files, where process ids do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from falmock.recording.disk import atomic
from falmock.serving.spool import Decoded
from falmock.serving.spool import Spool
from falmock.serving.spool import decoder
from falmock.wire.message import Content

PREFIX = "falmock-bodies-"
"""The prefix of the folders' names, in the folder for temporary files."""
BLOCK = 1024 * 1024


class SpooledUpload(Decoded):
    """The body of an upload on its way into a file. `problem`, `garbled` or `too_large` says why there is no file.

    Raises BadEncoding for a Content-Encoding that is not known.
    """

    def __init__(self, folder: Path, encoding: str) -> None:
        found = decoder(encoding)  # before there is a file: it may raise
        self._spool = Spool(folder)
        super().__init__(found, self._spool)

    @property
    def problem(self) -> OSError | None:
        """Why the body could not be written; None if it could."""
        return self._spool.problem


class SpoolFolder:
    """The folder of uploaded files. It is made when the first one comes."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock = -1
        self._removals: set[asyncio.Future[None]] = set()
        self._joins: dict[tuple[Content, ...], asyncio.Future[Content]] = {}

    @property
    def folder(self) -> Path:
        """The path of the folder. Raises OSError if it cannot be made."""
        if self._folder is None:
            self._folder, self._lock = _locked_folder()
        return self._folder

    def upload(self, encoding: str) -> SpooledUpload:
        """A sink for the body of an upload with this Content-Encoding. Raises OSError, BadEncoding for one not known."""
        return SpooledUpload(self.folder, encoding)

    async def join(self, parts: tuple[Content, ...]) -> Content:
        """One file with the content of all parts, which stay on disk. Concurrent calls for the same parts share one join.

        Raises OSError.
        """
        under_way = self._joins.get(parts)
        if under_way is None:
            loop = asyncio.get_running_loop()
            under_way = loop.run_in_executor(None, join, parts, atomic.temporary(self.folder))
            self._joins[parts] = under_way
            under_way.add_done_callback(lambda _: self._joins.pop(parts, None))
        return await asyncio.shield(under_way)

    def remove(self, files: list[str]) -> None:
        """Remove these files in the background."""
        if files:
            removal = asyncio.get_running_loop().run_in_executor(None, _remove, files)
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)

    def stop(self) -> None:
        """Remove the folder with all files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._folder = None


def join(parts: Iterable[Content], whole: Path) -> Content:
    """Write the content of all parts to one file. Raises OSError and then removes the file."""
    digest, size = hashlib.sha256(), 0
    try:
        with whole.open("xb") as target:
            for part in parts:
                for block in _blocks(part):
                    digest.update(block)
                    size += target.write(block)
    except BaseException:
        whole.unlink(missing_ok=True)
        raise
    return Content(digest.hexdigest(), size, file=str(whole))


def _blocks(part: Content) -> Iterable[bytes]:
    if part.data is not None:
        yield part.data
    else:
        with Path(part.file or "").open("rb") as source:
            while block := source.read(BLOCK):
                yield block


def _remove(files: Iterable[str]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            Path(file).unlink()


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a process that is starting takes the folder for a leftover
            os.close(handle)
            continue
        except OSError:  # the file system has no locks: nobody else removes the folder
            return folder, handle
        if folder.is_dir():
            return folder, handle
        os.close(handle)


def remove_leftovers() -> int:
    """Remove the folders of processes that were killed; returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed += 1
            finally:
                os.close(handle)
    return removed
