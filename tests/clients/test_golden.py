"""falmock's answers are those in `tests/golden`: see `tests/golden/README.md`."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients import golden
from clients import running


@pytest.mark.parametrize("group", golden.groups(), ids=lambda group: group.folder.name)
def test_golden(confdir: Path, group: golden.Group, request: pytest.FixtureRequest) -> None:
    with running.mitmdump(confdir, *group.options, cwd=group.folder) as mock:
        player = golden.Player(golden.Where(mock.proxy, mock.ca))
        answers = [player.play(call) for call in group.calls]
        assert "Traceback" not in mock.output
    if request.config.getoption("write_golden", default=False):
        group.write(answers)
    differences = group.differences(answers)
    assert not differences, "\n\n".join(differences)
