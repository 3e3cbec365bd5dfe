"""The bytes of a body: by their digest, and where they are."""

from __future__ import annotations

from typing import NamedTuple

from falmock.wire.storage import digest


class Content(NamedTuple):
    """The bytes of a body by their digest (SHA-256, hex), and where they are: in memory, in a file, or gone.

    A body that was only hashed on its way (a recorded upload) has neither `data` nor `file`.
    """

    sha256: str
    size: int
    data: bytes | None = None
    file: str | None = None


def content_of(data: bytes) -> Content:
    """The content that some bytes in memory are."""
    return Content(digest(data), len(data), data=data)
