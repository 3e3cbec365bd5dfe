"""Files that came with fixtures which a scope added: their URLs name their content, so they are there for whoever asks, while the scope has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from falmock.fixtures.model import Asset


class AddedAssets:
    """The files by digest (SHA-256, hex), each as long as somebody lends it."""

    def __init__(self) -> None:
        self._assets: dict[str, Asset] = {}
        self._lenders: Counter[str] = Counter()

    def add_assets(self, assets: Iterable[Asset]) -> None:
        """Somebody has these."""
        for asset in assets:
            self._assets[asset.sha256] = asset
            self._lenders[asset.sha256] += 1

    def take_back(self, assets: Iterable[Asset]) -> None:
        """Somebody who lent these has them no more."""
        for asset in assets:
            self._lenders[asset.sha256] -= 1
            if self._lenders[asset.sha256] <= 0:
                del self._lenders[asset.sha256]
                self._assets.pop(asset.sha256, None)

    def get(self, sha256: str) -> Asset | None:
        """The file with this digest."""
        return self._assets.get(sha256)
