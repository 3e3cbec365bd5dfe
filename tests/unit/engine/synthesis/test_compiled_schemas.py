from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.synthesis import compiled_schemas
from falmock.engine.synthesis.compiled_schemas import CompiledSchemas
from falmock.wire.model_document import model_document


def document(name: str) -> dict[str, Any]:
    sent = {"type": "object", "properties": {"a": {"type": "integer"}}}
    return model_document(name, "llm", sent, {"type": "object", "properties": {"b": {"type": "string"}}}, "")


def test_each_document_is_compiled_once() -> None:
    compiled = CompiledSchemas()
    one, two = document("a/b"), document("a/b")
    assert compiled.check(one, "a/b") is compiled.check(one, "a/b")
    assert compiled.check(one, "a/b") is not compiled.check(two, "a/b")
    assert compiled.maker(one, "a/b") is compiled.maker(one, "a/b")
    assert compiled.maker(one, "a/b").can_make
    assert not compiled.maker(None, "a/b").can_make
    assert compiled.maker(None, "a/b", "text-to-video").can_make
    assert not compiled.maker(None, "a/b").can_make


def test_a_document_that_checks_nothing_is_told_once() -> None:
    compiled = CompiledSchemas()
    assert compiled.check({"paths": {}}, "a/b") is None
    assert compiled.take_trouble("a/c") == ""
    assert compiled.take_trouble("a/b").startswith("the schema of a/b checks nothing: ")
    assert compiled.take_trouble("a/b") == ""
    assert compiled.check({"paths": {}}, "a/b") is None


def test_what_was_fine_is_known_for_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = CompiledSchemas()
    one, other = compiled.check(document("a/b"), "a/b"), compiled.check(document("a/c"), "a/c")
    assert one is not None
    assert other is not None
    compiled.note_fine(one, '{"a":1}')
    assert compiled.is_fine(one, '{"a":1}')
    assert not compiled.is_fine(one, '{"a":2}')
    assert not compiled.is_fine(other, '{"a":1}')
    for text in ('{"a":{"$file":"sha256:00"}}', "x" * 5000):
        compiled.note_fine(one, text)
        assert not compiled.is_fine(one, text)
    monkeypatch.setattr(compiled_schemas, "LIMIT", 1)
    compiled.note_fine(one, "2")
    assert not compiled.is_fine(one, '{"a":1}')


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_schemas, "LIMIT", 2)
    compiled = CompiledSchemas()
    first = document("a/b")
    check = compiled.check(first, "a/b")
    for name in ("a/c", "a/d"):
        compiled.check(document(name), name)
    assert compiled.check(first, "a/b") is not check
