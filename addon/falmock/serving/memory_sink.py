"""A sink that keeps a body in memory."""

from __future__ import annotations

from falmock.serving.handler import TooLarge
from falmock.wire.message import Content

MAX_BODY = 256 * 1024 * 1024
"""A body that is kept in memory may have this many bytes."""


class Memory:
    """A sink that keeps a body in memory; see `Sink`."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """See `Sink`."""
        self._size += len(data)
        if self._size > MAX_BODY:
            raise TooLarge(f"The body has more than {MAX_BODY} bytes")
        self._pieces.append(data)

    def drop(self) -> None:
        """See `Sink`."""
        self._pieces.clear()

    def data(self) -> bytes:
        """The whole body."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def content(self) -> Content:
        """See `Sink`."""
        return Content("", self._size, data=self.data())
