"""What a made file shows. A recipe is small, and its file is made when somebody reads it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from falmock.wire import storage
from falmock.wire.hosts import CDN_HOST


class Recipe(NamedTuple):
    """A file to make: equal recipes give equal bytes.

    `content_type` is what it is served as. `width` and `height` are in pixels, `duration` in seconds; those that its
    kind does not have are 0. `text` is what a picture shows (the first words of a prompt), or the whole content of a
    text file.
    """

    content_type: str
    width: int = 0
    height: int = 0
    duration: float = 0.0
    fps: float = 0.0
    seed: int = 0
    text: str = ""

    @property
    def digest(self) -> str:
        """The digest of the recipe (SHA-256, hex); not that of the file."""
        return hashlib.sha256(repr(tuple(self)).encode("utf-8", "surrogatepass")).hexdigest()

    def url_path(self, name: str) -> str:
        """The path of its URL under a file name."""
        return storage.ticket_path(self.digest, name)

    def url(self, name: str) -> str:
        """Its URL under a file name."""
        return f"https://{CDN_HOST}{self.url_path(name)}"
