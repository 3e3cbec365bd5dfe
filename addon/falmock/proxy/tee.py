"""Listens to bodies that stream through mitmproxy: each is a callable for `message.stream`, called with every chunk.

What is needed is kept on the way (a digest, a file, the times of chunks), so that a body of any size passes at once and
in constant memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path
from typing import BinaryIO

from falmock.recording import disk
from falmock.wire.content import Content


class Hasher:
    """Takes the digest of a body."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk, which goes on unchanged; the empty one ends the body."""
        self._hash.update(chunk)
        self.size += len(chunk)
        return chunk

    def content(self) -> Content:
        """What came through."""
        return Content(self._hash.hexdigest(), self.size)

    def drop(self) -> None:
        """The body was cut off: forget it."""


class Spool(Hasher):
    """Keeps a body in a temporary file of a folder. A disk that is full costs the recording, not the app."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.problem: OSError | None = None
        self._path = disk.temporary(folder)
        self._file: BinaryIO | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        except OSError as error:
            self._fail(error)

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk, which goes on unchanged; the empty one ends the body."""
        super().__call__(chunk)
        if self._file is not None:
            try:
                if chunk:
                    self._file.write(chunk)
                else:
                    self._close()
            except OSError as error:
                self._fail(error)
        return chunk

    def content(self) -> Content:
        """What came through; without its file where that could not be written."""
        try:
            self._close()
        except OSError as error:
            self._fail(error)
        return super().content()._replace(file=None if self.problem else str(self._path))

    def drop(self) -> None:
        """The body was cut off: remove its file."""
        self._fail(None)

    def _close(self) -> None:
        if self._file is not None:
            opened, self._file = self._file, None
            opened.close()

    def _fail(self, error: OSError | None) -> None:
        self.problem = self.problem or error
        with contextlib.suppress(OSError):
            self._close()
        self._path.unlink(missing_ok=True)


class Timed:
    """Keeps the chunks of an event stream and when each came (seconds since the epoch), up to a limit of bytes."""

    LIMIT = 64 * 1024 * 1024

    def __init__(self) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.size = 0

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk, which goes on unchanged; the empty one ends the stream."""
        self.size += len(chunk)
        if chunk and self.size <= self.LIMIT:
            self.chunks.append((time.time(), chunk))
        return chunk

    def drop(self) -> None:
        """The stream was cut off: forget it."""
        self.chunks.clear()
