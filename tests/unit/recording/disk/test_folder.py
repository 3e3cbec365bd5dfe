from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.recording.disk import folder as folder_
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.folder import Changed
from falmock.recording.disk.folder import Folder
from falmock.recording.disk.locks import Busy
from falmock.recording.disk.locks import locked
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
    with folder.changes():
        folder.write(path, {"fixtures": [ENTRY], "_note": 2**64})
        assert folder.rules(path)
        assert not path.exists(), "all is written at the end"
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
    with folder.changes():
        folder.remove(path)
        assert folder.read(path) is None
    assert not path.parent.exists()
    assert other.exists()
    for _ in range(2):
        with folder.changes():
            folder.remove(other)
        assert list(folder.root.iterdir()) == []


def test_what_somebody_changed_meanwhile_is_not_written_over(folder: Folder) -> None:
    path, other = put(folder, "a.json"), folder.root / "new.json"

    def change() -> None:
        with folder.changes():
            folder.write(path, {"fixtures": []})
            folder.write(other, {"fixtures": []})
            path.write_text('{"fixtures": [], "_note": "mine"}')

    with pytest.raises(Changed, match=r"a\.json was changed meanwhile"):
        change()
    assert "mine" in path.read_text()
    assert not other.exists()


def test_a_part_of_a_folder_is_changed_under_the_lock_of_those_who_record_to_the_whole(folder: Folder) -> None:
    path = put(folder, "a/b.json")
    (folder.root / LOGS).mkdir()
    with Folder(str(path.parent)).changes(), pytest.raises(Busy), locked(folder.root, 0):
        pass
