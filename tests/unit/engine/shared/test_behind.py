"""What waits to be appended behind the answers."""

from __future__ import annotations

import pytest

from falmock.engine.shared import behind as behinds
from falmock.engine.shared.behind import Behind
from falmock.engine.shared.behind import Item


def item(text: str, at: float = 0.0, size: int = 0, log: str = "a") -> Item:
    return Item(log, lambda name: f"{text}{name}".encode(), at, keep=10, ttl=60.0, size=size)


def texts(behind: Behind) -> list[bytes]:
    return [each.data(str) for each in behind.first(1000)]


def test_in_order_until_they_are_done() -> None:
    behind, woken = Behind(), list[int]()
    behind.wake = lambda: woken.append(1)
    assert behind.since is None
    for number in range(3):
        behind.put(item(f"{number}", 5.0 + number))
    assert (texts(behind), len(behind), behind.since, len(woken)) == ([b"0", b"1", b"2"], 3, 5.0, 3)
    behind.done(behind.first(2))
    assert (texts(behind), behind.since, behind.first(9)[0].at) == ([b"2"], 7.0, 7.0)


def test_bytes_are_made_once() -> None:
    names = iter("xy")
    one = item("a")
    assert (one.data(lambda: next(names)), one.data(lambda: next(names))) == (b"ax", b"ax")


def test_the_oldest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "MOST", 2)
    behind = Behind()
    written = item("0")
    behind.put(written)
    behind.put(item("1"))
    behind.put(item("2"))
    assert (texts(behind), behind.dropped) == ([b"1", b"2"], 1)
    behind.done([written])  # it was being written while it was dropped
    assert len(behind) == 2
    monkeypatch.setattr(behinds, "BODIES", 10)
    behind.put(item("3", size=9))
    behind.put(item("4", size=9))
    assert (texts(behind), behind.dropped) == ([b"4"], 4)


def test_what_is_said_once() -> None:
    behind = Behind()
    for at, name in ((0.0, "x"), (1.0, "x"), (1.0, "y"), (31.0, "x")):
        behind.put_once(item(name, at), name)
    assert texts(behind) == [b"x", b"y", b"x"]
    behind.done(behind.first(3))
    behind.say_again()
    assert texts(behind) == [b"x", b"y"]


def test_what_is_said_once_is_said_again_if_it_may_have_been_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "MOST", 1)
    behind = Behind()
    behind.put_once(item("x"), "x")
    behind.put(item("other"))
    behind.put_once(item("x"), "x")
    assert texts(behind) == [b"x"]


def test_how_much_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "_TOLD", 2)
    behind = Behind()
    for name in "abca":
        behind.put_once(item(name), name)
    assert texts(behind) == [b"a", b"b", b"c", b"a"]


def test_what_needs_a_transaction() -> None:
    behind = Behind()
    assert not behind.has_unplaced
    behind.put_unplaced(lambda: behind.put(item("1")))
    placed = behind.place()
    behind.put_unplaced(lambda: behind.put(item("2")))
    placed()
    assert (texts(behind), behind.has_unplaced, len(behind)) == ([b"1"], True, 2)


def test_it_wakes_when_there_is_enough() -> None:
    behind, woken = Behind(), list[int]()
    behind.wake = lambda: woken.append(len(behind))
    behind.enough = 3
    for number in range(4):
        behind.put(item(f"{number}"))
    assert woken == [3, 4]


def test_bytes_that_are_there_need_no_name() -> None:
    assert Item("a", b"x", 0.0, 10, 60.0).data(lambda: pytest.fail("it was asked for one")) == b"x"
