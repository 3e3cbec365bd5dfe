"""Content that is kept, by digest, and its size."""

from __future__ import annotations

from collections import OrderedDict

from falmock.fixtures.model import Asset


class ContentPool:
    """Content in memory or on disk, the oldest first, and its size in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self.content: OrderedDict[str, Asset] = OrderedDict()

    def add(self, asset: Asset) -> None:
        """Take in content that is not there yet."""
        self.content[asset.sha256] = asset
        self.size += asset.size

    def pop_oldest(self) -> Asset:
        """Remove the oldest content, and return it."""
        _, oldest = self.content.popitem(last=False)
        self.size -= oldest.size
        return oldest

    def remove(self, sha256: str) -> Asset | None:
        """Remove the content with this digest, and return it; None if there is none."""
        asset = self.content.pop(sha256, None)
        self.size -= 0 if asset is None else asset.size
        return asset
