from __future__ import annotations

import pytest

from falmock.recording.composer import trouble

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
