"""The files in made answers: kept as recipes, and made when somebody reads them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Mapping
from itertools import islice

from falmock.fixtures.model import Asset
from falmock.synthesis.media.recipe import Recipe
from falmock.wire import storage

LIMIT = 100_000
"""How many recipes are kept; the oldest are dropped first."""
MOST_BYTES = 64 * 1024 * 1024
"""How many bytes of made files are kept; a dropped one is made again."""


class MadeFiles:
    """Recipes by `storage.asset_key` of their URL's path."""

    def __init__(self) -> None:
        self.hide: Callable[[str], str] = str
        """Takes secrets out of a text before a file shows it: files may be kept, and looked at by others."""
        self._recipes: OrderedDict[str, Recipe] = OrderedDict()
        self._content: OrderedDict[str, Asset] = OrderedDict()
        self._size = 0
        self._by_digest: dict[str, Asset] = {}

    def add(self, files: Mapping[str, Recipe]) -> None:
        """Serve these files, by the paths of their URLs, from now on."""
        for path, recipe in files.items():
            key = storage.asset_key(path)
            self._recipes[key] = recipe
            self._recipes.move_to_end(key)
        while len(self._recipes) > LIMIT:
            self._recipes.popitem(last=False)

    def find(self, path: str) -> Asset | None:
        """The file at a URL path; None if none was promised there."""
        key = storage.asset_key(path)
        recipe = self._recipes.get(key)
        if recipe is None:
            return None
        known = self._content.get(key)
        if known is not None:
            self._content.move_to_end(key)
            return known
        return self._make(key, recipe)

    def __len__(self) -> int:
        """How many of them were made, and are kept."""
        return len(self._by_digest)

    def by_digest(self, sha256: str) -> Asset | None:
        """A file that was made, by the digest of its content; None if none of those that are kept has it."""
        return self._by_digest.get(sha256)

    def listed(self, newest: int) -> dict[str, Asset]:
        """The files by `storage.asset_key`: those that were made and are kept, and the last `newest` of all, which are made now."""
        for key in reversed(list(islice(reversed(self._recipes), newest))):
            if key not in self._content:
                self._make(key, self._recipes[key])
        return {key: asset for key, asset in reversed(self._content.items()) if key in self._recipes}

    def _shown(self, recipe: Recipe) -> Recipe:
        """The recipe without secrets."""
        return recipe._replace(text=self.hide(recipe.text)) if recipe.text else recipe

    def _make(self, key: str, recipe: Recipe) -> Asset:
        from falmock.synthesis.media.files import content_of  # most calls need no media

        data = content_of(self._shown(recipe))
        name = key.rpartition("/")[2].partition("_")[2]
        asset = Asset(storage.digest(data), name, recipe.content_type, len(data), data)
        self._content[key] = self._by_digest[asset.sha256] = asset
        self._size += asset.size
        while self._size > MOST_BYTES and len(self._content) > 1:
            _, oldest = self._content.popitem(last=False)
            self._size -= oldest.size
            self._by_digest.pop(oldest.sha256, None)
        return asset
