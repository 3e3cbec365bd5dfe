"""The digest of fixtures tells falmocks with other fixtures from each other, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.standing import fixtures_digest
from falmock.fixtures.disk.loader import FixtureLoader

ONE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}
FAULTS: dict[str, Any] = {
    "faults": [{"match": {"call": ["run", "submit", "stream"]}, "fault": {"error": "runner_disconnected"}}]
}


def digest_in(folder: Path, *fixtures: dict[str, Any], faults: dict[str, Any] = FAULTS, file: str = "a.json") -> str:
    """The digest of these fixtures in files of a folder."""
    folder.mkdir()
    (folder / file).write_text(json.dumps({"fixtures": fixtures}))
    (folder.parent / "faults.json").write_text(json.dumps(faults))
    loaded = FixtureLoader([str(folder)], [str(folder.parent / "faults.json")]).load()
    return fixtures_digest(loaded.index, loaded.faults)


def test_it_does_not_depend_on_where_fixtures_are(tmp_path: Path) -> None:
    assert digest_in(tmp_path / "one", ONE) == digest_in(tmp_path / "two", ONE, file="b.json")


@pytest.mark.parametrize(
    "other",
    [
        {**ONE, "match": {"model": "a/c"}},
        {**ONE, "response": {"json": {"seed": 2}}},
        {**ONE, "response": {"json": {"seed": 1}, "status": 201}},
        {**ONE, "fault": {"latency": 3}},
        {**ONE, "stream": [{"data": "1"}]},
        {**ONE, "realtime": [{"json": {"seed": 1}}]},
    ],
    ids=lambda other: json.dumps(other)[:80],
)
def test_it_depends_on_what_fixtures_answer(tmp_path: Path, other: dict[str, Any]) -> None:
    assert digest_in(tmp_path / "one", ONE) != digest_in(tmp_path / "two", other)


def test_it_depends_on_their_order_and_on_faults(tmp_path: Path) -> None:
    two = {**ONE, "response": {"json": {"seed": 2}}}
    assert digest_in(tmp_path / "one", ONE, two) != digest_in(tmp_path / "two", two, ONE)
    assert digest_in(tmp_path / "three", ONE) != digest_in(tmp_path / "four", ONE, faults={"faults": []})
