"""The files in made answers, of all replicas: a record has what a file is made of, and each replica makes it by itself."""

from __future__ import annotations

from collections.abc import Mapping

from falmock.engine.files.made import LIMIT
from falmock.engine.files.made import MadeFiles
from falmock.engine.shared.files import records
from falmock.engine.shared.files.forms import MADE
from falmock.engine.shared.files.forms import MADE_AS
from falmock.engine.shared.files.forms import MadeForm
from falmock.engine.shared.files.records import FileRecords
from falmock.fixtures.model import Asset
from falmock.synthesis.media.recipe import Recipe
from falmock.wire import storage


class SharedMadeFiles(MadeFiles):
    """See MadeFiles. What a falmock made before is kept in its memory."""

    def __init__(self, records: FileRecords) -> None:
        super().__init__()
        self._records = records

    def add(self, files: Mapping[str, Recipe]) -> None:
        """See MadeFiles. Secrets are taken out at once: each replica makes the same of a recipe."""
        for path, recipe in files.items():
            self._write(MadeForm(storage.asset_key(path), super()._shown(recipe), self._records.now))

    def _shown(self, recipe: Recipe) -> Recipe:
        return recipe

    def _write(self, form: MadeForm) -> None:
        # The path names the recipe by its digest: who wrote it before wrote the same.
        self._records.write("made", form.key, MADE.write(form))
        self._records.note("made", records.key_of("made", form.key), LIMIT)

    def find(self, path: str) -> Asset | None:
        """See MadeFiles. Raises NotLoaded."""
        form = self._records.read("made", storage.asset_key(path), MADE)
        return None if form is None else self._made_of(form)

    def _made_of(self, form: MadeForm) -> Asset:
        asset, is_old = self._content.get(form.key), self._records.is_old(form.since)
        if is_old:
            self._write(form._replace(since=self._records.now))
        if asset is None or is_old:
            asset = asset or self._make(form.key, form.recipe)
            self._records.write("made-as", asset.sha256, MADE_AS.write(form.key))
        return asset

    def by_digest(self, sha256: str) -> Asset | None:
        """See MadeFiles. Raises NotLoaded."""
        known = super().by_digest(sha256)
        if known is not None:
            return known
        key = self._records.read("made-as", sha256, MADE_AS)
        form = None if key is None else self._records.read("made", key, MADE)
        return None if form is None else self._made_of(form)

    def listed(self, newest: int) -> dict[str, Asset]:
        """See MadeFiles: the last of all replicas, and those that were made here. Raises NotLoaded."""
        keys = [*self._records.listed("made")[:newest], *(records.key_of("made", key) for key in self._content)]
        self._records.transaction.load_together(keys)
        forms = [self._records.transaction.value(key, MADE.read) for key in keys]
        return {form.key: self._made_of(form) for form in forms if form is not None}
