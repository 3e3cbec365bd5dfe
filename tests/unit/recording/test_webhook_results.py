from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.recording.outcome import Level
from falmock.recording.outcome import Tell
from falmock.wire.message import Request
from unit.fixtures.build import decoded
from unit.recording.exchanges import FAILED
from unit.recording.exchanges import START
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import saves
from unit.recording.exchanges import warnings

# announced


def test_a_client_with_a_webhook_is_told_when_it_will_be_recorded(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b", query="?fal_webhook=https%3A%2F%2Fex.com%2Fhook")
    (told,) = observed.observed
    assert told == Tell(
        "job id-1 of a/b has a webhook: it is recorded when its result is fetched from the queue, or when the webhook comes to "
        "the app through here (mitmproxy's mode reverse)",
        Level.INFO,
    )
    job.result({"n": 1}, 3600)
    assert observed.entry["response"] == {"json": {"n": 1}}
    assert "queue" not in observed.entry
    assert observed.entry["match"]["input"] == {}


def test_a_client_with_a_webhook_that_never_comes_is_named(observed: ObservedTraffic) -> None:
    observed.submit("a/b", query="?fal_webhook=https%3A%2F%2Fex.com%2Fhook")
    (text,) = warnings(observed.finish())
    assert text.startswith("job id-1 of a/b is not recorded: its result was never fetched; it is recorded when")


# delivered


def delivery(payload: Any = None, request_id: str = "id-1", **told: Any) -> Request:
    value = {"error": None, "payload": payload, "request_id": request_id, "status": "OK", **told}
    headers = {"x-fal-webhook-request-id": request_id, "content-type": "application/json"}
    return Request("POST", "app.example", "/hook", "", headers, json.dumps(value).encode())


def ordered(observed: ObservedTraffic) -> None:
    observed.submit("a/b", query="?fal_webhook=https%3A%2F%2Fex.com%2Fhook")


def test_what_a_webhook_was_told_is_the_result(observed: ObservedTraffic) -> None:
    ordered(observed)
    (save,) = saves(observed.deliver(delivery({"seed": 2**64 - 1}), START + 3))
    assert save.entry["response"] == {"json": {"seed": 2**64 - 1}}
    assert save.entry["queue"] == {"started": 3.0, "completed": 3.0}
    assert decoded(save.entry).problems == []
    assert observed.deliver(delivery({"seed": 1}), START + 4) == [], "fal delivers again"
    assert observed.finish() == []


def test_a_failure_that_a_webhook_was_told(observed: ObservedTraffic) -> None:
    ordered(observed)
    told = delivery(FAILED, status="ERROR", error="Invalid status code: 422")
    (save,) = saves(observed.deliver(told, START + 3))
    assert save.entry["response"] == {"status": 422, "json": FAILED}


@pytest.mark.parametrize(
    "told",
    [
        delivery(None, payload_error="Response payload is not JSON serializable."),
        delivery({}, status="ERROR", error="something else"),
        delivery({})._replace(body=b"not JSON"),
        delivery({})._replace(body=b"[]"),
    ],
)
def test_a_delivery_that_tells_no_result(observed: ObservedTraffic, told: Request) -> None:
    ordered(observed)
    found = observed.deliver(told, START + 3)
    assert warnings(found) == ["the webhook of job id-1 of a/b is not recorded: it has no result"]
    assert len(warnings(observed.finish())) == 1


def test_deliveries_of_others_are_passed_over(observed: ObservedTraffic) -> None:
    ordered(observed)
    assert observed.deliver(delivery({}, request_id="other"), START) == []
    assert observed.deliver(delivery({})._replace(headers={}), START) == []
    assert observed.deliver(delivery({})._replace(method="GET"), START) == []
