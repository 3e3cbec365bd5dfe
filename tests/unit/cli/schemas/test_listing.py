"""`falmock schemas list`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falmock.cli import main as main_
from falmock.cli.schemas import listing
from falmock.recording.disk.schemas import SchemaFolder
from falmock.wire import provenance
from falmock.wire.model_document import model_document
from falmock.wire.provenance import Provenance

FETCHED = Provenance("fetched", "https://fal.ai", "2026-11-01T10:00:00Z")


def test_a_line_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = SchemaFolder(tmp_path / "fixtures")
    for name, inputs in (("a/b/c", {"prompt": {}, "seed": {}}), ("d/e", {"prompt": {}})):
        document = model_document(name, "", {"properties": inputs}, {}, "")
        folder.write(name, provenance.marked(document, FETCHED) if name == "a/b/c" else document)
    recorded = {
        "match": {"host": "fal.ai", "path": "/api/openapi/queue/openapi.json", "input": {"endpoint_id": "x/y"}},
        "response": {"json": model_document("x/y", "", {}, {}, "")},
    }
    named = {"match": {"model": "m/n"}, "response": {"json": {}}}
    (tmp_path / "fixtures/f.json").write_text(json.dumps({"fixtures": [recorded, named]}))
    assert main_.main(["schemas", "list"]) == 0
    assert capsys.readouterr().out == (
        "a/b/c  fetched 2026-11-01             2 inputs\n"
        "d/e    a file                         1 input\n"
        "x/y    recorded, ./fixtures/f.json#0  0 inputs\n"
        "without one: m/n (falmock schemas fetch --from FIXTURES fetches them)\n"
    )


def test_an_input_that_cannot_be_resolved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = model_document("a/b", "", {}, {}, "")
    del document["components"]["schemas"]["BInput"]
    SchemaFolder(tmp_path).write("a/b", document)
    assert main_.main(["schemas", "list", str(tmp_path)]) == listing.wanted.FAILED
    assert capsys.readouterr().out == "a/b  a file  its input cannot be resolved\n"


def test_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["schemas", "list", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no schemas\n"
    assert main_.main(["schemas", "list", str(tmp_path / "nowhere")]) == 2
    assert "expected a folder or file of fixtures" in capsys.readouterr().err
