"""What is wrong with an input, as FastAPI puts it into the `detail` of a 422: type, loc, msg, input and, for some, ctx.

Where FastAPI itself answers 500, because UTF-8 or JSON cannot express what it repeats of the input (NaN, Infinity, a lone
surrogate), there is `null`. As in FastAPI, keys that begin with `_sa` are not repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from falmock.wire.formats import jsontext

Problem = dict[str, Any]

MAX_PROBLEMS = 10_000
"""How many are answered; FastAPI has no limit."""
MAX_REPEATED = jsontext.MAX_BYTES
"""How many characters of the input an answer repeats in all, as many as an input may have: each missing field repeats the
whole object. The rest is `null`; FastAPI has no limit."""
_LEFT_OUT = "_sa"
_SCALARS = (int, float, bool, type(None))
_LONGEST, _FIRST = 60, 3


def body_of(problems: list[Problem]) -> dict[str, Any]:
    """The body of the 422."""
    return {"detail": problems}


def missing_body() -> Problem:
    """What FastAPI says if there is no body, or if it is `null`."""
    return {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}


def not_an_object(value: Any) -> Problem:
    """What it says of a body that is a list, a text, a number or a truth value."""
    message = "Input should be a valid dictionary or object to extract fields from"
    return {"type": "model_attributes_type", "loc": ["body"], "msg": message, "input": _Echo().of(value)}


def not_json(message: str, position: int) -> Problem:
    """What it says of a body that is not JSON; `position` counts characters."""
    return {
        "type": "json_invalid",
        "loc": ["body", position],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": message},
    }


def problems_of(errors: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """The errors of pydantic, whose `loc` begins within the body, as FastAPI answers them."""
    echo = _Echo()
    found: list[Problem] = []
    for error in errors:
        if len(found) == MAX_PROBLEMS:
            break
        loc = ["body", *(echo.of(step) for step in error["loc"])]
        problem = {"type": error["type"], "loc": loc, "msg": echo.of(error["msg"]), "input": echo.of(error["input"])}
        if "ctx" in error:
            problem["ctx"] = echo.of(error["ctx"])
        found.append(problem)
    return found


class _Echo:
    """Repeats values in an answer, no more than MAX_REPEATED characters in all."""

    def __init__(self) -> None:
        self._left = MAX_REPEATED

    def of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self._left -= 1
        if self._left < 0:
            return None
        if isinstance(value, dict):
            pairs = [(self._key(key), item) for key, item in value.items() if not _is_left_out(key)]
            if any(key is None for key, _ in pairs):
                return None
            return {key: self.of(item) for key, item in pairs}
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if isinstance(value, _SCALARS) else None

    def _key(self, key: Any) -> str | None:
        return self._text(str(key))

    def _text(self, text: str) -> str | None:
        self._left -= len(text)
        return text if self._left >= 0 and _is_utf8(text) else None


def _is_left_out(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(_LEFT_OUT)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def summary(problems: list[Problem]) -> str:
    """The first problems on one line: where, what was found (cut), what was expected; and how many more there are."""
    told = [_line(problem) for problem in problems[:_FIRST]]
    if len(problems) > _FIRST:
        told.append(f"and {len(problems) - _FIRST} more")
    return "; ".join(told)


def _line(problem: Problem) -> str:
    if problem["type"] == "json_invalid":
        return f"the body is not JSON: {problem['ctx']['error']} at character {problem['loc'][-1]}"
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"][1:]).lstrip(".")
    found = "" if problem["type"] == "missing" else f" is {_shown(problem['input'])}"
    expected = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}"
    return f"{_cut(path) or 'the body'}{found}: {_cut(expected, 2 * _LONGEST)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object" if value else "{}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return _cut(jsontext.dump_shown(value[: _LONGEST + 1] if isinstance(value, str) else value, ensure_ascii=False))


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
