"""Files of added fixtures: their URLs name their content, so all scopes serve them while one has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from falmock.fixtures.model import Asset


class AddedAssets:
    """The files by digest (SHA-256, hex), each kept while at least one scope has added it."""

    def __init__(self) -> None:
        self._assets: dict[str, Asset] = {}
        self._users: Counter[str] = Counter()

    def add_assets(self, assets: Iterable[Asset]) -> None:
        """Add files for one user."""
        for asset in assets:
            self._assets[asset.sha256] = asset
            self._users[asset.sha256] += 1

    def remove_assets(self, assets: Iterable[Asset]) -> None:
        """Remove files of one user; a file without users is dropped."""
        for asset in assets:
            self._users[asset.sha256] -= 1
            if self._users[asset.sha256] <= 0:
                del self._users[asset.sha256]
                self._assets.pop(asset.sha256, None)

    def __len__(self) -> int:
        return len(self._assets)

    def get(self, sha256: str) -> Asset | None:
        """The file with this digest; None if there is none."""
        return self._assets.get(sha256)
