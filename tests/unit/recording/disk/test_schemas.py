"""The documents of models below a fixtures folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.recording.disk.schemas import NotADocument
from falmock.recording.disk.schemas import SchemaFolder
from falmock.recording.disk.schemas import document_of
from falmock.wire.model_document import made_up
from falmock.wire.model_document import model_document

TEXT = '{"openapi": "3.0.4", "paths": {}, "a": 1.0, "b": 18446744073709551616, "c": 1e400, "d": "\\u00e9"}'


def test_a_document_is_written_where_loading_reads_it(tmp_path: Path) -> None:
    folder = SchemaFolder(tmp_path)
    file = folder.write("a/b/c", document_of(TEXT.encode(), "a/b/c"))
    assert file == folder.file("a/b/c") == tmp_path / "_schemas" / "a" / "b" / "c.json"
    assert FixtureLoader([str(tmp_path)]).load().index.schemas["a/b/c"] == json.loads(TEXT)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["c.json"]


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    text = SchemaFolder(tmp_path).write("a/b", document_of(TEXT.encode(), "a/b")).read_text("utf-8")
    assert all(part in text for part in ('"a": 1.0', '"b": 18446744073709551616', '"c": 1e400', '"d": "é"'))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"null", "$: expected an OpenAPI document, found null"),
        (b'{"paths": 3}', "$.paths: expected the object of an OpenAPI document, found 3"),
        (b"{", "line 1: expected JSON, found an error"),
        (
            json.dumps(made_up(model_document("a/b", "", {}, {}, ""))).encode(),
            "expected fal's own document, found one that a falmock made of its fixtures",
        ),
        (b"<html>", "line 1: expected JSON, found an error"),
    ],
)
def test_what_is_no_document(raw: bytes, message: str) -> None:
    with pytest.raises(NotADocument) as found:
        document_of(raw, "a/b")
    assert str(found.value).startswith(message)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "_schemas").write_text("a file")
    with pytest.raises(OSError, match="_schemas"):
        SchemaFolder(tmp_path).write("a/b", {})
