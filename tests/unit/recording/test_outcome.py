"""Each outcome goes to the one who sees to it."""

from __future__ import annotations

import pytest

from falmock.recording.outcome import Known
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.recording.uploads import File
from falmock.wire.message import content_of

FILE = File("https://v3.fal.media/files/b/cat.png", "0" * 64, 3, "image/png")
TELL = Tell("a socket was cut", Level.WARNING)
SAVE = Save({"match": {}}, "flux", "a call", 1.0, {})
LINK = Link(FILE.url, content_of(b"png"), "image/png")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (TELL, ("tell", TELL)),
        (Known(FILE), ("learn", FILE)),
        (SAVE, ("write", SAVE)),
        (LINK, ("write", LINK)),
    ],
)
def test_an_outcome_is_handed_on_once(outcome: Outcome, expected: tuple[str, object]) -> None:
    heard: list[tuple[str, object]] = []
    carry_out(
        outcome,
        tell=lambda tell: heard.append(("tell", tell)),
        learn=lambda file: heard.append(("learn", file)),
        write=lambda kept: heard.append(("write", kept)),
    )
    assert heard == [expected]
