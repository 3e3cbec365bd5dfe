"""Values of outputs that are neither echoed nor files: by the schema's own example, default or limits."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.fits import fits
from falmock.synthesis.outputs.normal import Normal

Maker = Callable[[Asked, int], Any]
"""Makes a value for a call; the number is its place in the list around it."""

SPOKEN = frozenset(
    {"output", "text", "generated_text", "transcription", "transcript", "answer", "response", "results", "content"}
)
"""The outputs that hold what a model says: they say that falmock made them, instead of the schema's example."""
_REPEATED = frozenset({"actual_prompt", "revised_prompt", "expanded_prompt", "enhanced_prompt", "prompt"})
SEEDS = frozenset({"seed", "used_seed", "seeds"})
COUNTED = SEEDS | {"has_nsfw_concepts", "nsfw_content_detected"}
"""The lists that have an item for each file."""
_FORMATS = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "byte": "ZmFsbW9jaw=="}
_WORD = "falmock"
"""The text of which nothing is known but that there must be one."""
_LARGEST_SEED = 2**31 - 1
LANGUAGES = frozenset({"language", "language_code", "target_lang", "languages", "inferred_languages"})
_MOST_CHARACTERS = 10_000


def own_value(document: Any, node: Normal) -> tuple[Any] | None:
    """The value that a schema itself gives, as a tuple of one, since it may be null; None if it gives none that fits.

    Values with URLs are left out: the files of examples are gone from fal's servers.
    """
    schema = node.schema
    listed = [each for key in ("examples", "enum") if isinstance(schema.get(key), list) for each in schema[key][:1]]
    candidates = [schema[key] for key in ("const",) if key in schema] + listed
    candidates += [schema[key] for key in ("example", "default") if key in schema]
    for value in candidates:
        if not _has_url(value) and ((value is None and node.nullable) or fits(document, schema, value)):
            return (value,)
    return None


def scalar(name: str, node: Normal) -> Maker:
    """What makes a string, number, boolean or null by its name, type and limits."""
    kind, schema = node.kind, node.schema
    if kind == "string":
        return _string(name, schema)
    if kind in ("integer", "number"):
        return _number(name, schema, whole=kind == "integer")
    fixed = False if kind == "boolean" else None
    return lambda _asked, _at: fixed


def _string(name: str, schema: dict[str, Any]) -> Maker:
    least = _length(schema.get("minLength"), 0)
    most = max(_length(schema.get("maxLength"), _MOST_CHARACTERS), least)

    def make(asked: Asked, at: int) -> str:
        return _text(name, schema.get("format"), asked, at)[:most].ljust(least, ".")

    return make


def _text(name: str, form: Any, asked: Asked, at: int) -> str:
    if name in SPOKEN:
        return asked.sentence
    if form in ("uuid", "uuid4") or name.endswith("_id") or name == "id":
        return _uuid(asked, at)
    if name in _REPEATED:
        return asked.words
    return _FORMATS.get(form, _WORD) if isinstance(form, str) else _WORD


def _uuid(asked: Asked, at: int) -> str:
    text = hashlib.sha256(f"{asked.seed} {at}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def _number(name: str, schema: dict[str, Any], *, whole: bool) -> Maker:
    least, most = _limits(schema, whole=whole)
    step = schema.get("multipleOf")
    fixed: float = min(max(0.0, least), most)
    if isinstance(step, (int, float)) and step > 0:
        fixed = math.ceil(fixed / step) * step
    value: float = int(fixed) if whole else fixed
    if name not in SEEDS:
        return lambda _asked, _at: value
    low, high = max(int(max(least, 0)), 0), int(min(most, _LARGEST_SEED))
    return lambda asked, at: low + (asked.seed + at) % (high - low + 1) if high > low else value


def _limits(schema: dict[str, Any], *, whole: bool) -> tuple[float, float]:
    """The least and the greatest number that a schema takes."""
    least, most = _finite(schema.get("minimum"), -math.inf), _finite(schema.get("maximum"), math.inf)
    above, below = _finite(schema.get("exclusiveMinimum"), -math.inf), _finite(schema.get("exclusiveMaximum"), math.inf)
    if above >= least and above > -math.inf:
        least = math.floor(above) + 1 if whole else above + _step(above, min(most, below))
    if below <= most and below < math.inf:
        most = math.ceil(below) - 1 if whole else max(least, below - _step(least, below))
    return least, most


def _step(low: float, high: float) -> float:
    return min(1.0, (high - low) / 2) if math.isfinite(low) and math.isfinite(high) else 1.0


def _finite(value: Any, otherwise: float) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if number else otherwise


def _length(value: Any, otherwise: int) -> int:
    return (
        min(value, _MOST_CHARACTERS)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0
        else otherwise
    )


def _has_url(value: Any, depth: int = 0) -> bool:
    if isinstance(value, str):
        return value.startswith(("http://", "https://"))
    if depth > 20 or not isinstance(value, (dict, list)):
        return depth > 20
    return any(_has_url(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value))
