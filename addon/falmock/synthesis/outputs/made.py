"""Makes the output of a model that nobody recorded: by its schema, or by what its family answers with."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs import texts
from falmock.synthesis.outputs.asked import MOST_FILES
from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.families import family_of
from falmock.synthesis.outputs.family_schemas import FAMILY_SCHEMAS
from falmock.synthesis.outputs.normal import Normal
from falmock.synthesis.outputs.normal import normal
from falmock.synthesis.outputs.simple import Maker
from falmock.synthesis.outputs.walk import maker_of
from falmock.wire.model_document import input_schema
from falmock.wire.model_document import output_schema

_STREAM = "/stream"


class Origin(enum.Enum):
    """What a made output was made by."""

    SCHEMA = "schema"
    GUESS = "guess"


class Made(NamedTuple):
    """A made output.

    `files` are the recipes of the files in it by their URL's path: a file is made when it is read. `why` says what it
    was made by. `events` are those of a stream, the whole output last. `notes` say what of the input was not honoured.
    """

    payload: Any
    files: Mapping[str, Recipe]
    origin: Origin
    why: str
    events: tuple[Any, ...]
    notes: tuple[str, ...]


class OutputMaker:
    """Makes outputs of one model: its schemas are read once, which takes far longer than to make an output.

    `can_make` is False if no schema has an output and no family is known: such a call stays a miss.
    """

    def __init__(self, document: Any, endpoint: str, category: str | None = None) -> None:
        self._endpoint = endpoint
        name, schema = _output(document, endpoint)
        sent = normal(document, input_schema(document, name))
        self._defaults, self._most_files = _defaults(document, sent), _most_files(document, sent)
        inputs = frozenset(sent.properties) or None
        self.origin = Origin.SCHEMA
        self._why = f"made by the schema of {name}"
        self._make: Maker | None = None
        if schema is not None:
            self._make = maker_of(document, schema, inputs)
            return
        category = category or _category(document)
        family = family_of(endpoint, category)
        if family is not None:
            self.origin = Origin.GUESS
            self._why = f"guessed from the {f'category {category}' if category else 'endpoint id'}: {family.value}"
            self._make = maker_of(None, FAMILY_SCHEMAS[family], inputs)

    @property
    def can_make(self) -> bool:
        """Whether there is anything to make outputs by."""
        return self._make is not None

    def make(self, given: Mapping[str, Any], accepted: Mapping[str, Any] | None = None, text: str = "") -> Made | None:
        """The output for an input; `accepted` is the input with the model's defaults, if that is known.

        Equal inputs give equal outputs: those with the same `text`, if that is given, or whose JSON is the same. None if
        nothing can be made.
        """
        if self._make is None:
            return None
        values = accepted if accepted is not None else ({**self._defaults, **given} if self._defaults else given)
        asked = Asked(self._endpoint, given, values, self._most_files, text)
        payload = self._make(asked, 0)
        return Made(payload, asked.files, self.origin, self._why, texts.events(payload), tuple(asked.notes))


def made_output(
    document: Any | None,
    endpoint: str,
    given: Mapping[str, Any],
    *,
    category: str | None = None,
    accepted: Mapping[str, Any] | None = None,
) -> Made | None:
    """The output of one call, as `OutputMaker` makes it; None if nothing can be made."""
    return OutputMaker(document, endpoint, category).make(given, accepted)


def _output(document: Any, endpoint: str) -> tuple[str, Any]:
    """The output schema that says something, and the id that has it: a stream may have the document of its model."""
    for name in dict.fromkeys((endpoint, endpoint.removesuffix(_STREAM))):
        schema = output_schema(document, name)
        found = normal(document, schema)
        if found.schema.keys() - {"title", "description"}:
            return name, schema
    return endpoint, None


def _category(document: Any) -> str | None:
    info = document.get("info") if isinstance(document, dict) else None
    metadata = info.get("x-fal-metadata") if isinstance(info, dict) else None
    category = metadata.get("category") if isinstance(metadata, dict) else None
    return category if isinstance(category, str) else None


def _defaults(document: Any, sent: Normal) -> dict[str, Any]:
    found = {name: normal(document, each).schema for name, each in sent.properties.items()}
    return {name: schema["default"] for name, schema in found.items() if schema.get("default") is not None}


def _most_files(document: Any, sent: Normal) -> int:
    most = normal(document, sent.properties.get("num_images")).schema.get("maximum")
    return min(max(int(most), 1), MOST_FILES) if isinstance(most, (int, float)) and abs(most) < 1e9 else MOST_FILES
