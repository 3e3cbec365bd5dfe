"""Where documents came from."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.wire import provenance
from falmock.wire.provenance import Provenance

DOCUMENT: dict[str, Any] = {"openapi": "3.0.4", "info": {"title": "A"}, "paths": {}}
FETCHED = Provenance(provenance.FETCHED, "https://fal.ai", "2026-11-01T10:00:00Z")


def test_what_is_written_is_read() -> None:
    document = provenance.marked(DOCUMENT, FETCHED)
    assert provenance.of(document) == FETCHED
    assert provenance.plain(document) == DOCUMENT
    assert list(document) == list(DOCUMENT)
    assert document["info"]["x-falmock"] == {
        "source": "fetched",
        "from": "https://fal.ai",
        "at": "2026-11-01T10:00:00Z",
    }


def test_a_document_without_is_a_file_and_stays_as_it_is() -> None:
    assert provenance.of(DOCUMENT) == Provenance("file", "", "")
    assert provenance.plain(DOCUMENT) is DOCUMENT


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"info": 3},
        {"info": {"x-falmock": 3}},
        {"info": {"x-falmock": {"source": "elsewhere"}}},
        {"info": {"x-falmock": {"source": ["fetched"]}}},
    ],
)
def test_what_is_no_provenance(document: Any) -> None:
    assert provenance.of(document) == Provenance()


def test_parts_that_are_no_texts_do_not_count() -> None:
    assert provenance.of({"info": {"x-falmock": {"source": "types", "from": 3, "at": []}}}) == Provenance("types")


def test_a_document_whose_info_is_no_object_gets_none() -> None:
    assert provenance.marked({"info": 3, "paths": {}}, FETCHED) == {"info": 3, "paths": {}}
    assert provenance.of(provenance.marked({"paths": {}}, FETCHED)) == FETCHED


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (FETCHED, "fetched 2026-11-01"),
        (FETCHED._replace(source="recorded", at=""), "recorded"),
        (FETCHED._replace(source="platform"), "recorded 2026-11-01"),
        (
            Provenance("types", "@fal-ai/client 1.10.1", "2026-11-01"),
            "made of the types of @fal-ai/client 1.10.1 2026-11-01",
        ),
        (Provenance("types"), "made of types"),
        (Provenance(), "a file"),
    ],
)
def test_in_messages(found: Provenance, text: str) -> None:
    assert str(found) == text
    assert provenance.source_text(provenance.marked(DOCUMENT, found)) == text
