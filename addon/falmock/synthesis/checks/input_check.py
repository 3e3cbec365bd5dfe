"""Checks an input as fal does: with pydantic-core, by a schema that is made from the model's document.

The verdicts, the words, their order and the coerced values are those of the installed pydantic-core; an app at fal may have
another release of it.
"""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

from falmock.synthesis.checks import detail
from falmock.synthesis.checks.core_schema import Translation
from falmock.synthesis.checks.core_schema import Unresolvable
from falmock.synthesis.checks.core_schema import translation
from falmock.synthesis.checks.detail import Problem
from falmock.synthesis.checks.known_keys import may_have_unknown
from falmock.synthesis.checks.known_keys import unknown

_OF_JSON = frozenset({str, int, float, bool, type(None)})


class Checked(NamedTuple):
    """What fal would say of an input.

    `problems` is the `detail` of its 422, empty if it takes the input. `value` is the input as the model gets it, with
    defaults and coerced values, as JSON has it; {} if there are problems. `unknown` has the path of each key that the
    schema does not know and that fal ignores, with a hint at the key that was meant, or "".
    """

    problems: list[Problem]
    value: dict[str, Any]
    unknown: tuple[tuple[str, str], ...]


def input_check(document: Any, endpoint: str) -> InputCheck:
    """The check of an endpoint's inputs by a model's OpenAPI document. Raises Unresolvable, which says what is missing.

    It imports pydantic-core, which takes a moment.
    """
    from pydantic_core import SchemaError

    try:
        return InputCheck(translation(document, endpoint))
    except SchemaError:  # most likely a pattern in another dialect, which pydantic could not check either
        try:
            return InputCheck(translation(document, endpoint, patterns=False))
        except SchemaError as error:
            reason = " ".join(str(error).split())[:300]
            raise Unresolvable(f"the schema of the input of {endpoint} is not valid: {reason}") from None


class InputCheck:
    """Checks inputs by one schema."""

    __slots__ = ("_error", "_known", "_rough", "_validate")

    def __init__(self, translated: Translation) -> None:
        """Raises pydantic_core.SchemaError."""
        from pydantic_core import SchemaValidator
        from pydantic_core import ValidationError

        self._validate = SchemaValidator(translated.core).validate_python
        self._error = ValidationError
        self._rough = translated.rough
        self._known = translated.known

    def check(self, value: Any) -> Checked:
        """What fal would say of a parsed body."""
        if value is None:
            return Checked([detail.missing_body()], {}, ())
        told = unknown(value, self._known) if may_have_unknown(value, self._known) else ()
        try:
            accepted = self._validate(value, from_attributes=True)
        except self._error as error:
            return Checked(detail.problems_of(self._listed(error, value)), {}, told)
        except TypeError:  # releases of pydantic-core before `set_item_not_hashable`: FastAPI answers 500
            return Checked([], value, told)
        fields = _fields(accepted)
        for name in self._rough:
            if fields[name].__class__ not in _OF_JSON:
                fields[name] = _as_json(fields[name])
        return Checked([], fields, told)

    def _listed(self, error: Any, value: Any) -> list[Any]:
        """The errors. If there are a great many, those of the first items of each list, for a kilobyte an error adds up."""
        if error.error_count() > detail.MAX_PROBLEMS:
            try:
                self._validate(_shortened(value), from_attributes=True)
            except self._error as fewer:
                error = fewer
        found: list[Any] = error.errors(include_url=False)
        return found


def _shortened(value: Any) -> Any:
    """A value with the first items of each list."""
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value[: detail.MAX_PROBLEMS]] if isinstance(value, list) else value


def _fields(model: Any) -> dict[str, Any]:
    """The fields of an accepted model, and further keys if it takes them; {} for anything else."""
    extra = getattr(model, "__pydantic_extra__", None)
    fields: dict[str, Any] = getattr(model, "__dict__", {})
    return {**fields, **extra} if extra else fields


def _as_json(value: Any) -> Any:
    """An accepted value as JSON has it: models, URLs, sets, bytes and times are values of their own in pydantic."""
    kind = value.__class__
    if kind in _OF_JSON:
        return value
    if kind is list:
        return [_as_json(item) for item in value]
    if kind is dict:
        return {key: _as_json(item) for key, item in value.items()}
    if hasattr(value, "__pydantic_fields_set__"):
        return {key: _as_json(item) for key, item in _fields(value).items()}
    if kind is set:  # in no order; the same input is to give the same value
        return sorted((_as_json(item) for item in value), key=repr)
    if kind is bytes:
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
