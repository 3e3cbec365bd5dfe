"""Which schemas are wanted, and how they are written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from falmock.cli.schemas import wanted
from falmock.cli.schemas.wanted import Failed
from falmock.cli.schemas.wanted import NotWanted
from falmock.recording.disk.schemas import SchemaFolder


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    wanted.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    entries = [
        {"match": {"model": model}, "response": {"json": {}}}
        for model in ("a/b", "a/b/stream", "c/d/realtime", "e/*", "workflows/x/y")
    ]
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures/f.json").write_text(json.dumps({"fixtures": entries}))
    return tmp_path / "fixtures"


def test_given_ids_and_those_of_fixtures(fixtures: Path) -> None:
    assert wanted.ids(arguments("z/z", "a/b", "110602490-fast-sdxl", "--from", str(fixtures))) == [
        *("110602490/fast-sdxl", "a/b", "c/d", "workflows/x/y", "z/z")
    ]
    assert wanted.ids(arguments()) == []


def test_the_folder(fixtures: Path) -> None:
    file = str(fixtures / "f.json")
    assert wanted.folder(arguments()).path == Path("fixtures/_schemas")
    assert wanted.folder(arguments("--from", file, "--from", str(fixtures))).path == fixtures / "_schemas"
    assert wanted.folder(arguments("--from", str(fixtures), "--into", "x")).path == Path("x/_schemas")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a"], "'a' is not an endpoint id: expected owner/alias[/path]"),
        (["a/../b"], "'..' cannot be a part of one"),
        (["--from", "nowhere"], "nowhere: expected a folder or file of fixtures, found nothing"),
    ],
)
def test_what_names_none(words: list[str], text: str) -> None:
    with pytest.raises(NotWanted) as found:
        wanted.ids(arguments(*words))
    assert text in str(found.value)


def test_fixtures_that_do_not_load(fixtures: Path) -> None:
    (fixtures / "g.json").write_text("{")
    with pytest.raises(NotWanted, match="1 problem in the fixtures"):
        wanted.ids(arguments("--from", str(fixtures)))


def document(name: str) -> dict[str, Any]:
    if name.startswith("bad"):
        raise Failed("it is bad", is_last=name == "bad/last")
    return {"paths": {name: {}}}


def test_what_became_of_each_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SchemaFolder(tmp_path)
    folder.write("a/there", {"mine": 1})
    names = ["a/b", "a/there", "bad/one", "bad/last", "never/asked"]
    assert wanted.write_all(names, folder, document, again=False) == 1
    shown = capsys.readouterr()
    assert shown.err == "falmock: bad/one: it is bad\nfalmock: bad/last: it is bad\n"
    assert shown.out == (
        f"schemas: 1 written to {tmp_path}/_schemas, 1 there already (--again replaces them), 2 failed\n"
    )
    assert json.loads(folder.file("a/b").read_text()) == document("a/b")
    assert json.loads(folder.file("a/there").read_text()) == {"mine": 1}
    assert not folder.file("never/asked").exists()


def test_again_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SchemaFolder(tmp_path)
    folder.write("a/there", {"mine": 1})
    assert wanted.write_all(["a/there"], folder, document, again=True) == 0
    assert json.loads(folder.file("a/there").read_text()) == document("a/there")
    assert capsys.readouterr().out == f"schemas: 1 written to {tmp_path}/_schemas\n"


def test_a_disk_that_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "_schemas").write_text("a file")
    assert wanted.write_all(["a/b"], SchemaFolder(tmp_path), document, again=False) == 1
    assert "a/b.json: cannot be written: " in capsys.readouterr().err
