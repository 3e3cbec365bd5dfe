"""What a decision needs of the store is asked for at once where it can be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Record
from falmock.engine.shared.needs import together


def lacks(*needed: str | Bounds | Record) -> Callable[[], str]:
    def read() -> str:
        raise NotLoaded(*needed)

    return read


def test_reads_that_lack_nothing() -> None:
    assert together([lambda: "a", lambda: "b"]) == ["a", "b"]
    assert together([]) == []


def test_all_that_reads_lack_is_asked_for_at_once() -> None:
    with pytest.raises(NotLoaded) as missing:
        together([lacks("a"), lambda: "b", lacks(Bounds("log"), Record("c"))])
    assert missing.value.needed == ("a", Bounds("log"), Record("c"))
