"""The bodies of replies: whole, or over time (slow, cut, delayed, or from a file that is read as fast as the client reads)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from falmock.engine.effects import Delivery
from falmock.engine.effects import End
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import StreamStep
from falmock.wire.formats import encodings
from falmock.wire.formats.encodings import FILE_LIMIT
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.message import Request

BLOCK = 256 * 1024
"""How much of a file to read at a time (bytes)."""
WHOLE = 1024 * 1024
"""A file longer than this (bytes) is sent from disk, not from memory."""
AT_ONCE = Delivery()


class ChangedFile(OSError):
    """An asset on disk that changed after it was loaded."""


def with_body(request: Request, raw: bytes, limit: int) -> Request:
    """A request with its body as it was sent; `limit` is how many bytes its content may have.

    A file may be larger than JSON, but not if it is compressed. Raises BadEncoding for a body that is not encoded as its
    headers say.
    """
    encoding = request.headers.get("content-encoding", "")
    try:
        return request._replace(body=encodings.decoded(raw, encoding, min(limit, FILE_LIMIT) if encoding else limit))
    except TooLarge as error:
        return request._replace(too_large=str(error))


def is_paced(reply: Reply) -> bool:
    """Whether to send the body of a reply piece by piece."""
    body = reply.body
    return reply.delivery is not None or (isinstance(body, FileBody) and body.stop - body.start > WHOLE)


def body_of(reply: Reply) -> bytes:
    """The bytes of a reply's body. Raises OSError if its file is gone, ChangedFile if it changed."""
    return read_file(reply.body) if isinstance(reply.body, FileBody) else reply.body


def read_file(body: FileBody) -> bytes:
    """A body that is on disk. Raises OSError if its file is gone, ChangedFile if it changed."""
    file, start, stop = body
    with Path(file).open("rb") as opened:
        opened.seek(start)
        content = opened.read(stop - start)
    if len(content) != stop - start:
        raise ChangedFile(f"{file} is shorter than when it was loaded")
    return content


class ReplySource:
    """The body of a reply as a Source. Opens its file at once, so that a missing file is found before headers are sent.

    Raises OSError for a file that cannot be opened, ChangedFile for one that became shorter.
    """

    def __init__(self, body: bytes | FileBody, delivery: Delivery | None) -> None:
        self._delivery = delivery or AT_ONCE
        self._file: BinaryIO | None = None
        self._data = b""
        self._at: float | None = None
        self._sent = 0
        if isinstance(body, FileBody):
            self._open(body)
        else:
            self._data = body
            self.size = len(body)
        cut = self._delivery.cut
        self._stop = self.size if cut is None else min(max(cut, 0), self.size)

    def _open(self, body: FileBody) -> None:
        self.size = body.stop - body.start
        if Path(body.file).stat().st_size < body.stop:
            raise ChangedFile(f"{body.file} is shorter than when it was loaded")
        self._file = Path(body.file).open("rb")  # noqa: SIM115 - closed with the reply
        self._file.seek(body.start)

    def step(self, now: float) -> StreamStep:
        """The next piece of the body; see `Source`."""
        delivery = self._delivery
        if delivery.reset is ResetPoint.AFTER_HEADERS:
            return StreamStep(end=End.RESET)
        if self._at is None:
            self._at = now + delivery.first_byte
        if now < self._at:
            return StreamStep(again=self._at)
        piece = self._read(min(delivery.piece or BLOCK, self._stop - self._sent))
        self._sent += len(piece)
        if self._sent < self._stop and piece:
            self._at = now + delivery.pause
            return StreamStep((piece,), again=self._at)
        self.close()
        whole = self._sent == self.size and delivery.cut is None
        return StreamStep((piece,) if piece else (), end=End.WHOLE if whole else End.CUT)

    def _read(self, size: int) -> bytes:
        if self._file is None:
            return self._data[self._sent : self._sent + size]
        return self._file.read(size)

    def close(self) -> None:
        """Close the file: the reply is over, or its client is gone."""
        if self._file is not None:
            self._file.close()
            self._file = None
