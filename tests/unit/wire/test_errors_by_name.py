from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import errors
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import MODEL
from falmock.wire.error_table import REQUEST
from falmock.wire.error_table import ErrorKind
from falmock.wire.errors import ErrorSpec
from falmock.wire.errors import envelope

QUEUE_TYPE = "application/json; charset=utf-8"


def rest(name: str) -> dict[str, Any]:
    ctx = MODEL[name].ctx
    return {"ctx": dict(ctx)} if ctx else {}


@pytest.mark.parametrize("name", MODEL)
def test_model_errors(name: str) -> None:
    found = envelope(ErrorSpec(name))
    (detail,) = json.loads(found.body)["detail"]
    assert detail["type"] == name
    assert detail == errors.model_error(name, MODEL[name].message, MODEL[name].loc, **rest(name))["detail"][0]
    assert list(detail)[:4] == ["loc", "msg", "type", "url"]
    assert detail["loc"][0] == "body"
    assert detail["msg"] == MODEL[name].message
    assert detail.get("ctx") == (dict(MODEL[name].ctx) if MODEL[name].ctx else None)
    assert found.headers == (("X-Fal-Needs-Retry", "true" if found.status >= 500 else "false"),)
    assert found.content_type == "application/json"
    assert found.units == ("0" if found.status == 422 else None)


@pytest.mark.parametrize("name", REQUEST)
def test_request_errors(name: str) -> None:
    found = envelope(ErrorSpec(name))
    assert json.loads(found.body) == {"detail": REQUEST[name].message, "error_type": name}
    again = (("X-Fal-Needs-Retry", "1"),) if found.status in (503, 504) else ()
    assert found.headers == (("X-Fal-Error-Type", name), *again)


@pytest.mark.parametrize(
    ("name", "status", "body", "headers"),
    [
        (
            "missing_authorization",
            401,
            "Cannot access application 'fal-ai/flux'. Authentication is required to access this application.",
            (),
        ),
        ("unknown_key", 401, "No user found for Key ID and Secret", ()),
        (
            "malformed_key",
            401,
            "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.",
            (),
        ),
        (
            "exhausted_balance",
            403,
            "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
            (),
        ),
        ("admin_lock", 403, "User is locked. Reason: Admin lock. Please contact support@fal.ai.", ()),
        ("top_up", 403, "User is locked. Reason: TOP_UP.", ()),
        ("invalid_key_credentials", 401, "invalid key credentials", ()),
        ("bearer_not_decoded", 401, "bearer: unable to decode issuer", ()),
        ("unknown_app", 404, 'Application "flux" not found', ()),
    ],
)
def test_what_the_gateway_says(name: str, status: int, body: str, headers: Any) -> None:
    found = envelope(ErrorSpec(name), "fal-ai/flux")
    assert (found.status, found.content_type, found.headers) == (status, QUEUE_TYPE, headers)
    assert json.loads(found.body) == {"detail": body}
    assert b'{"detail": ' in found.body, "the gateway's JSON has spaces"


def test_a_call_to_no_app_lacks_authorization_in_other_words() -> None:
    assert envelope(ErrorSpec("missing_authorization")).value == {"detail": "Authorization header is required"}


def test_too_many_calls() -> None:
    found = envelope(ErrorSpec("concurrent_requests_limit"))
    assert found.status == 429
    assert found.headers == (("X-Fal-needs-retry", "1"),)
    assert found.value == {
        "detail": "Reached concurrent requests limit of 20",
        "type": "concurrent_requests_limit",
        "data": {"limit": 20},
    }


def test_the_timeout_that_a_caller_set_is_marked() -> None:
    found = envelope(ErrorSpec("user_timeout"))
    assert found.value == {"detail": "Request timed out", "error_type": "request_timeout"}
    assert dict(found.headers) == {"X-Fal-Request-Timeout-Type": "user", "X-Fal-Error-Type": "request_timeout"}


def test_what_the_runtime_says_of_a_path() -> None:
    found = envelope(ErrorSpec("path_not_found"), "fal-ai/flux", "nope")
    assert (found.status, found.value) == (404, {"detail": "Path /nope not found"})
    assert found.headers == (("x-fal-billable-units", "0"),)
    assert found.kind is ErrorKind.APP


def test_what_the_platform_api_says() -> None:
    found = envelope(ErrorSpec("platform_rate_limited"))
    assert (found.status, found.value) == (429, {"error": {"type": "rate_limited", "message": "Too many requests"}})
    assert (found.content_type, found.headers) == ("application/json", ())


@pytest.mark.parametrize("status", [502, 503, 504])
def test_pages(status: int) -> None:
    found = envelope(ErrorSpec(f"nginx_{status}"))
    assert (found.status, found.content_type, found.headers, found.value) == (status, "text/html", (), None)
    assert b"<center>nginx</center>" in found.body
    assert str(status).encode() in found.body


def test_what_is_asked_for_goes_before_the_samples() -> None:
    wanted = ErrorSpec("image_too_small", "tiny", ("body", 0, "x"), {"min_width": 9}, {"input": None}, 400)
    found = envelope(wanted)
    assert found.status == 400
    assert found.value["detail"] == [
        {
            "type": "image_too_small",
            "loc": ["body", 0, "x"],
            "msg": "tiny",
            "url": "https://docs.fal.ai/errors#image_too_small",
            "ctx": {"min_width": 9},
            "input": None,
        }
    ]


@given(st.sampled_from(sorted(ERRORS)), st.none() | st.text(), st.text(), st.text())
def test_any_error_about_any_app_can_be_sent(name: str, message: str | None, app: str, path: str) -> None:
    found = envelope(ErrorSpec(name, message), app, path)
    assert isinstance(found.body, bytes)
    if found.value is not None:
        assert json.loads(found.body) == json.loads(json.dumps(found.value))
