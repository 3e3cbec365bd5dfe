from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.recording.disk import folder as folder_
from falmock.recording.disk.folder import Folder
from falmock.recording.document import NotAFixture

ENTRY = {"match": {"model": "a/b"}, "response": {"json": 1}}
BROKEN = [b"", b"{", b'{"fixtures": [{"match": {}}]}', b'{"fixtures": {}}', b"\xff"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(f"{tmp_path}/")


def put(folder: Folder, name: str, content: Any = None) -> Path:
    path = folder.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps({"fixtures": [ENTRY]}).encode())
    return path


def test_files_are_told_as_the_user_named_their_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Folder("fixtures/").shown(Path("fixtures/a/b.json")) == "fixtures/a/b.json"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Folder("~/fixtures").shown(tmp_path / "fixtures" / "b.json") == "~/fixtures/b.json"


def test_the_fixture_files_are_those_that_loading_reads(folder: Folder) -> None:
    for name in (
        "b.json",
        "a/c.json",
        "_assets/x.json",
        "_schemas/a/b.json",
        "_prices.json",
        ".git/x.json",
        "a/.x.json",
    ):
        put(folder, name)
    put(folder, "a/readme.md")
    assert [folder.shown(path) for path in folder.files()] == [f"{folder.root}/a/c.json", f"{folder.root}/b.json"]


def test_what_is_written_is_read(folder: Folder) -> None:
    path = folder.root / "a" / "b.json"
    assert folder.read(path) is None
    folder.write(path, {"fixtures": [ENTRY], "_note": 2**64})
    assert folder.read(path) == {"fixtures": [ENTRY], "_note": 2**64}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_is_not_read_and_not_written_over(folder: Folder, broken: bytes) -> None:
    path = put(folder, "a.json", broken)
    assert folder.read(path) is None
    spare, now, rules = folder.target(path)
    assert (spare.name, now, rules) == ("a-1.json", {"fixtures": []}, [])
    put(folder, "a-1.json")
    spare, now, rules = folder.target(path)
    assert (spare.name, now, len(rules)) == ("a-1.json", {"fixtures": [ENTRY]}, 1)


def test_files_without_end_in_the_way(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_, "MAX_SPARES", 2)
    path = put(folder, "a.json", b"{")
    put(folder, "a-1.json", b"{")
    with pytest.raises(NotAFixture, match=r"a\.json: cannot be read as fixtures, nor can the 1 files"):
        folder.target(path)


def test_a_folder_that_is_emptied_goes_too(folder: Folder) -> None:
    path, other = put(folder, "a/b/c.json"), put(folder, "a/d.json")
    folder.remove(path)
    assert not path.parent.exists()
    assert other.exists()
    folder.remove(other)
    assert list(folder.root.iterdir()) == []
    folder.remove(other)
    assert folder.root.exists()
