from __future__ import annotations

import pytest

from falmock.engine import miss_log
from falmock.engine.effects import SocketStep
from falmock.engine.miss_log import MissLog
from falmock.engine.miss_log import MissReporting
from falmock.fixtures.matching.miss import Miss
from falmock.wire.formats.frames import Text


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return texts


def test_each_is_told_once_until_the_fixtures_are_others(caplog: pytest.LogCaptureFixture) -> None:
    known = MissLog()
    for key in ("a", "b", "a"):
        known.tell(Miss(key, f"no fixture for {key}, 100 % sure", ()))
    assert told(caplog) == ["no fixture for a, 100 % sure", "no fixture for b, 100 % sure"]
    known.clear()
    known.tell(Miss("a", "no fixture for a", ()))
    assert told(caplog) == ["no fixture for a"]


def test_each_warning_is_told_once_too(caplog: pytest.LogCaptureFixture) -> None:
    known = MissLog()
    for text in ("100 % wrong", "odd", "100 % wrong"):
        known.warn(text)
    known.tell(Miss("odd", "a miss with the key of a warning", ()))
    assert told(caplog) == ["falmock: 100 % wrong", "falmock: odd", "a miss with the key of a warning"]
    known.clear()
    known.warn("odd")
    assert told(caplog) == ["falmock: odd"]


def test_what_no_terminal_can_print_is_escaped(caplog: pytest.LogCaptureFixture) -> None:
    known = MissLog()
    known.tell(Miss("a", "nothing at /\ud800é", ()))
    known.warn("\udcff")
    assert told(caplog) == ["nothing at /\\ud800é", "falmock: \\udcff"]


def test_there_is_an_end_to_it(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miss_log, "MOST", 2)
    known = MissLog()
    for key in ("a", "b", "c"):
        known.tell(Miss(key, key, ()))
    assert told(caplog) == ["a", "b"]


MISS = Miss("key", "no fixture answers this", ())


class Parrot:
    """Echoes each message with the time, and reports a miss."""

    def opened(self, now: float) -> SocketStep:
        return SocketStep((Text(f"opened {now}"),), 1.0)

    def received(self, message: str | bytes, now: float) -> SocketStep:
        return SocketStep((Text(f"{message!r} {now}"),), None, (MISS,), ("careful",))

    def due(self, now: float) -> SocketStep:
        return SocketStep((Text(f"due {now}"),))


def test_everything_passes_and_misses_are_told() -> None:
    heard: list[Miss] = []
    warned: list[str] = []
    conversation, parrot = MissReporting(Parrot(), heard.append, warned.append), Parrot()
    assert conversation.opened(1.0) == parrot.opened(1.0)
    assert conversation.due(2.0) == parrot.due(2.0)
    assert heard == []
    assert conversation.received(b"x", 3.0) == parrot.received(b"x", 3.0)
    assert (heard, warned) == ([MISS], ["careful"])
