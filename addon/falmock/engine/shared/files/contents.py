"""Reads and writes the content of files within a transaction: what is not here is loaded, and what is new is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from falmock.engine.shared.files.copies import LocalContents
from falmock.engine.shared.files.records import FileRecords
from falmock.engine.shared.needs import FileContent
from falmock.engine.shared.needs import NotLoaded
from falmock.fixtures.model import Asset
from falmock.wire.message import Content


def _has_content(file: Content | Asset) -> bool:
    return file.data is not None or file.file is not None


class FileContents:
    """The content of files: in the store itself, with copies in `local`, or in a folder that all replicas share."""

    def __init__(self, records: FileRecords) -> None:
        self._records = records
        self.local: LocalContents = LocalContents()
        self.place = ""
        """The name of the folder that all replicas share; "" for the store itself."""

    def write(self, content: Content) -> None:
        """Keep a content for some time; one that is not here is in the store, and is kept longer."""
        transaction = self._records.transaction
        transaction.write_content(content, self._records.content_ttl)
        if _has_content(content) and not self.place:
            # Not before the commit: a client that goes away takes the file of its request with it.
            transaction.later(partial(self.local.add, content, transaction.now))

    def release(self, content: Content) -> None:
        """Drop the file of a request, unless it is kept; within a transaction when that is committed."""
        if self._records.is_deciding:
            self._records.transaction.later(partial(self.local.release, content))
        else:
            self.local.release(content)

    def copy(self, sha256: str) -> Content | None:
        """The content with this digest, if it is here: it came with this call, or was used lately."""
        written = self._records.transaction.contents.get(sha256)
        if written is not None and _has_content(written[0]):
            return written[0]
        return self.local.get(sha256, self._records.now)

    def load(self, files: Sequence[Content | Asset], most: float = math.inf) -> dict[str, Content | None]:
        """The contents of the files that are without it, by digest; None for what is lost.

        Raises NotLoaded for those that are not here: if there are more than `most` bytes, for the first in a transaction.
        """
        transaction = self._records.transaction
        found: dict[str, Content | None] = {}
        missing: list[FileContent] = []
        most -= sum(file.size for file in files if transaction.has_loaded(FileContent(file.sha256)))
        for file in files:
            needed = FileContent(file.sha256)
            if _has_content(file) or file.sha256 in found:
                continue
            if transaction.has_loaded(needed):
                found[file.sha256] = transaction.need(needed)
                continue
            found[file.sha256] = self.copy(file.sha256)
            if found[file.sha256] is None and (most := most - file.size) >= 0:
                missing.append(needed)
        if missing:
            raise NotLoaded(*missing)
        return found
