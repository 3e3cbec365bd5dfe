"""Why a call on shared state cannot be answered, apart from a store that is away."""

from __future__ import annotations


class UnknownForm(Exception):
    """A value of the store has a form that this release does not know, as a newer one wrote it; the text says so."""


class AnswerLost(Exception):
    """The result of a job is neither in the store nor in the fixtures of this falmock; the text says what to do."""


class FixtureLost(AnswerLost):
    """What was added cannot be read again by this falmock; the text says what to do."""


class FileElsewhere(Exception):
    """The content of a file is where this falmock does not look; the text says where, and what to do."""
