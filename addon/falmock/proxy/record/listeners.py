"""Listens to bodies that stream through mitmproxy: each is a callable for `message.stream`, called with every chunk.

What is needed is kept on the way (a digest, a file, the times of chunks), so that a body of any size passes at once and
in constant memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from falmock.proxy.record.decoding import BadEncoding
from falmock.proxy.record.decoding import inflate
from falmock.recording.disk import atomic
from falmock.wire.message import Content


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
        self._path = atomic.temporary(folder)
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


class Pieces(Spool):
    """Keeps a body that comes piece by piece: as Spool does, and while it is short its pieces and when each came."""

    LIMIT = 64 * 1024

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.chunks: list[tuple[float, bytes]] = []

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk, which goes on unchanged; the empty one ends the body."""
        super().__call__(chunk)
        if self.size > self.LIMIT:
            self.chunks.clear()
        elif chunk:
            self.chunks.append((time.time(), chunk))
        return chunk


class TimedChunks:
    """Keeps the chunks of an event stream and when each came (seconds since the epoch), up to a limit of bytes.

    `encoding` is the stream's content encoding: what is kept is less that. `lost` says why it is not whole.
    """

    LIMIT = 64 * 1024 * 1024

    def __init__(self, encoding: str = "") -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.size = 0
        self.lost = ""
        self._inflate = inflate(encoding)
        if self._inflate is None:
            self.lost = f"its events are encoded ({encoding})"

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk, which goes on unchanged; the empty one ends the stream."""
        if chunk and self._inflate is not None and not self.lost:
            self._keep(self._inflate(chunk))
        return chunk

    def _keep(self, pieces: Iterable[bytes]) -> None:
        """Keep what a chunk holds, taken no further than to the limit."""
        kept = []
        try:
            for piece in pieces:
                kept.append(piece)
                self.size += len(piece)
                if self.size > self.LIMIT:
                    self.lost = f"it is longer than {self.LIMIT >> 20} MiB"
                    self.chunks.clear()
                    return
        except BadEncoding:
            self.lost = "its events are not encoded as their headers say"
            return
        if data := b"".join(kept):
            self.chunks.append((time.time(), data))

    def drop(self) -> None:
        """The stream was cut off: forget it."""
        self.chunks.clear()
