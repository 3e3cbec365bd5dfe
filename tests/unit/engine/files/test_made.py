from __future__ import annotations

import pytest

from falmock.engine.files import made
from falmock.engine.files.made import MadeFiles
from falmock.engine.files.registry import Assets
from falmock.engine.scopes import Scope
from falmock.redaction.redactor import Redactor
from falmock.synthesis.media.recipe import Recipe
from falmock.wire import storage


def _picture(seed: int) -> Recipe:
    return Recipe("image/png", 8, 8, seed=seed)


def _added(files: MadeFiles, *recipes: Recipe) -> list[str]:
    paths = [recipe.url_path("a b.png") for recipe in recipes]
    files.add(dict(zip(paths, recipes, strict=True)))
    return paths


def test_a_file_is_made_when_it_is_read() -> None:
    files = MadeFiles()
    (path,) = _added(files, _picture(1))
    asset = files.find(path)
    assert asset is not None
    assert asset.data is not None
    assert asset.data.startswith(b"\x89PNG")
    assert (asset.name, asset.content_type, asset.size) == ("a b.png", "image/png", len(asset.data))
    assert asset.sha256 == storage.digest(asset.data)
    assert files.find(path) is asset
    assert files.by_digest(asset.sha256) is asset
    assert files.find("/files/b/00000000/other_a.png") is None


def test_what_was_dropped_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "MOST_BYTES", 1)
    files = MadeFiles()
    one, two = _added(files, _picture(1), _picture(2))
    first = files.find(one)
    assert first is not None
    files.find(two)
    assert files.by_digest(first.sha256) is None
    again = files.find(one)
    assert again is not first
    assert again == first


def test_the_oldest_recipes_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "LIMIT", 2)
    files = MadeFiles()
    one, two = _added(files, _picture(1), _picture(2))
    _added(files, _picture(1))
    (three,) = _added(files, _picture(3))
    assert files.find(two) is None
    assert files.find(one) is not None
    assert files.find(three) is not None


def test_a_file_shows_no_secret() -> None:
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    files = Scope(1, 1.0, Redactor()).assets.made
    recipe = Recipe("text/plain", text=f"with {secret}")
    files.add({recipe.url_path("a.txt"): recipe})
    asset = files.find(recipe.url_path("a.txt"))
    assert asset is not None
    assert asset.data is not None
    assert asset.data.startswith(b"with ")
    assert secret.encode() not in asset.data


def test_it_is_served_and_compared_like_an_upload() -> None:
    assets = Assets()
    (path,) = _added(assets.made, _picture(1))
    found = assets.find(path, {})
    assert found is not None
    assert found.content_type == "image/png"
    assert assets.digest_of(path) == found.asset.sha256
    assert assets.content(found.asset.sha256, {}) is found.asset
    assert assets.digest_of("/files/b/00000000/other_a.png") is None


def test_the_newest_are_made_to_be_listed() -> None:
    files = MadeFiles()
    paths = _added(files, *map(_picture, range(4)))
    keys = [storage.asset_key(path) for path in paths]
    first = files.find(paths[0])
    assert list(files.listed(2)) == [keys[3], keys[2], keys[0]]
    assert files.listed(0)[keys[0]] is first
    assert set(files.listed(9)) == set(keys)


def test_what_is_served_no_more_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "LIMIT", 1)
    files = MadeFiles()
    (one,) = _added(files, _picture(1))
    files.find(one)
    (two,) = _added(files, _picture(2))
    assert list(files.listed(9)) == [storage.asset_key(two)]
