"""Reads the body of a call as a FastAPI app does, and answers one that is no JSON object with FastAPI's words.

FastAPI parses a body as JSON only if its content type says so. Behind fal's queue the content type that reaches the app is
unknown, so a body is read as JSON whatever the type.

FastAPI reads with Python's `json`: NaN and Infinity are numbers, the last of equal keys counts, UTF-16 and UTF-32 are read
too. What else fails there (bad UTF-8, nesting too deep for Python) is a 400 without details.
"""

from __future__ import annotations

import json
from typing import Any
from typing import NamedTuple

from falmock.synthesis.checks import detail
from falmock.wire.formats import jsontext


class Refused(NamedTuple):
    """A body that is no input: the status and the body of fal's answer."""

    status: int
    body: dict[str, Any]


_UNREADABLE = Refused(400, {"detail": "There was an error parsing the body"})


def parsed(raw: bytes) -> dict[str, Any] | Refused:
    """The object in a body, or fal's answer to a body without one.

    Raises jsontext.BadJSON for one that is too large for falmock (`too_large`).
    """
    try:
        value = jsontext.loads_as_python(raw) if raw else None
    except json.JSONDecodeError as error:
        return _problem(detail.not_json(error.msg, error.pos))
    except jsontext.BadJSON as error:
        if error.too_large:
            raise
        return _UNREADABLE
    except (ValueError, RecursionError):  # not UTF-8, or an integer with more digits than Python converts
        return _UNREADABLE
    if value is None:
        return _problem(detail.missing_body())
    return value if isinstance(value, dict) else _problem(detail.not_an_object(value))


def _problem(problem: detail.Problem) -> Refused:
    return Refused(422, detail.body_of([problem]))
