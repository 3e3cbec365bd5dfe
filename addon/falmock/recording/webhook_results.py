"""Webhooks of fal's on their way to the app, read as the results that they tell (PROTOCOL.md section 3.7)."""

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
    """What a webhook was told of a job: the result as if it had been fetched; None where that cannot be known."""

    request_id: str
    result: Exchange | None


def read(request: Request, at: float) -> WebhookResult | None:
    """What a request that came at a time (seconds since the epoch) tells of a job; None where it is no delivery."""
    request_id = request.headers.get(REQUEST_ID)
    if not request_id or request.method != "POST":
        return None
    told = jsontext.object_of(request.body, exact=True)
    if told is None or told.get("payload") is None:
        return WebhookResult(request_id, None)
    failed = _FAILED.fullmatch(str(told.get("error")))
    if failed is None and told.get("status") != "OK":
        return WebhookResult(request_id, None)
    body = jsontext.dump_exact(told["payload"], indent=None).encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json", "x-fal-request-id": request_id}
    return WebhookResult(request_id, Exchange(request, at, int(failed[1]) if failed else 200, headers, body, at))
