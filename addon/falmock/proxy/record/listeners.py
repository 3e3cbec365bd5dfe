"""Captures bodies that stream through mitmproxy: each class is a callable for `message.stream`, called with every chunk.

They keep only what is needed (a digest, a file, the times of chunks), so that a body of any size passes at once and in
constant memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from falmock.serving.spool import Spool
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import TooLarge

LIMIT = 64 * 1024 * 1024
"""How many bytes of an event stream are kept, without its content encoding."""


class Pieces(Spool):
    """Keeps a body in a file like Spool; for a short body also its chunks and when each came (seconds since the epoch)."""

    LIMIT = 64 * 1024

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.chunks: list[tuple[float, bytes]] = []

    def __call__(self, chunk: bytes) -> bytes:
        """Take one chunk and return it unchanged; an empty chunk ends the body."""
        super().__call__(chunk)
        if self.size > self.LIMIT:
            self.chunks.clear()
        elif chunk:
            self.chunks.append((time.time(), chunk))
        return chunk


class TimedChunks:
    """Keeps the chunks of an event stream and when each came (seconds since the epoch), up to LIMIT bytes.

    `encoding` is the stream's Content-Encoding; the chunks are kept decoded. `lost` says why they are incomplete.
    """

    def __init__(self, encoding: str = "") -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.size = 0
        self.lost = ""
        try:
            self._decoder = encodings.decoder(encoding, LIMIT)
        except BadEncoding as error:
            self.lost = str(error)

    def __call__(self, chunk: bytes) -> bytes:
        """Take one chunk and return it unchanged; an empty chunk ends the stream."""
        if chunk and not self.lost:
            self._keep(self._decoder.pieces(chunk))
        return chunk

    def _keep(self, pieces: Iterable[bytes]) -> None:
        """Keep the content of a chunk, decoded only up to the limit."""
        kept = BytesIO()
        try:
            for piece in pieces:
                self.size += kept.write(piece)
        except BadEncoding:
            self.lost = "its events are not encoded as their headers say"
            return
        except TooLarge as error:
            self.lost = f"it is too long: {error}"
            self.chunks.clear()
            return
        if data := kept.getvalue():
            self.chunks.append((time.time(), data))

    def drop(self) -> None:
        """The stream was cut off: discard it."""
        self.chunks.clear()
