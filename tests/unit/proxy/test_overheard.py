from __future__ import annotations

from falmock.engine.effects import Turn
from falmock.fixtures.matching.miss import Miss
from falmock.proxy.overheard import Overheard
from falmock.wire.formats.frames import Text

MISS = Miss("key", "no fixture answers this", ())


class Parrot:
    """Says what it was asked, with the time, and that it knows no answer."""

    def opened(self, now: float) -> Turn:
        return Turn((Text(f"opened {now}"),), 1.0)

    def received(self, message: str | bytes, now: float) -> Turn:
        return Turn((Text(f"{message!r} {now}"),), None, (MISS,))

    def due(self, now: float) -> Turn:
        return Turn((Text(f"due {now}"),))


def test_everything_passes_and_misses_are_told() -> None:
    heard: list[Miss] = []
    conversation, parrot = Overheard(Parrot(), heard.append), Parrot()
    assert conversation.opened(1.0) == parrot.opened(1.0)
    assert conversation.due(2.0) == parrot.due(2.0)
    assert heard == []
    assert conversation.received(b"x", 3.0) == parrot.received(b"x", 3.0)
    assert heard == [MISS]
