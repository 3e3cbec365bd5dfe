"""The files in the answer of a fixture that is being made: URLs become references to their content."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from falmock.engine.engine import Engine
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.model import Asset
from falmock.wire import storage

_URL = "https://"
_DATA = "data:"
_TOKEN = 44
"""How many characters stand before the name in the URL of a content."""


class DraftFiles:
    """The files that falmock knows; `found` are those that the answer refers to, by digest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.found: dict[str, Asset] = {}

    def keep(self, asset: Asset) -> None:
        """Note that the answer refers to a file."""
        (self.found[asset.sha256],) = self._engine.scope.assets.loaded([asset])

    def by_digest(self, sha256: str) -> Asset | None:
        """A file of the fixtures or one that was uploaded or made, by its digest (SHA-256, hex)."""
        return self._engine.scope.assets.content(sha256, self._engine.assets)

    def of_made(self, value: Any) -> Any:
        """A made output with references in place of the URLs of made files."""
        return self._replaced(value, is_made=True)

    def of_fixtures(self, value: Any) -> Any:
        """The answer of a fixture with references in place of the URLs of files."""
        return self._replaced(value, is_made=False)

    def _replaced(self, value: Any, *, is_made: bool) -> Any:
        if isinstance(value, dict):
            return {key: self._replaced(item, is_made=is_made) for key, item in value.items()}
        if isinstance(value, list):
            return [self._replaced(item, is_made=is_made) for item in value]
        if not isinstance(value, str) or not value.startswith(_URL):
            return value
        path = "/" + value.removeprefix(_URL).partition("/")[2]
        asset = self._engine.scope.assets.made.find(path) if is_made else self._served(value)
        if asset is None:
            return value
        self.keep(asset)
        return _reference(asset)

    def _served(self, url: str) -> Asset | None:
        """The file whose content a URL of falmock's names, with its name there; None if it is not known."""
        path = "/" + url.removeprefix(_URL).partition("/")[2]
        sha256 = storage.digest_in_path(path)
        asset = None if sha256 is None else self.by_digest(sha256)
        if asset is None:
            return None
        named = asset._replace(name=unquote(path.rpartition("/")[2])[_TOKEN:])
        return named if storage.content_url(named.sha256, named.name) == url else None


def with_first_file(value: Any, asset: Asset) -> Any:
    """An output with this file in place of its first one; None if it has no file."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            changed = with_first_file(item, asset)
            if changed is not None:
                return [*value[:number], changed, *value[number + 1 :]]
        return None
    if not isinstance(value, dict):
        return None
    if FILE in value:
        return _reference(asset)
    for key, item in value.items():
        changed = _reference(asset) if _is_file(key, item) else with_first_file(item, asset)
        if changed is not None:
            is_here = _is_file(key, item) or (isinstance(item, dict) and FILE in item)
            return {**value, key: changed} | (_about(value, asset) if is_here else {})
    return None


def _is_file(key: str, value: Any) -> bool:
    """Whether a value is the URL of a file that is not known here."""
    return isinstance(value, str) and value.startswith((_URL, _DATA)) and (key == "url" or key.endswith("_url"))


def _about(beside: dict[str, Any], asset: Asset) -> dict[str, Any]:
    """What stands beside the URL of a file, for this one."""
    known = {"content_type": asset.content_type, "file_name": asset.name, "file_size": asset.size}
    return {key: value for key, value in known.items() if key in beside}


def _reference(asset: Asset) -> dict[str, str]:
    return {FILE: f"sha256:{asset.sha256}", "name": asset.name, "type": asset.content_type}
