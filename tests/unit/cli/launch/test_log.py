"""The lines of a log that people see while they wait."""

from __future__ import annotations

from pathlib import Path

from falmock.cli.launch.log import LogFollower


def test_only_what_is_added_whole_and_ours(tmp_path: Path) -> None:
    log, told = tmp_path / "log", list[str]()
    log.write_text("[10:00:00.000] falmock: before\n")
    follower = LogFollower(log, told.append)
    follower.look()
    with log.open("a") as file:
        file.write("[10:00:00.000] falmock: recorded é\n[10:00:00.000] other\n127.0.0.1:5: POST /\n[10:00:01.000] falm")
    follower.look()
    assert told == ["recorded é"]
    with log.open("a") as file:
        file.write("ock: more\n")
    follower.look()
    follower.look()
    assert told == ["recorded é", "more"]


def test_a_log_that_is_gone(tmp_path: Path) -> None:
    LogFollower(tmp_path / "log", lambda _: None).look()
