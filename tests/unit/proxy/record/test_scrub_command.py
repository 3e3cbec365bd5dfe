"""Removes secrets from existing fixtures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.proxy.commands import Scrubbed
from falmock.proxy.record.scrub_command import scrub
from falmock.redaction.redactor import Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoidS0xNyJ9.1Y2vyiEEJHj9wmhXShKXJpanEtkZuOBrHb4wGlZVow"


def fixture(path: Path, **response: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"match": {"model": "a/b", "input": {"prompt": "a cat"}}, "response": {"json": response}}
    path.write_text(json.dumps({"_note": "mine", "fixtures": [entry]}))
    return path


def test_only_files_with_secrets_are_rewritten(tmp_path: Path) -> None:
    clean, leaky = fixture(tmp_path / "clean.json", seed=7), fixture(tmp_path / "a" / "leaky.json", token=JWT, seed=7)
    before = clean.read_bytes()
    assert scrub([str(tmp_path)], Redactor()) == Scrubbed(2, (f"{tmp_path}/a/leaky.json",))
    assert clean.read_bytes() == before
    written = json.loads(leaky.read_text())
    assert written["fixtures"][0]["response"]["json"] == {"token": "[hidden]", "seed": 7}
    assert written["_note"] == "mine"
    assert scrub([str(tmp_path)], Redactor()) == Scrubbed(2, ())


def test_one_file_alone(tmp_path: Path) -> None:
    one, other = (fixture(tmp_path / name, key=JWT) for name in ("one.json", "other.json"))
    assert scrub([str(one)], Redactor()) == Scrubbed(1, (str(one),))
    assert JWT not in one.read_text()
    assert JWT in other.read_text()


def test_what_is_matched_becomes_a_matcher(tmp_path: Path) -> None:
    entry = {
        "match": {"model": "a/b", "input": {"api_key": "abcdef0123456789"}, "exact": True},
        "response": {"json": 1},
    }
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"fixtures": [entry]}))
    scrub([str(tmp_path)], Redactor())
    assert json.loads(path.read_text())["fixtures"][0]["match"]["input"] == {"api_key": {"$any": True}}


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        scrub([str(tmp_path / "nowhere")], Redactor())


def test_what_is_no_fixture_file_is_left_alone(tmp_path: Path) -> None:
    fixture(tmp_path / "_schemas" / "a" / "b.json", token=JWT)
    fixture(tmp_path / "_prices.json", token=JWT)
    broken = tmp_path / "broken.json"
    broken.write_text(f"{{ {JWT}")
    assert scrub([str(tmp_path)], Redactor()) == Scrubbed(1, ())
    assert JWT in broken.read_text()


def test_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    path = fixture(tmp_path / "a.json", token=JWT, seed=2**64 - 1)
    scrub([str(tmp_path)], Redactor())
    assert json.loads(path.read_text())["fixtures"][0]["response"]["json"]["seed"] == 2**64 - 1


def test_one_secret_among_several_fixtures_is_enough(tmp_path: Path) -> None:
    path = fixture(tmp_path / "a.json", token=JWT)
    clean = {"match": {"model": "a/c"}, "response": {"json": 1}}
    path.write_text(json.dumps({"fixtures": [*json.loads(path.read_text())["fixtures"], clean]}))
    assert scrub([str(tmp_path)], Redactor()) == Scrubbed(1, (str(path),))
    assert JWT not in path.read_text()
    assert json.loads(path.read_text())["fixtures"][1] == clean
