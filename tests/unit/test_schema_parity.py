"""scripts/schema_parity.py compares falmock's checks of inputs with pydantic's."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from falmock.synthesis.checks.input_check import input_check
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import WRITTEN
from unit.synthesis.checks.written_models import component
from unit.synthesis.checks.written_models import document

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "schema_parity.py"


def schema(kind: str) -> dict[str, Any]:
    return document(component("Input", seed={"type": kind}), {})


class Script:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        monkeypatch.setattr(sys, "path", sys.path[:])
        self.found = runpy.run_path(str(SCRIPT))
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._folder = folder

    def write(self, name: str, value: Any) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")

    def run(self, *arguments: str) -> tuple[int | str | None, str]:
        self._monkeypatch.setattr(sys, "argv", ["schema-parity", str(self._folder), "--inputs", "20", *arguments])
        try:
            status: int | str | None = self.found["main"]()
        except SystemExit as error:
            status = error.code
        shown = self._capsys.readouterr()
        return status, shown.out + shown.err


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Script:
    return Script(monkeypatch, capsys, tmp_path)


def test_documents_in_files_and_in_pages_of_the_platform_api(script: Script) -> None:
    for place, name in enumerate(name for name in WRITTEN if "other" not in name):
        script.write(f"acme/{place}.json", WRITTEN[name].document)
    script.write("page.json", {"models": [{"openapi": schema("integer")}, {"openapi": {"error": {}}}, {}]})
    script.write("list.json", [])
    script.write("lost.json", document({"$ref": "#/components/schemas/Lost"}, {}))
    status, shown = script.run()
    assert f"{len(WRITTEN)} documents, 2 of them without an input that can be checked; " in shown
    assert "cannot be checked: acme/painter/v2: maximum recursion depth exceeded" in shown
    assert "cannot be checked: acme/painter/v2: the input of acme/painter/v2 is '#/components/schemas/Lost'" in shown
    assert (status, "; 0 verdicts, 0 bodies and 0 accepted values differ; 0 documents" in shown) == (0, True)


def test_differences_are_shown_and_counted(script: Script) -> None:
    script.write("a.json", schema("integer"))
    script.found["main"].__globals__["input_check"] = lambda *_: input_check(schema("string"), ENDPOINT)
    status, shown = script.run("--examples", "2")
    assert status == 1
    assert shown.count("pydantic: ") == shown.count("falmock:  ") == 2
    assert "; 1 documents with differences" in shown


def test_a_folder_without_documents_and_one_with_a_broken_file(script: Script) -> None:
    status, shown = script.run()
    assert (status, "there is no OpenAPI document of a model in" in shown) == (2, True)
    script.write("a.json", "{")
    status, _ = script.run()
    assert "a.json cannot be read: Expecting property name" in str(status)
