from __future__ import annotations

import pytest

from falmock.fixtures.matching.miss import Miss
from falmock.proxy import misses
from falmock.proxy.misses import Misses


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return texts


def test_each_is_told_once_until_the_fixtures_are_others(caplog: pytest.LogCaptureFixture) -> None:
    known = Misses()
    for key in ("a", "b", "a"):
        known.tell(Miss(key, f"no fixture for {key}, 100 % sure", ()))
    assert told(caplog) == ["no fixture for a, 100 % sure", "no fixture for b, 100 % sure"]
    known.clear()
    known.tell(Miss("a", "no fixture for a", ()))
    assert told(caplog) == ["no fixture for a"]


def test_there_is_an_end_to_it(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "MOST", 2)
    known = Misses()
    for key in ("a", "b", "c"):
        known.tell(Miss(key, key, ()))
    assert told(caplog) == ["a", "b"]
