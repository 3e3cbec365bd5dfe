"""What is added to a scope while falmock runs."""

from __future__ import annotations

import pytest

from falmock.engine import additions
from falmock.engine.additions import Additions
from falmock.engine.additions import TooMany
from falmock.engine.files.added import AddedAssets
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from unit.engine.calls import index_of


def fixtures(*models: str) -> tuple[Fixture, ...]:
    return index_of(*({"match": {"model": model}, "response": {"json": model}} for model in models)).fixtures


def test_names_are_never_given_twice() -> None:
    added = Additions(AddedAssets())
    names = [added.name() for _ in range(3)]
    added.add(names[0], fixtures("t/a"), {})
    added.clear()
    assert len({*names, added.name()}) == 4


def test_later_ones_replace_those_of_an_equal_match_until_they_go() -> None:
    added = Additions(AddedAssets())
    first, second = fixtures("t/a", "t/b", "t/a"), fixtures("t/a")
    added.add("1", first, {})
    added.add("2", second, {})
    assert (list(added), len(added)) == ([second[0], first[1]], 4)
    assert added.remove("2") == second
    assert (list(added), added.remove("2")) == (list(first), None)
    assert added.clear() == first
    assert list(added) == []


def test_nothing_added_is_nothing_in_the_way() -> None:
    index = Index(fixtures("t/a"))
    added = Additions(AddedAssets())
    assert added.over(index) is index
    added.add("1", fixtures("t/b"), {})
    assert [fixture.match.model for fixture in added.over(index).fixtures] == ["t/b", "t/a"]


def test_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additions, "LIMIT", 1)
    added = Additions(AddedAssets())
    with pytest.raises(TooMany, match="1 added"):
        added.add("1", fixtures("t/a", "t/b"), {})
    assert list(added) == []


def test_there_is_an_end_to_the_files_of_a_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additions, "MOST_BYTES", 5)
    added = Additions(AddedAssets())
    files = {name: Asset(name, name, "image/png", 3, data=b"png") for name in ("a", "b")}
    on_disk = Asset("c", "c", "image/png", 1000, file="/c.png")
    added.add("1", fixtures("t/a"), {"a": files["a"], "c": on_disk})
    added.add("2", fixtures("t/b"), {"a": files["a"]})  # the same once more
    with pytest.raises(TooMany, match="5 bytes"):
        added.add("3", fixtures("t/c"), {"b": files["b"]})
    added.remove("1")
    added.remove("2")
    added.add("3", fixtures("t/c"), {"b": files["b"]})
