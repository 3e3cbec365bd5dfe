"""What is known of a model, to make its answers by."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine import context as context_
from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import Query
from falmock.synthesis.outputs.made import Origin
from falmock.wire.model_document import model_document
from unit.engine.calls import Client

OUTPUT = {"type": "object", "properties": {"text": {"type": "string"}}}
LISTED = {"models": [{"endpoint_id": "acme/listed", "metadata": {"category": "text-to-video"}}]}
RECORDED = {
    "match": {"host": "api.fal.ai", "path": "/v1/models", "method": "GET"},
    "response": {"json": LISTED},
}


@pytest.fixture
def context() -> context_.Context:
    client = Client(RECORDED, misses=Misses.SYNTHESIZE)
    files = client.engine._files
    schemas = {"acme/known": model_document("acme/known", "", {}, OUTPUT, "")}
    client.engines.use_fixtures(Index(files.fixtures, files.assets, schemas=schemas))
    return client.engine._context


@pytest.mark.parametrize(
    ("name", "origin", "key"),
    [
        ("acme/known", Origin.SCHEMA, "text"),
        ("acme/known/stream", Origin.SCHEMA, "text"),
        ("acme/listed", Origin.GUESS, "video"),
        ("fal-ai/flux/dev", Origin.GUESS, "images"),
    ],
)
def test_what_outputs_are_made_by(context: context_.Context, name: str, origin: Origin, key: str) -> None:
    made: Any = context.maker(name).make({})
    assert (made.origin, context.makes(name)) == (origin, True)
    assert key in made.payload


def test_nothing_is_made_of_nothing_nor_where_it_is_not_asked_for(context: context_.Context) -> None:
    assert not context.makes("acme/unheard-of")
    context.config = Config()
    assert not context.makes("acme/known")
    context.config = Config(misses=Misses.SYNTHESIZE, mode=Mode.AUTO)
    assert not context.makes("acme/known")


def test_without_other_scopes_nothing_else_would_answer() -> None:
    assert context_.nowhere(Query("a/b", "POST", {}, "{}", None), ()) == []
