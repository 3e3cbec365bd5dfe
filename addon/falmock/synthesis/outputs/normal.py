"""One form for the ways in which a schema says the same: references, `allOf`, `anyOf` with null, lists of types."""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

from falmock.wire.model_document import resolved

_MOST_STEPS = 40
_CHOICES = ("anyOf", "oneOf")
_WITHOUT_LIMITS = frozenset(
    {"type", "title", "description", "examples", "default", "nullable", "items", "minItems", "maxItems"}
)


class Normal(NamedTuple):
    """A schema without references and choices.

    `title` is that of the class that it refers to, or its own; `references` are those that were followed.
    """

    schema: dict[str, Any]
    nullable: bool
    title: str
    references: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its JSON type; empty if it has none."""
        kind = self.schema.get("type")
        if isinstance(kind, str):
            return kind
        return "object" if isinstance(self.schema.get("properties"), dict) else ""

    @property
    def has_limits(self) -> bool:
        """Whether it says more than a type, and how long a list is: one value may fit, and another of its type not."""
        return not self.schema.keys() <= _WITHOUT_LIMITS

    @property
    def properties(self) -> dict[str, Any]:
        """The properties of an object, in the order of the class."""
        found = self.schema.get("properties")
        properties: dict[str, Any] = found if isinstance(found, dict) else {}
        order = self.schema.get("x-fal-order-properties")
        first = (
            [name for name in order if isinstance(name, str) and name in properties] if isinstance(order, list) else []
        )
        return {name: properties[name] for name in (*first, *properties)}

    @property
    def required(self) -> frozenset[str]:
        """The names of the properties that it must have."""
        found = self.schema.get("required")
        return frozenset(name for name in found if isinstance(name, str)) if isinstance(found, list) else frozenset()


def normal(document: Any, schema: Any) -> Normal:
    """The normal form of a schema in its document: of a choice, the first option that is not null.

    What is beside a reference or a choice counts before what is in it. What cannot be resolved may be anything.
    """
    own: dict[str, Any] = {}
    nullable = False
    title = ""
    references: list[str] = []
    current = schema
    for _ in range(_MOST_STEPS):
        if not isinstance(current, dict):
            break
        own = _merged(current, own)
        reference, current = current.get("$ref"), None
        if isinstance(reference, str):
            references.append(reference)
            current = resolved(document, {"$ref": reference})
            found = current.get("title") if isinstance(current, dict) else None
            title = found if isinstance(found, str) else reference.rpartition("/")[2]
        elif own.get("allOf"):
            parts = own.pop("allOf")
            current = _all_of(document, parts) if isinstance(parts, list) else None
        else:
            for key in _CHOICES:
                if key in own:
                    options = own.pop(key)
                    kept = [each for each in options if not _is_null(each)] if isinstance(options, list) else []
                    nullable = nullable or (isinstance(options, list) and len(kept) < len(options))
                    current = kept[0] if kept else None
                    break
        if current is None:
            break
    kinds = own.get("type")
    if isinstance(kinds, list):
        nullable = nullable or "null" in kinds
        own["type"] = next((each for each in kinds if isinstance(each, str) and each != "null"), "null")
    own.pop("$ref", None)
    nullable = nullable or own.get("nullable") is True or own.get("type") == "null"
    own_title = own.get("title")
    return Normal(own, nullable, title or (own_title if isinstance(own_title, str) else ""), tuple(references))


def _all_of(document: Any, parts: list[Any]) -> Any:
    """The parts of `allOf` as one schema; a single one stays as it is, a reference."""
    if len(parts) == 1:
        return parts[0]
    together: dict[str, Any] = {}
    for part in parts[:_MOST_STEPS]:
        found = resolved(document, part)
        if isinstance(found, dict):
            together = _merged(found, together)
    return together


def _merged(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    """Two schemas that hold at the same time: the outer one's keywords count, properties and `required` are united."""
    merged = {**inner, **outer}
    if isinstance(inner.get("properties"), dict) and isinstance(outer.get("properties"), dict):
        merged["properties"] = {**inner["properties"], **outer["properties"]}
    if isinstance(inner.get("required"), list) and isinstance(outer.get("required"), list):
        merged["required"] = [*inner["required"], *outer["required"]]
    return merged


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"
