from __future__ import annotations

from typing import Any

from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.write_ahead import records
from falmock.recording.write_ahead.records import Record
from falmock.recording.write_ahead.replay import replay_of
from falmock.wire.message import Content

URL = "https://v3.fal.media/files/a/cat.png"
CONTENT = Content("0" * 64, 3)


def save(value: Any, answer: Any = 1) -> Save:
    urls = {answer: answer} if str(answer).startswith("https:") else {}
    entry = {"match": {"model": "a/b", "input": value, "exact": True}, "response": {"json": answer}}
    return Save(entry, "a-cat", "x", 0.0, urls)


LINK = Link(URL, CONTENT, "image/png")


def log(*outcomes: Save | Link, done: list[int], first: list[Record] | None = None) -> list[Record]:
    logged = [{"number": number, **records.of_outcome(one, str)} for number, one in enumerate(outcomes)]
    return [*(first or []), *logged, records.of_done(done)]


def chosen(found: list[Record]) -> list[int]:
    return sorted(replay_of(found, "x").outcomes)


def test_nothing_is_written_again_if_nothing_is_missing() -> None:
    assert replay_of(log(save(1), LINK, done=[0, 1]), "x") == ({}, frozenset(), {}, [])
    assert replay_of([], "x") == ({}, frozenset(), {}, [])


def test_all_of_a_match_is_written_again_and_nothing_of_another() -> None:
    assert chosen(log(save({"n": 1}), save({"n": 2}), save({"n": 1}), done=[0, 1])) == [0, 2]


def test_what_names_a_file_belongs_together() -> None:
    assert chosen(log(save({"n": 1}, URL), save({"n": 2}), LINK, done=[0, 1])) == [0, 2]
    assert chosen(log(save({"n": 1}, URL), LINK, save({"url": URL}), done=[0, 1])) == [0, 1, 2]


def test_so_do_matches_that_become_one_when_a_file_is_known() -> None:
    """The second names the file by its content only."""
    by_content = {"url": {"$file": f"sha256:{CONTENT.sha256}", "type": "image/png", "size": 3}}
    assert chosen(log(save({"url": URL}), LINK, save(by_content), save({"n": 1}), done=[0, 1, 3])) == [0, 1, 2]
    known = [{"state": {"files": [[URL, [URL, CONTENT.sha256, 3, "image/png"]]]}}]
    assert chosen(log(save({"url": URL}), save(by_content), save(1), done=[0, 2], first=known)) == [0, 1]


def test_a_fixture_that_would_not_load_is_chosen_all_the_same() -> None:
    bad = save(1)
    bad.entry["match"]["exact"] = "perhaps"
    assert chosen(log(bad, done=[])) == [0]


def test_what_is_put_back_is_the_first_of_each_that_belongs_to_what_is_missing() -> None:
    rule = "Match(model='a/b', ...)"
    befores: list[Record] = [
        {"before": [["f.json", rule, [{"match": {"input": URL}}]], ["g.json", "other", []]]},
        {"before": [["f.json", rule, []]]},
    ]
    replay = replay_of(log(LINK, done=[], first=[{"state": {"runs": {}}}, *befores]), "x")
    assert replay.state == {"runs": {}}
    assert replay.before == [["f.json", rule, [{"match": {"input": URL}}]]]
