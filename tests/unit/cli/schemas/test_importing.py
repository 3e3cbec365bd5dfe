"""`falmock schemas import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import main as main_
from falmock.cli.schemas import importing
from falmock.wire import provenance

TYPES = """
export type DevInput = { prompt: string; /** How many. Default value: `1` */ num_images?: number; };
export type DevOutput = { images: Array<{ url: string; }>; };
export type EndpointTypeMap = {
    "a/b": { input: DevInput; output: DevOutput; };
    "a/c": { input: DevInput; output: DevOutput; };
    "a/unknown": { input: unknown; output: unknown; };
};
"""


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app with the client and fixtures, which is the current folder."""
    package = tmp_path / "node_modules/@fal-ai/client"
    (package / "src/types").mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@fal-ai/client", "version": "1.2.3"}')
    (package / "src/types/endpoints.d.ts").write_text(TYPES)
    (tmp_path / "fixtures").mkdir()
    entries = [{"match": {"model": "a/b/stream"}, "response": {"json": {}}}]
    (tmp_path / "fixtures/f.json").write_text(json.dumps({"fixtures": entries}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    return main_.main(["schemas", "import", *words])


def schema(app: Path, name: str, folder: str = "fixtures") -> Any:
    return json.loads((app / folder / "_schemas" / f"{name}.json").read_text())


def test_those_that_the_fixtures_name(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert capsys.readouterr().out == "schemas: 1 written to fixtures/_schemas\n"
    document = schema(app, "a/b")
    source, origin, at = provenance.of(document)
    assert (source, origin, len(at)) == ("types", "@fal-ai/client 1.2.3", 20)
    given = document["components"]["schemas"]["BInput"]
    assert given["required"] == ["prompt"]
    assert given["properties"]["num_images"] == {"type": "number", "description": "How many.", "default": 1}
    assert "the types of @fal-ai/client 1.2.3" in document["info"]["description"]


def test_given_ids_and_all(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("a/c", "a/none", "a/unknown", "--into", "x") == 1
    place = "@fal-ai/client 1.2.3 (" + str(app / "node_modules/@fal-ai/client/src/types/endpoints.d.ts") + ")"
    assert capsys.readouterr().err == (
        f"falmock: a/none: it is not in the types of {place}\n"
        f"falmock: a/unknown: it takes and returns anything, by the types of {place}\n"
    )
    assert run("--all", "--into", "y") == 1
    assert sorted(path.name for path in (app / "y").rglob("*.json")) == ["b.json", "c.json"]
    assert schema(app, "a/c", "x")["paths"].keys() == schema(app, "a/c", "y")["paths"].keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type A = #", "line 1, column 10: expected TypeScript, found '#'. falmock schemas fetch does without types"),
        ("type A = string;", "expected types of endpoints (EndpointTypeMap), found none"),
    ],
)
def test_types_that_are_not_understood(app: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    (app / "x.d.ts").write_text(text)
    assert run("a/b", "--types", "x.d.ts") == 2
    assert capsys.readouterr().err == f"falmock: x.d.ts: {message}\n"


def test_files_that_are_not_read(
    app: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "x.d.ts").write_bytes(b"\xff")
    assert run("a/b", "--types", "x.d.ts") == 2
    assert "x.d.ts: cannot be read: 'utf-8' codec" in capsys.readouterr().err
    monkeypatch.setattr(importing, "MAX_FILE", 0)
    assert run("a/b", "--types", "x.d.ts") == 2
    assert "x.d.ts: expected at most 0 MiB of types" in capsys.readouterr().err


def test_bad_arguments(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("a/b", "--types", "nowhere") == 2
    assert "--types nowhere: expected a file of types" in capsys.readouterr().err
    (app / "fixtures/f.json").unlink()
    assert run() == 2
    assert "expected endpoint ids, --from with fixtures that name some, or --all, found none" in capsys.readouterr().err
    assert run("--from", "nowhere") == 2
