"""Many outcomes in one go: refusals, other processes, and the same result as one by one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falmock.recording.disk import atomic
from falmock.recording.disk.folder import Folder
from falmock.recording.disk.writer import Writer
from falmock.recording.document import NotAFixture
from unit.recording.disk.crashes import tree
from unit.recording.disk.test_recovery import program
from unit.recording.disk.test_recovery import save

ADDON = Path(__file__).parents[4] / "addon"


def one_by_one(folder: Path, outcomes: list[Any]) -> dict[str, Any]:
    writer = Writer(str(folder))
    for outcome in outcomes:
        assert not isinstance(writer.write([outcome])[0], Exception)
    return tree(folder)


def undated(found: dict[str, Any]) -> dict[str, Any]:
    """The fixtures without the description of the recording."""
    return {
        name: [{**entry, "recorded": None} for entry in content] if name.endswith(".json") else content
        for name, content in found.items()
    }


@pytest.mark.parametrize("seed", range(6))
def test_the_result_is_the_same_as_one_by_one(tmp_path: Path, seed: int) -> None:
    outcomes = program(seed)
    assert not [one for one in Writer(str(tmp_path / "b")).write(outcomes) if isinstance(one, Exception)]
    assert tree(tmp_path / "b") == one_by_one(tmp_path / "a", outcomes)


@pytest.mark.parametrize("seed", range(6))
def test_what_a_disk_refuses_can_be_tried_again(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice, real = random.Random(seed), atomic.write_all
    outcomes = program(seed)
    expected = one_by_one(tmp_path / "a", outcomes)
    assert Writer(str(tmp_path / "b")).write([]) == []

    def full(files: Any, *mode: int) -> None:
        if dice.random() < 0.6:
            raise OSError(28, "No space left on device")
        real(files, *mode)

    monkeypatch.setattr(atomic, "write_all", full)
    writer, waiting = Writer(str(tmp_path / "b")), outcomes
    while waiting:
        written = writer.write(waiting)
        waiting = [outcome for outcome, one in zip(waiting, written, strict=True) if isinstance(one, OSError)]
    assert undated(tree(tmp_path / "b")) == undated(expected), "but for which of two equal answers one is"


def test_a_bad_one_does_not_hold_up_the_others(tmp_path: Path) -> None:
    bad = save(1, {"n": 1}, 1)
    bad.entry["match"]["exact"] = "perhaps"
    first, second, third = Writer(str(tmp_path)).write([save(0, {"n": 0}, 0), bad, save(2, {"n": 2}, 2)])
    assert isinstance(second, NotAFixture)
    assert not isinstance(first, Exception)
    assert not isinstance(third, Exception)
    assert len(tree(tmp_path)) == 2


def test_several_outcomes_of_a_file_are_one_read_and_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[list[Path]] = []
    real = atomic.write_all
    monkeypatch.setattr(atomic, "write_all", lambda files: (written.append(list(files)), real(files)))
    Writer(str(tmp_path)).write([save(number, {"n": 1}, number) for number in range(5)])
    assert [len(files) for files in written] == [1]


def test_a_file_that_somebody_edits_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.json"
    entry = {"match": {"model": "a/b", "input": {"n": 1}, "exact": True}, "response": {"json": 1}}
    path.write_text(json.dumps({"fixtures": [entry]}))
    writer = Writer(str(tmp_path))
    writer.know_all()
    edits = iter([{"fixtures": [entry], "_note": "mine"}])
    real = Folder._flush

    def flush(self: Folder, opened: Any) -> None:
        for edit in edits:
            path.write_text(json.dumps(edit))
        real(self, opened)

    monkeypatch.setattr(Folder, "_flush", flush)
    assert not isinstance(writer.write([save(1, {"n": 1}, "new")])[0], Exception)
    now = json.loads(path.read_bytes())
    assert (now["_note"], now["fixtures"][0]["response"]) == ("mine", {"json": "new"})


REWRITING = """
import sys
from unit.recording.disk.test_recovery import save
from falmock.recording.disk.writer import Writer
folder, first = sys.argv[1], int(sys.argv[2])
for turn in range(8):
    writer = Writer(folder)
    writer.know_all()
    for slot in range(first, 20, 2):
        (written,) = writer.write([save(turn, {"slot": slot}, turn)])
        assert not isinstance(written, Exception), written
"""


def test_two_processes_rewrite_different_matches_of_one_file(tmp_path: Path) -> None:
    entries = [
        {"match": {"model": "a/b", "input": {"slot": n}, "exact": True}, "response": {"json": "old"}} for n in range(20)
    ]
    (tmp_path / "all.json").write_text(json.dumps({"fixtures": entries}))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ADDON, ADDON.parent / "tests")))}
    processes = [
        subprocess.Popen([sys.executable, "-c", REWRITING, str(tmp_path), str(first)], env=env) for first in (0, 1)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    found = json.loads((tmp_path / "all.json").read_bytes())["fixtures"]
    assert [(one["match"]["input"]["slot"], one["response"]["json"]) for one in found] == [(n, 7) for n in range(20)]
    assert list(tmp_path.iterdir()) == [tmp_path / "all.json"]
