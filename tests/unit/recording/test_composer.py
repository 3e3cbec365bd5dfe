from __future__ import annotations

import pytest

from falmock.fixtures.matching.volatile import NOTHING_IGNORED
from falmock.recording.composer import Composer
from falmock.recording.composer import trouble
from falmock.recording.files import FileUrls
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request

MODEL = {"x-fal-request-id": "id"}
PLATFORM = {"x-fal-error-type": "request_timeout"}


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
@pytest.mark.parametrize("headers", [{}, MODEL, PLATFORM])
def test_what_is_trouble_whoever_says_it(status: int, headers: dict[str, str]) -> None:
    assert trouble(status, headers)


@pytest.mark.parametrize("status", [500, 504, 520])
def test_a_gateways_page_is_trouble_and_a_models_failure_is_not(status: int) -> None:
    assert trouble(status, {"content-type": "text/html"}) == "the gateway answered, not the model"
    assert trouble(status, MODEL) is None
    assert trouble(status, PLATFORM) is None


@pytest.mark.parametrize("status", [200, 204, 400, 402, 404, 405, 418, 422, 499])
def test_what_is_said_about_the_request_is_no_trouble(status: int) -> None:
    assert trouble(status, {}) is None


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
