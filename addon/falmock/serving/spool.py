"""Keeps bodies while they pass: their digest, their bytes in a temporary file, and either without a content encoding."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import BinaryIO

from falmock.recording.disk import atomic
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.compression import Decompressor
from falmock.wire.formats.encodings import FILE_LIMIT
from falmock.wire.formats.encodings import FILE_RATIO
from falmock.wire.formats.encodings import NOT_WHOLE
from falmock.wire.formats.encodings import TooLarge
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


def decoder(encoding: str) -> Decompressor:
    """The decoder of a file with this Content-Encoding ("" for none). Raises BadEncoding for one that is not known."""
    return encodings.decoder(encoding, FILE_LIMIT, FILE_RATIO)


class Decoded:
    """Passes a body on as it is, and its content, which `decoder` decodes, to `sink`."""

    def __init__(self, decoder: Decompressor, sink: Hasher) -> None:
        self.sink = sink
        self._decoder = decoder
        self.garbled = ""
        """What is wrong with the body's content encoding; "" if nothing is."""
        self.too_large = ""
        """How large the content is, and how large it may be; "" if it is not too large."""

    def __call__(self, chunk: bytes) -> bytes:
        """Take one chunk and return it unchanged; an empty chunk ends the body."""
        self.write(chunk)
        return chunk

    @property
    def size(self) -> int:
        """How much of the content there is so far (bytes)."""
        return self.sink.size

    def write(self, data: bytes) -> None:
        """Take the next bytes as they were sent."""
        if self.garbled or self.too_large or not data:
            return
        try:
            for piece in self._decoder.pieces(data):
                if piece:
                    self.sink(piece)
        except BadEncoding as error:
            self._refuse(garbled=str(error))
        except TooLarge as error:
            self._refuse(too_large=str(error))

    def content(self) -> Content:
        """The body is complete: its content, without a file if it could not be kept."""
        if not self._decoder.is_whole and not self.garbled and not self.too_large:
            self._refuse(garbled=NOT_WHOLE)
        content = self.sink.content()
        return content._replace(file=None) if self.garbled or self.too_large else content

    @property
    def lost(self) -> str:
        """Why the content is not complete; "" if it is."""
        if self.too_large:
            return f"its body is too large: {self.too_large}"
        return self.garbled and f"its body is not encoded as its headers say: {self.garbled}"

    def drop(self) -> None:
        """The body was cut off: discard it."""
        self.sink.drop()

    def _refuse(self, garbled: str = "", too_large: str = "") -> None:
        self.garbled, self.too_large = garbled, too_large
        self.drop()
