"""A server that is used again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import falmock
from falmock.cli.launch import folder
from falmock.cli.launch import kept
from falmock.cli.launch.server import NotStarted
from unit.cli.launch.fixtures import arguments_of
from unit.cli.launch.test_server import ends


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[list[str]]:
    yield arguments_of(tmp_path)
    kept.stop(tmp_path)


def test_it_is_used_again(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not kept.stop(tmp_path)
    first = kept.use(tmp_path, arguments)
    assert kept.use(tmp_path, arguments) == first
    monkeypatch.setenv("NODE_OPTIONS", "--title=of-test")
    again = kept.use(tmp_path, arguments)
    assert (again.pid, again.environment["NODE_OPTIONS"][:15]) == (first.pid, "--title=of-test")
    assert "of-test" not in (tmp_path / folder.SERVER).read_text()
    assert kept.stop(tmp_path)
    _reaped(first.pid)
    assert not kept.stop(tmp_path)
    assert not (tmp_path / folder.SERVER).exists()


def test_other_arguments_or_another_version_make_another_one(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = [kept.use(tmp_path, arguments).pid, kept.use(tmp_path, [*arguments, "--pace", "3s"]).pid]
    monkeypatch.setattr(falmock, "__version__", "99")
    pids.append(kept.use(tmp_path, [*arguments, "--pace", "3s"]).pid)
    assert len(set(pids)) == 3
    for pid in pids[:2]:
        _reaped(pid)


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"ready": {}, "arguments": []}', "no json"])
def test_a_file_that_tells_of_none(arguments: list[str], tmp_path: Path, state: str) -> None:
    (tmp_path / folder.SERVER).write_text(state)
    ready = kept.use(tmp_path, arguments)
    assert json.loads((tmp_path / folder.SERVER).read_text())["ready"]["pid"] == ready.pid


def test_one_that_has_ended_is_not_used(arguments: list[str], tmp_path: Path) -> None:
    first = kept.use(tmp_path, arguments)
    os.kill(first.pid, 9)
    _reaped(first.pid)
    assert kept.use(tmp_path, arguments).pid != first.pid


def test_one_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="nowhere"):
        kept.use(tmp_path, ["--port", "0", "--confdir", str(tmp_path), "--fixtures", "nowhere"])
    assert not (tmp_path / folder.SERVER).exists()


def _reaped(pid: int) -> None:
    """Wait for the end of a server, which is a child of this process."""
    os.waitpid(pid, 0)
    assert ends(pid)
