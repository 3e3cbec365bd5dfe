"""Keeps bodies while they pass: their digest, and their bytes in a temporary file."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import BinaryIO

from falmock.recording.disk import atomic
from falmock.wire.message import Content


class Hasher:
    """Computes the digest of a body."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def __call__(self, chunk: bytes) -> bytes:
        """Take one chunk and return it unchanged; an empty chunk ends the body."""
        self._hash.update(chunk)
        self.size += len(chunk)
        return chunk

    def content(self) -> Content:
        """The content that came so far."""
        return Content(self._hash.hexdigest(), self.size)

    def drop(self) -> None:
        """The body was cut off: discard it."""


class Spool(Hasher):
    """Keeps a body in a temporary file of a folder. A full disk only loses the file; the body still passes."""

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
        """Take one chunk and return it unchanged; an empty chunk ends the body."""
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
        """The content that came so far; without a file if it could not be written."""
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
