"""The parameters of the OpenAI images API: their types, their limits, and which of them a model may have an input for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.gateway.openai import errors
from falmock.gateway.openai.errors import RefusedCall
from falmock.wire.formats import jsontext
from falmock.wire.formats.multipart import Part


class Kind(Enum):
    """The type of a parameter, as error messages name it."""

    TEXT = "a string"
    INTEGER = "an integer"
    BOOLEAN = "a boolean"
    OBJECT = "an object"
    FILE = "a file"


class Parameter(NamedTuple):
    """A parameter: its type, its limits if it is an integer, and the values that it may have (empty: any).

    `is_option` says that a model gets it if the model has an input of the same name. No other way leads from here into a
    model's input.
    """

    kind: Kind = Kind.TEXT
    least: int = 0
    most: int = 2**64 - 1
    choices: tuple[str, ...] = ()
    is_option: bool = False


_TYPES: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.OBJECT: dict}
# `quality` and its like have no choices here: models of fal have values of their own for them.
_OPTION = Parameter(is_option=True)

PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "prompt": Parameter(),
        "model": Parameter(),
        "image": Parameter(Kind.FILE),
        "mask": Parameter(Kind.FILE),
        "markup": Parameter(Kind.FILE),
        "n": Parameter(Kind.INTEGER, 1, 10),
        "size": Parameter(),
        "stream": Parameter(Kind.BOOLEAN),
        "partial_images": Parameter(Kind.INTEGER, 0, 3),
        "response_format": Parameter(choices=("url", "b64_json")),
        "output_format": Parameter(choices=("png", "jpeg", "webp", "gif", "svg")),
        "background": _OPTION,
        "complexity": _OPTION,
        "frame_count": Parameter(Kind.INTEGER, 2, 16, is_option=True),
        "frame_duration_ms": Parameter(Kind.INTEGER, 1, is_option=True),
        "input_fidelity": _OPTION,
        "moderation": _OPTION,
        "output_compression": Parameter(Kind.INTEGER, 0, 100, is_option=True),
        "quality": _OPTION,
        "style": _OPTION,
        "svg": Parameter(Kind.OBJECT, is_option=True),
        "safety_identifier": Parameter(),
        "user": Parameter(),
    }
)
"""OpenAI's parameters, as the SDKs declare them."""
SEED = "seed"
_KNOWN: Mapping[str, Parameter] = MappingProxyType({**PARAMETERS, SEED: Parameter(Kind.INTEGER)})
"""OpenAI's parameters and `seed`, which OpenAI does not have. Any other parameter is the model's own."""


def is_known(name: str) -> bool:
    """Whether a parameter is not the model's own. In a form, `svg[model]` is a part of `svg`."""
    return name.partition("[")[0] in _KNOWN


def options_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for which a model may have an input of the same name."""
    return {name: given[name] for name, parameter in PARAMETERS.items() if parameter.is_option and name in given}


def check(given: Mapping[str, Any]) -> None:
    """Check types and limits as OpenAI does. Raises RefusedCall."""
    for name, value in given.items():
        base, bracket, _ = name.partition("[")
        parameter = _KNOWN.get(base)
        if parameter is None:
            continue
        if not bracket:
            _check_value(name, parameter, value)
        elif parameter.kind is not Kind.OBJECT:
            raise errors.unknown(name)


def _check_value(name: str, parameter: Parameter, value: Any) -> None:
    if type(value) is not _TYPES.get(parameter.kind):
        raise errors.wrong_type(name, parameter.kind.value, value)
    if parameter.kind is Kind.INTEGER:
        _check_limits(name, parameter, value)
    if parameter.choices and value not in parameter.choices:
        *first, last = (f"'{choice}'" for choice in parameter.choices)
        raise errors.wrong_value(name, value, f"{', '.join(first)} and {last}")


def _check_limits(name: str, parameter: Parameter, value: int) -> None:
    if value < parameter.least:
        found, expected, code = "below minimum", f">= {parameter.least}", "integer_below_min_value"
    elif value > parameter.most:
        found, expected, code = "above maximum", f"<= {parameter.most}", "integer_above_max_value"
    else:
        return
    text = f"Expected a value {expected}, but got {str(value)[:40]} instead."
    raise RefusedCall(f"Invalid '{name}': integer {found} value. {text}", param=name, code=code)


def of_field(part: Part) -> Any:
    """The value of a field of a form. All are text, so numbers and booleans are recognized by their form."""
    text = part.data.decode("utf-8", "replace")
    if not is_known(part.name) or _KNOWN.get(part.name, Parameter()).kind is Kind.INTEGER:
        value = jsontext.value_of(part.data)
        return value if isinstance(value, int | float) else text
    return {"true": True, "false": False}.get(text, text) if part.name == "stream" else text
