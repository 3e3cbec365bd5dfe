"""Each outcome goes to the one who sees to it."""

from __future__ import annotations

import pytest

from falmock.recording.outcome import Known
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.recording.outcome import of_session
from falmock.recording.outcome import uncounted
from falmock.recording.uploads import File
from falmock.wire.message import content_of

FILE = File("https://v3.fal.media/files/b/cat.png", "0" * 64, 3, "image/png")
TELL = Tell("a socket was cut", Level.WARNING)
SAVE = Save({"match": {}}, "flux", "a call", 1.0, {})
LOST = NotRecorded("the run of a/b", "it broke off", level=Level.DEBUG)
OWN = SelfAnswered("downloads")
LINK = Link(FILE.url, content_of(b"png"), "image/png")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (TELL, ("tell", TELL)),
        (Known(FILE), ("learn", FILE)),
        (SAVE, ("write", SAVE)),
        (LINK, ("write", LINK)),
        (LOST, ("tell", Tell("the run of a/b is not recorded: it broke off", Level.DEBUG))),
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


def test_a_call_that_needs_no_fixture_asks_for_nothing() -> None:
    heard: list[object] = []
    carry_out(OWN, tell=heard.append, learn=heard.append, write=heard.append)
    assert heard == []


def test_what_is_counted_elsewhere_is_still_done() -> None:
    assert uncounted([SAVE, LINK, LOST, OWN, TELL]) == [
        SAVE._replace(calls=0),
        LINK._replace(calls=0),
        LOST._replace(calls=0),
        TELL,
    ]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([LOST, SAVE, TELL, SAVE], [LOST._replace(calls=0), SAVE, TELL, SAVE._replace(calls=0)]),
        ([TELL, LOST, LOST], [TELL, LOST, LOST._replace(calls=0)]),
        ([TELL], [TELL, SelfAnswered("sockets without messages")]),
        ([], [SelfAnswered("sockets without messages")]),
    ],
)
def test_a_session_counts_as_one_call(outcomes: list[Outcome], expected: list[Outcome]) -> None:
    assert of_session(outcomes) == expected
