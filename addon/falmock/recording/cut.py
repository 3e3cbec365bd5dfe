"""Answers on a socket that are not whole, as the client left while it was being answered: the whole one stands for them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence

from falmock.recording.likeness import begins
from falmock.recording.values import Entry


def completed(part: Entry, known: Iterable[Entry]) -> Entry:
    """A recording of an answer that was cut off, with the longest of the known answers that begin like it."""
    wholes = [whole for whole in known if begins(part, whole)]
    return _with(part, max(wholes, key=lambda whole: len(whole["realtime"]))) if wholes else part


def complete(answers: list[Entry], cut: Sequence[bool], whole: Entry) -> bool:
    """Put the whole in the place of those answers that were cut off and begin it; whether there were any.

    `cut` says of each answer whether it was cut off.
    """
    found = [
        place
        for place, (part, was_cut) in enumerate(zip(answers, cut, strict=False))
        if was_cut and begins(part, whole) and len(part["realtime"]) < len(whole["realtime"])
    ]
    for place in found:
        answers[place] = _with(answers[place], whole)
    return bool(found)


def _with(part: Entry, whole: Entry) -> Entry:
    return {**part, "realtime": whole["realtime"]}
