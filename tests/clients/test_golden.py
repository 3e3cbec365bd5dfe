"""falmock's answers are those in `tests/golden`: see `tests/golden/README.md`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from clients import golden
from clients import running
from clients.running import Mitmdump

SHARED = ("huggingface.co", "router.huggingface.co", "storage.googleapis.com")
Started = Callable[..., AbstractContextManager[Mitmdump]]


def lane(confdir: Path, *options: str, cwd: Path) -> AbstractContextManager[Mitmdump]:
    return running.mitmdump(confdir, "--set", "fal_fast=auto", *options, cwd=cwd)


def flows(confdir: Path, *options: str, cwd: Path) -> AbstractContextManager[Mitmdump]:
    return running.mitmdump(confdir, "--set", "fal_fast=off", *options, cwd=cwd)


@pytest.mark.parametrize("started", [lane, flows, running.serve])
@pytest.mark.parametrize("group", golden.groups(), ids=lambda group: group.folder.name)
def test_golden(confdir: Path, group: golden.Group, started: Started, request: pytest.FixtureRequest) -> None:
    with started(confdir, *group.options, cwd=group.folder) as mock:
        player = golden.Player(golden.Where(mock.proxy, mock.ca))
        answers = [player.play(call) for call in group.calls]
        assert "Traceback" not in mock.output
        assert ("calls do not go through flows" in mock.output) == (started is lane)
    if started is running.serve:
        _without_known_differences(group, answers)
    if request.config.getoption("write_golden", default=False):
        group.write(answers)
    differences = group.differences(answers)
    assert not differences, "\n\n".join(differences)


def _without_known_differences(group: golden.Group, answers: list[dict[str, Any]]) -> None:
    """Without mitmproxy, a connection that may be used for another host next ends after an answer."""
    for call, answer in zip(group.calls, answers, strict=True):
        url = call.get("ask", "").partition(" ")[2]
        if url.startswith(("http://", "{", *(f"https://{host}/" for host in SHARED))):
            answer["headers"] = [line for line in answer["headers"] if line != "Connection: close"]
