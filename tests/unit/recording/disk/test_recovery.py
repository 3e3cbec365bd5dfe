from __future__ import annotations

import itertools
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.recording.disk import recovery
from falmock.recording.disk import write_ahead_log
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.recovery import Recovered
from falmock.recording.disk.write_ahead_log import WriteAheadLog
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.uploads import url_key
from falmock.recording.write_ahead import records
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.recording.disk.crashes import killed_at
from unit.recording.disk.crashes import record
from unit.recording.disk.crashes import tree
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG


def save(number: int, value: Any, answer: Any, asked: float | None = None) -> Save:
    entry = {
        "match": {"model": "a/b", "input": value, "exact": True},
        "response": {"json": answer},
        "recorded": {"at": "2026-01-02T03:04:05Z", "requestId": str(number)},
    }
    urls = {url_key(answer): answer} if str(answer).startswith("https:") else {}
    return Save(entry, "a-cat", "the run of a/b", float(number) if asked is None else asked, urls)


def program(seed: int) -> list[Save | Link]:
    """Answers of few matches again and again, also late ones and repeated ones, and a file that some of them name."""
    dice = random.Random(seed)
    outcomes: list[Save | Link] = []
    for number in range(9):
        value = dice.choice([{"n": 1}, {"n": 2}, {"url": CAT}])
        answer = dice.choice([1, 2, CAT, {"number": number}])
        outcomes.append(save(number, value, answer, number - dice.choice([0, 0, 2.5])))
    outcomes.insert(dice.randrange(3, 9), Link(CAT, content_of(PNG), "image/png"))
    return outcomes


def stored(folder: Path, outcomes: list[Save | Link]) -> list[Save | Link]:
    """The outcomes with their contents in temporary files, as a recorder has them."""
    made: list[Save | Link] = []
    for outcome in outcomes:
        if isinstance(outcome, Link):
            part = atomic.temporary(folder / "_assets")
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(outcome.content.data or b"")
            outcome = outcome._replace(content=outcome.content._replace(data=None, file=str(part)))  # noqa: PLW2901
        made.append(outcome)
    return made


def undisturbed(folder: Path, outcomes: list[Save | Link]) -> dict[str, Any]:
    record(folder, stored(folder, outcomes)).close()
    return tree(folder)


@pytest.mark.parametrize("seed", [2, 3])
def test_a_recorder_killed_anywhere_leaves_all_that_it_logged(tmp_path: Path, seed: int) -> None:
    outcomes = program(seed)
    expected = [undisturbed(tmp_path / f"first {count}", outcomes[:count]) for count in range(len(outcomes) + 1)]
    for call in itertools.count():
        folder = tmp_path / f"killed {call}"
        logged, was_killed = killed_at(call, folder, stored(folder, outcomes))
        FixtureLoader([str(folder)]).load()  # raises where a file is not whole
        recovery.prepare(str(folder))
        assert tree(folder) in expected[logged : logged + 2], f"killed at call {call} after {logged} outcomes"
        assert not (folder / LOGS).exists()
        if not was_killed:
            break
    assert call > 50


def test_it_is_so_where_large_logs_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_ahead_log, "CUT_ABOVE", 100)
    monkeypatch.setattr(write_ahead_log, "STATE_SHARE", 1)
    for seed in (5, 6):
        log = record(tmp_path / f"whole {seed}", stored(tmp_path / f"whole {seed}", program(seed)))
        assert log.path is not None
        assert "state" in records.read(log.path.read_bytes()).records[0], "it was not cut"
        log.close()
        test_a_recorder_killed_anywhere_leaves_all_that_it_logged(tmp_path / f"{seed}", seed)


def leave(folder: Path, *outcomes: Save | Link) -> Path:
    """The log of a recorder that was killed before any of this was in the fixture files."""
    log = WriteAheadLog(folder)
    log.start()
    for outcome in outcomes:
        log.append(records.of_outcome(outcome, str))
    path = log.path
    assert path is not None
    log.close()
    return path


def answers(folder: Path) -> list[Any]:
    return [
        entry["response"]["json"]
        for path in sorted(folder.rglob("*.json"))
        for entry in json.loads(path.read_bytes())["fixtures"]
    ]


def test_what_several_left_is_told_and_then_gone(tmp_path: Path) -> None:
    leave(tmp_path, save(1, {"n": 1}, 1))
    leave(tmp_path, save(2, {"n": 2}, 2), save(3, {"n": 3}, 3))
    leave(tmp_path)
    assert recovery.waiting(str(tmp_path)) == 3
    assert recovery.prepare(str(tmp_path)) == Recovered(3, [])
    assert sorted(answers(tmp_path)) == [1, 2, 3]
    assert not (tmp_path / LOGS).exists()
    assert recovery.waiting(str(tmp_path)) == 0
    assert recovery.prepare(str(tmp_path)) == Recovered(0, [])


def test_a_log_that_is_held_is_nobodys_business(tmp_path: Path) -> None:
    log = WriteAheadLog(tmp_path)
    log.start()
    log.append(records.of_outcome(save(1, {}, 1), str))
    assert recovery.waiting(str(tmp_path)) == 0
    assert recovery.prepare(str(tmp_path)) == Recovered(0, [])
    assert answers(tmp_path) == []
    log.close()


def test_matches_are_written_to_the_files_in_which_they_are(tmp_path: Path) -> None:
    entries = [{"match": {"model": "a/b", "input": {"n": n}, "exact": True}, "response": {"json": n}} for n in range(3)]
    (tmp_path / "mine.json").write_text(json.dumps({"fixtures": entries}))
    (tmp_path / "broken.json").write_text("{")
    leave(tmp_path, save(1, {"n": 1}, "new"))
    recovery.prepare(str(tmp_path))
    assert [one["response"]["json"] for one in json.loads((tmp_path / "mine.json").read_bytes())["fixtures"]] == [
        0,
        "new",
        2,
    ]


def test_what_somebody_edited_since_it_was_written_stays(tmp_path: Path) -> None:
    log = record(tmp_path, [save(number, {"n": number}, number) for number in range(3)])
    log.append(records.of_outcome(save(3, {"n": 3}, 3), str))
    log.close()
    (path,) = (path for path in tmp_path.rglob("*.json") if '"json": 1' in path.read_text())
    path.write_text(path.read_text().replace('"json": 1', '"json": "mine"'))
    assert recovery.prepare(str(tmp_path)).answers == 1
    assert sorted(map(str, answers(tmp_path))) == ["0", "2", "3", "mine"]


def test_what_cannot_be_written_stays_in_the_log_and_is_told(tmp_path: Path) -> None:
    bad = save(1, {"n": 1}, 1)
    bad.entry["match"]["input"] = 7
    log = leave(tmp_path, bad, save(2, {"n": 2}, 2))
    for written in (1, 0):
        answers_now, (problem,) = recovery.prepare(str(tmp_path))
        assert answers_now == written
        assert problem.startswith(f"{tmp_path}/{LOGS}/{log.name}: a call to a/b could not be written: the recording")
        assert problem.endswith("It stays in that log, and the next recorder tries again; delete the log to give it up")
        assert log.exists()
    assert answers(tmp_path) == [2]


def test_a_disk_that_refuses_leaves_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = leave(tmp_path, save(1, {"n": 1}, 1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_all", full)
        (problem,) = recovery.prepare(str(tmp_path)).problems
    assert "No space left on device" in problem
    assert log.exists()
    assert recovery.prepare(str(tmp_path)) == Recovered(1, [])


def test_a_damaged_log_is_kept(tmp_path: Path) -> None:
    log = leave(tmp_path, *(save(number, {"n": number}, number) for number in range(3)))
    raw = log.read_bytes()
    log.write_bytes(raw[:20] + b"?" + raw[21:])
    found, (problem,) = recovery.prepare(str(tmp_path))
    assert found == 2
    assert "expected records, found 1 damaged; the others are in the fixtures" in problem
    assert [path.suffix for path in (tmp_path / LOGS).glob("[!.]*")] == [".damaged"]
    assert recovery.prepare(str(tmp_path)) == Recovered(0, [])


def test_contents_become_assets_if_they_are_whole(tmp_path: Path) -> None:
    whole, half = (atomic.temporary(tmp_path / "_assets") for _ in range(2))
    whole.parent.mkdir()
    whole.write_bytes(PNG)
    half.write_bytes(b"half of")
    good = save(1, {"n": 1}, 1)._replace(
        contents=((content_of(PNG)._replace(data=None, file=str(whole)), "image/png"),)
    )
    bad = Link(CAT, Content("0" * 64, 9, file=str(half)), "image/png")
    leave(tmp_path, good, bad)
    found, (problem,) = recovery.prepare(str(tmp_path))
    assert found == 1
    assert problem.endswith(
        f"the file {CAT} could not be written: the content sha256:{'0' * 64} was not kept. It is lost"
    )
    assert [path.read_bytes() for path in (tmp_path / "_assets").glob("*.png")] == [PNG]
    assert not (tmp_path / LOGS).exists()


def test_temporary_files_stay_while_a_log_names_their_owner(tmp_path: Path) -> None:
    (tmp_path / LOGS).mkdir()
    left, named = (tmp_path / f".falmock-{owner}-1.tmp" for owner in ("0123456789ab", "ba9876543210"))
    (tmp_path / LOGS / "ba9876543210-1.log").write_bytes(b"")
    held = os.open(tmp_path / LOGS / "ba9876543210-1.log", os.O_RDWR)
    assert locks.take(held)
    for path in (left, named):
        path.write_bytes(b"")
    recovery.prepare(str(tmp_path))
    assert (left.exists(), named.exists()) == (False, True)
    os.close(held)
    recovery.prepare(str(tmp_path))
    assert not named.exists()


def test_a_folder_that_cannot_be_looked_at_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(write_ahead_log, "find", broken)
    assert recovery.waiting(str(tmp_path)) == 0
