from __future__ import annotations

from falmock.engine.files.content_pool import ContentPool
from falmock.fixtures.model import Asset


def test_its_size_is_that_of_what_it_has() -> None:
    pool, assets = ContentPool(), [Asset(name, "", "", size) for name, size in (("a", 1), ("b", 2), ("c", 4))]
    for asset in assets:
        pool.add(asset)
    assert pool.size == 7
    assert (pool.pop_oldest(), pool.size) == (assets[0], 6)
    assert (pool.remove("c"), pool.size) == (assets[2], 2)
    assert (pool.remove("c"), pool.size) == (None, 2)
    assert list(pool.content) == ["b"]
