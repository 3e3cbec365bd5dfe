"""What `@pytest.mark.falmock(...)` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest
from pytest_falmock import marks
from pytest_falmock.errors import FalmockError
from pytest_falmock.marks import Marked

RULE = {"fault": "internal_server_error"}
MODULE = Path("/project/tests/test_app.py")


class Mark(NamedTuple):
    """What pytest keeps of a mark."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Item:
    """A test with these marks, the nearest first."""

    path = MODULE

    def __init__(self, *given: Mark) -> None:
        self._given = given

    def iter_markers(self, name: str) -> Iterator[Mark]:
        assert name == "falmock"
        yield from self._given


def falmock(*args: Any, **kwargs: Any) -> Mark:
    return Mark(args, kwargs)


def read(*given: Mark) -> Marked:
    return marks.read(Item(*given))  # type: ignore[arg-type]


def test_none_and_an_empty_one_say_nothing() -> None:
    assert read() == read(falmock()) == Marked()


def test_the_nearest_says_it() -> None:
    found = read(falmock(pace="1s"), falmock(pace="2s", allow_misses=True, fixtures="fal"))
    assert found == Marked((Path("/project/tests/fal"),), "1s", (), allow_misses=True)


@pytest.mark.parametrize(
    ("fixtures", "expected"),
    [
        ("fal", ["/project/tests/fal"]),
        (Path("../fal"), ["/project/fal"]),
        (["/a", "b"], ["/a", "/project/tests/b"]),
        ([], []),
    ],
)
def test_fixtures_are_beside_the_test(fixtures: Any, expected: list[str]) -> None:
    found = marks.marked({"fixtures": fixtures}, MODULE).fixtures
    assert found is not None
    assert [str(path) for path in found] == expected


@pytest.mark.parametrize("faults", [RULE, [RULE], {"faults": [RULE]}, "faults.json", Path("faults.json")])
def test_faults(faults: Any, tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps({"faults": [RULE]}))
    assert marks.marked({"faults": faults}, tmp_path / "test_app.py").faults == (RULE,)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (falmock("fal"), r"expected names, as in falmock\(fixtures='fal'\), found 'fal'"),
        (falmock(fixtrues="fal"), "unknown argument 'fixtrues', did you mean 'fixtures'"),
        (falmock(zzz=1), "unknown argument 'zzz', expected fixtures, pace, faults, allow_misses"),
        (falmock(pace=3), "pace: expected a text such as '3s', found 3"),
        (falmock(fixtures=3), "fixtures: expected a path or a list of paths, found 3"),
        (falmock(fixtures=[3]), "fixtures: expected a path or a list of paths"),
        (falmock(faults=3), "faults: expected a rule, a list of rules or a file, found 3"),
        (falmock(faults=[]), "faults: expected a rule"),
        (falmock(faults="nowhere.json"), "/project/tests/nowhere.json: expected a JSON file of rules"),
    ],
)
def test_what_no_mark_says(mark: Mark, message: str) -> None:
    with pytest.raises(FalmockError, match=message):
        read(mark)
