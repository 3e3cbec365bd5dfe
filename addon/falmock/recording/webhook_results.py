"""Reads the results of jobs from fal's webhook requests to the app (PROTOCOL.md section 3.7)."""

from __future__ import annotations

import re
from typing import NamedTuple

from falmock.recording.exchange import Exchange
from falmock.wire.formats import jsontext
from falmock.wire.message import Request

REQUEST_ID = "x-fal-webhook-request-id"
"""The header that every delivery has (lower case)."""
_FAILED = re.compile(r"Invalid status code: (\d{3})")


class WebhookResult(NamedTuple):
    """The result of a job as if it had been fetched; None if the webhook does not contain it."""

    request_id: str
    result: Exchange | None


def read(request: Request, at: float) -> WebhookResult | None:
    """The result in a webhook request at a time (seconds since the epoch); None if the request is not a webhook."""
    request_id = request.headers.get(REQUEST_ID)
    if not request_id or request.method != "POST":
        return None
    delivered = jsontext.object_of(request.body, exact=True)
    if delivered is None or delivered.get("payload") is None:
        return WebhookResult(request_id, None)
    failed = _FAILED.fullmatch(str(delivered.get("error")))
    if failed is None and delivered.get("status") != "OK":
        return WebhookResult(request_id, None)
    body = jsontext.dump_exact(delivered["payload"], indent=None).encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json", "x-fal-request-id": request_id}
    return WebhookResult(request_id, Exchange(request, at, int(failed[1]) if failed else 200, headers, body, at))
