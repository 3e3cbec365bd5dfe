"""Files that a test sends with the fixtures it adds; they are referred to like files in `_assets`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from falmock.fixtures.format import validate
from falmock.fixtures.format.entry import MissingAsset
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Problem
from falmock.wire import storage
from falmock.wire.formats import media

KEY = "assets"
_DIGEST = "sha256:"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "string", "contentEncoding": "base64"},
    "description": "The files that the fixtures refer to, by name (like files in _assets), with their content in base64.",
}


def read(given: Any) -> tuple[dict[str, Asset], list[Problem]]:
    """The files by name, and the problems of invalid ones. `given` was not checked by the schema."""
    if not isinstance(given, dict):
        return {}, [Problem("", f"$.{KEY}", f"expected an object, found {validate.brief(given)}")]
    assets: dict[str, Asset] = {}
    problems: list[Problem] = []
    for name, text in given.items():
        if not isinstance(text, str):
            problems.append(Problem("", f"$.{KEY}[{name!r}]", f"expected base64, found {validate.brief(text)}"))
            continue
        try:
            storage.check_name(name)
            content = base64.b64decode(text, validate=True)
        except storage.BadFileName as error:
            problems.append(Problem("", f"$.{KEY}", str(error)))
        except (binascii.Error, ValueError) as error:
            found = validate.brief(text[:40])
            problems.append(Problem("", f"$.{KEY}[{name!r}]", f"expected base64, found {found}: {error}"))
        else:
            kind = media.type_of(name)
            kind = media.sniffed(content) if kind == media.DEFAULT else kind
            assets[name] = Asset(storage.digest(content), name, kind, len(content), data=content)
    return assets, problems


def finder(sent: Mapping[str, Asset], known: Mapping[str, Asset]) -> Callable[[str], Asset]:
    """Finds the files of added fixtures: among those sent with them, then among those of other fixtures (`known`, by digest)."""

    def find(name: str) -> Asset:
        both = (*sent.values(), *known.values())
        if name.startswith(_DIGEST):
            digest = name.removeprefix(_DIGEST)
            found = known.get(digest) or next((asset for asset in both if asset.sha256 == digest), None)
        else:
            found = next((asset for asset in both if asset.name == name), None)
        if found is None:
            raise MissingAsset(
                f"expected a file in {KEY!r}, or one that another fixture refers to, by name or sha256:<hex>, "
                f"found {name[:100]!r}"
            )
        return found

    return find


def noting(find: Callable[[str], Asset], found: dict[str, str]) -> Callable[[str], Asset]:
    """Finds files as `find` does, and notes their digests in `found` by the names that were asked for."""

    def noted(name: str) -> Asset:
        asset = find(name)
        found[name] = asset.sha256
        return asset

    return noted
