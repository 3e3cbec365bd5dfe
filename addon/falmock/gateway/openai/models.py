"""The models of the OpenAI images API: those of an option, or those with fixtures, or made answers, that have images."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import is_glob
from falmock.fixtures.model import Fixture
from falmock.wire import endpoint as endpoint_ids
from falmock.wire.formats import jsontext
from falmock.wire.model_document import fields_of

FORMS = "alias:endpoint id, such as flux-dev:fal-ai/flux/dev, or an endpoint id alone; several by commas"
_IMAGES = ("images", "image")
"""The keys of outputs that have images."""
Models = tuple[tuple[str, str], ...]
"""Model names and their endpoint ids, in the order they were given."""


class BadModels(ValueError):
    """A text that is not a list of models; the message says what was expected."""


def parse(texts: Iterable[str]) -> Models:
    """The models in texts of the form `alias:endpoint id,...`. Raises BadModels."""
    models: dict[str, str] = {}
    for entry in (entry.strip() for text in texts for entry in text.split(",")):
        if not entry:
            continue
        alias, colon, name = (part.strip() for part in entry.partition(":"))
        name = name if colon else alias
        try:
            endpoint = str(endpoint_ids.parse(name))
        except endpoint_ids.BadEndpointId as error:
            raise BadModels(f"expected {FORMS}; found {entry!r}: {error}") from None
        if not alias:
            raise BadModels(f"expected {FORMS}; found {entry!r}, which has no alias")
        if models.setdefault(alias, endpoint) != endpoint:
            raise BadModels(f"the alias {alias!r} stands for both {models[alias]} and {endpoint}")
    return tuple(models.items())


def of_index(index: Index, *, makes_answers: bool = False) -> Models:
    """Every endpoint id whose fixtures answer images, or only errors, as a model of the same name.

    With `makes_answers`, also those whose schemas have images in the output.
    """
    made: dict[str, set[str]] = {}
    for fixture in index.fixtures:
        model = fixture.match.model
        if model is not None and not is_glob(model) and not fixture.only_frames:
            made.setdefault(model, set()).add(_makes(fixture))
    found = {model for model, kinds in made.items() if "images" in kinds or kinds == {"errors"}}
    if makes_answers:
        known = ((each.endpoint, fields_of(each.document, each.endpoint)[1]) for each in index.documents)
        found |= {endpoint for endpoint, names in known if not names.isdisjoint(_IMAGES)}
    return tuple((model, model) for model in sorted(found))


def _makes(fixture: Fixture) -> str:
    if fixture.answer.status >= 400:
        return "errors"
    return "images" if images_in(jsontext.value_of(fixture.answer.body)) else "others"


def images_in(output: Any) -> list[str]:
    """The URLs of the images in a model's output, in order."""
    if not isinstance(output, dict):
        return []
    for name in _IMAGES:
        value = output.get(name)
        found = [_url(each) for each in (value if isinstance(value, list) else [value])]
        if urls := [url for url in found if url]:
            return urls
    return []


def _url(image: Any) -> str:
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) else ""


def described(name: str, endpoint: str) -> dict[str, Any]:
    """A model as `/v1/models` shows it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": endpoint_ids.parse(endpoint).owner}
