"""Copies of shared content in this process: what was uploaded or read here lately, so that it is not loaded each time."""

from __future__ import annotations

from collections import OrderedDict

from falmock.engine.files.content_pool import ContentPool
from falmock.engine.files.registry import DISK_LIMIT
from falmock.fixtures.model import Asset
from falmock.wire.message import Content

LIMIT = 64 * 1024 * 1024
"""How many bytes of copies are kept in memory; those of large content are on disk."""


class LocalContents:
    """The copies by digest, at most `limit` bytes in memory and `disk_limit` on disk; the least recently used go first.

    The edge owns the files and adds them; it removes those in `take_dropped`.
    """

    def __init__(self, limit: int = LIMIT, disk_limit: int = DISK_LIMIT) -> None:
        self._memory = ContentPool()
        self._disk = ContentPool()
        self._limit = limit
        self._disk_limit = disk_limit
        self._files: set[str] = set()
        self._used: OrderedDict[str, float] = OrderedDict()
        self._dropped: list[str] = []

    def add(self, content: Content, now: float) -> None:
        """Keep a copy. A file that is not needed is dropped when it is released."""
        if self.get(content.sha256, now) is not None:
            return
        asset = Asset(content.sha256, "", "", content.size, content.data, content.file)
        if content.file is None:
            self._memory.add(asset)
            while self._memory.size > self._limit:
                self._memory.pop_oldest()
            return
        self._files.add(content.file)
        self._disk.add(asset)
        self._used[asset.sha256] = now
        while self._disk.size > self._disk_limit and len(self._disk.content) > 1:
            self._drop(self._disk.pop_oldest())

    def get(self, sha256: str, now: float) -> Content | None:
        """The copy of the content with this digest, which is used now; None if there is none."""
        for pool in (self._memory, self._disk):
            asset = pool.content.get(sha256)
            if asset is not None:
                pool.content.move_to_end(sha256)
                if asset.file is not None:
                    self._used[sha256] = now
                    self._used.move_to_end(sha256)
                return Content(sha256, asset.size, asset.data, asset.file)
        return None

    def forget(self, sha256: str) -> None:
        """Drop a copy, if there is one."""
        for pool in (self._memory, self._disk):
            asset = pool.remove(sha256)
            if asset is not None:
                self._drop(asset)

    def _drop(self, asset: Asset) -> None:
        self._used.pop(asset.sha256, None)
        if asset.file is not None:
            self._files.discard(asset.file)
            self._dropped.append(asset.file)

    # files

    def release(self, content: Content) -> None:
        """Drop a file, unless it is that of a copy."""
        if content.file is not None and content.file not in self._files:
            self._dropped.append(content.file)

    @property
    def is_tidy(self) -> bool:
        """Whether no file waits to be removed, and none is kept."""
        return not self._dropped and not self._used

    @property
    def unused_since(self) -> float | None:
        """When the least recently used file was used (seconds since the epoch); None if there is none."""
        return next(iter(self._used.values()), None)

    def forget_unused(self, before: float) -> None:
        """Drop the files that were last used at `before` or earlier."""
        while (since := self.unused_since) is not None and since <= before:
            self.forget(next(iter(self._used)))

    def take_dropped(self) -> list[str]:
        """The files that are no longer used, since the last call."""
        dropped, self._dropped = self._dropped, []
        return dropped
