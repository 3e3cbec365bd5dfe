from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from falmock.recording.outcome import NotRecorded
from falmock.recording.trouble import refusal
from falmock.recording.trouble import trouble
from falmock.wire.formats.frames import Close
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import entries
from unit.recording.exchanges import exchange
from unit.recording.exchanges import warnings
from unit.recording.test_sockets import RAW
from unit.recording.test_sockets import record
from unit.recording.test_webhook_results import delivery

MODEL = {"x-fal-request-id": "id"}
PLATFORM = {"x-fal-error-type": "request_timeout"}
LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}
WORDS = [
    LOCKED,
    {"detail": "User is locked. Reason: TOP_UP."},
    {"message": "Exhausted balance"},
    {"error": {"type": "authorization_error", "message": "User is locked. Reason: Admin lock."}},
    {"type": "x-fal-error", "error": "FORBIDDEN", "reason": "User is locked. Reason: TOP_UP."},
    {"detail": [{"msg": "User is locked. Reason: TOP_UP."}]},
]
SSE = {"content-type": "text/event-stream"}


def why(status: int, headers: dict[str, str] | None = None, body: Any = None) -> str | None:
    return trouble(exchange("POST https://fal.run/a/b", {}, body, status, headers=headers))


@pytest.mark.parametrize("status", [401, 402, 403, 429, 502, 503])
@pytest.mark.parametrize("headers", [{}, MODEL, PLATFORM])
def test_what_is_trouble_whoever_says_it(status: int, headers: dict[str, str]) -> None:
    assert why(status, headers)


@pytest.mark.parametrize("status", [500, 504, 520])
def test_a_gateways_page_is_trouble_and_a_models_failure_is_not(status: int) -> None:
    assert why(status, {"content-type": "text/html"}) == "the gateway answered, not the model"
    assert why(status, MODEL) is None
    assert why(status, PLATFORM) is None


@pytest.mark.parametrize("status", [200, 204, 400, 404, 405, 418, 422, 499])
def test_what_is_said_about_the_request_is_no_trouble(status: int) -> None:
    assert why(status) is None


@pytest.mark.parametrize("status", [200, 202, 400, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("body", WORDS)
def test_a_locked_account_is_trouble_at_any_status(status: int, body: Any) -> None:
    assert why(status, MODEL, body) == "the account is locked or has no credit"
    event = b"data: " + json.dumps(body).encode() + b"\n\n"
    assert why(status, SSE, event) == "the account is locked or has no credit"


def test_the_same_words_in_what_a_model_says_are_no_trouble() -> None:
    for said in ({"output": "User is locked."}, {"message": "The prompt was: Exhausted balance"}, ["User is locked"]):
        assert why(200, MODEL, said) is None
    assert why(200, MODEL, "User is locked") is None
    assert why(200, SSE, b'data: {"output": "User is locked"}\n\n') is None
    assert why(500, {"content-type": "text/html"}, b"<h1>User is locked") == "the account is locked or has no credit"


@pytest.mark.parametrize("value", WORDS)
def test_words_that_refuse_a_socket(value: Any) -> None:
    assert refusal(value) == "the account is locked or has no credit"


def test_words_of_the_gateway() -> None:
    assert refusal({"status": "error", "error": "Unauthorized"}) == "unauthorized"
    assert refusal({"status": "error", "error": "no"}) == ""
    assert refusal("Unauthorized") == ""


# every kind of call


def of_run(observed: ObservedTraffic, status: int) -> None:
    observed.run("a/b", {}, LOCKED, status)


def of_get(observed: ObservedTraffic, status: int) -> None:
    observed.observe("GET https://fal.run/a/b?n=1", None, LOCKED, status)


def of_method(observed: ObservedTraffic, status: int) -> None:
    observed.observe("DELETE https://fal.run/a/b/items/1", None, LOCKED, status)


def of_stream(observed: ObservedTraffic, status: int) -> None:
    observed.run("a/b/stream", {}, LOCKED, status)


def of_submit(observed: ObservedTraffic, status: int) -> None:
    observed.observe("POST https://queue.fal.run/a/b", {}, LOCKED, status)


def of_status(observed: ObservedTraffic, status: int) -> None:
    job = observed.submit("a/b")
    observed.observe(f"GET {job.url}/status", None, LOCKED, status)


def of_status_stream(observed: ObservedTraffic, status: int) -> None:
    job = observed.submit("a/b")
    observed.observe(f"GET {job.url}/status/stream", None, LOCKED, status)


def of_cancel(observed: ObservedTraffic, status: int) -> None:
    job = observed.submit("a/b")
    observed.observe(f"PUT {job.url}/cancel", None, LOCKED, status)


def of_result(observed: ObservedTraffic, status: int) -> None:
    observed.submit("a/b").result(LOCKED, 1, status)


def of_webhook(observed: ObservedTraffic, status: int) -> None:
    observed.submit("a/b", query="?fal_webhook=https://me.example/x")
    failed = {"status": "ERROR", "error": f"Invalid status code: {status}"} if status >= 400 else {}
    observed.deliver(delivery(LOCKED, **failed), 1.0)


def of_platform(observed: ObservedTraffic, status: int) -> None:
    observed.observe("GET https://api.fal.ai/v1/models", None, LOCKED, status)


def of_file(observed: ObservedTraffic, status: int) -> None:
    observed.observe("GET https://v3.fal.media/files/b/x_cat.png", None, LOCKED, status)


CALLS = [
    of_run,
    of_get,
    of_method,
    of_stream,
    of_submit,
    of_status,
    of_status_stream,
    of_cancel,
    of_result,
    of_webhook,
    of_platform,
]


@pytest.mark.parametrize("call", [*CALLS, of_file])
@pytest.mark.parametrize("status", [402, 403, 422])
def test_account_trouble_is_told_and_not_recorded(call: Callable[[ObservedTraffic, int], None], status: int) -> None:
    observed = ObservedTraffic()
    call(observed, status)
    assert observed.entries == []
    assert "the account is locked or has no credit" in observed.warnings[0]
    assert observed.tally.not_recorded.total() + observed.tally.warnings >= 1


@pytest.mark.parametrize("call", [of_run, of_get, of_method, of_stream, of_submit, of_result, of_webhook, of_platform])
def test_it_is_recorded_if_errors_are_wanted(call: Callable[[ObservedTraffic, int], None]) -> None:
    observed = ObservedTraffic(errors=True)
    call(observed, 403)
    assert observed.entry["response"] == {"status": 403, "json": LOCKED}
    assert observed.loads


@pytest.mark.parametrize("value", WORDS)
def test_a_socket_of_a_locked_account(value: Any) -> None:
    said = ((0, ">", "x"), (1, "<", json.dumps(value)))
    refused = record(*said, to=RAW, close=Close(1008))
    assert entries(refused) == []
    assert "it was refused (the account is locked or has no credit)" in warnings(refused)[0]
    (entry,) = entries(record(*said, to=RAW, close=Close(1008), observed=ObservedTraffic(errors=True)))
    assert entry["realtime"][0]["text"] == json.dumps(value) or entry["realtime"][0]["json"] == value


def test_a_close_that_tells_of_a_locked_account() -> None:
    close = Close(1008, "User is locked. Reason: TOP_UP.")
    outcomes = record((0, ">", "x"), to=RAW, close=close, ended=1)
    assert entries(outcomes) == []
    assert [one.calls for one in outcomes if isinstance(one, NotRecorded)] == [1]
    assert len(entries(record((0, ">", "x"), to=RAW, close=close, observed=ObservedTraffic(errors=True)))) == 1
