"""Captures (HARs, cassettes): refused with a reason, or recorded, and what is recorded can be loaded."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from falmock.recording import document
from falmock.recording.captures import formats
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import NotAttached
from falmock.recording.captures.capture import Unusable
from falmock.recording.exchange import Session
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from fuzz.strategies import captures
from unit.recording.exchanges import recorder

CASES = captures.RAW


def _attached(name: str) -> bytes:
    raise NotAttached(f"no file {name[:100]!r}")


def check(raw: bytes) -> None:
    recording = recorder()
    try:
        entries = list(formats.read(raw, _attached))
    except NotACapture as error:
        assert str(error)
        return
    for entry in entries:
        if isinstance(entry, Unusable):
            assert entry.why
        elif isinstance(entry, Session):
            check_saved(recording.note_session(entry))
        else:
            check_saved(recording.note(entry))
    check_saved(recording.finish())


def check_saved(outcomes: Iterable[Outcome]) -> None:
    """Each fixture that is to be written can be written, and loaded again or refused with its problems."""
    for outcome in outcomes:
        if isinstance(outcome, Save):
            document.render({"fixtures": [outcome.entry]}).decode()
            assert outcome.name
            with suppress(document.NotAFixture):
                document.group_of(outcome.entry)
