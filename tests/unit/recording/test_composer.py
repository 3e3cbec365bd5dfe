from __future__ import annotations

import pytest

from falmock.fixtures.matching.volatile import NOTHING_IGNORED
from falmock.recording.composer import Composer
from falmock.recording.files import FileUrls
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request


@pytest.mark.parametrize(
    ("at", "agent", "scope", "recorded"),
    [
        (1772618400.9, "", "", {"at": "2026-03-04T10:00:00Z"}),
        (
            1772618400.0,
            "curl",
            "tests/a.py::b",
            {"at": "2026-03-04T10:00:00Z", "client": "curl", "scope": "tests/a.py::b"},
        ),
        (0.0, "", "", {}),
    ],
)
def test_what_is_kept_of_a_recording(at: float, agent: str, scope: str, recorded: dict[str, str]) -> None:
    composer = Composer(FileUrls(Hosts()), Redactor(), NOTHING_IGNORED, errors=False)
    headers = {"user-agent": agent} if agent else {}
    request = Request("POST", "fal.run", "/a/b", "", headers, b"{}", scope=scope)
    assert composer.recorded_at(at, request, None) == recorded
