"""Which answers are failures of fal itself: they say nothing about the call, so they do not belong into fixtures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from falmock.recording.exchange import Exchange
from falmock.recording.values import texts
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

_ALWAYS: Mapping[int, str] = MappingProxyType(
    {
        401: "not authorized",
        402: "payment required",
        403: "forbidden, or the account is locked",
        429: "too many requests",
        502: "bad gateway",
        503: "no runner, or the service is down",
    }
)
_OF_GATEWAY = "the gateway answered, not the model"
OF_ACCOUNT = "the account is locked or has no credit"
_ACCOUNT = re.compile(r"User is locked|Exhausted balance")
"""How fal words the trouble of an account (PROTOCOL.md section 1.4)."""
_ACCOUNT_BYTES = re.compile(_ACCOUNT.pattern.encode())
_SAYING = ("detail", "error", "message", "reason")
"""The keys under which fal says what is wrong."""


def trouble(exchange: Exchange) -> str | None:
    """Why an answer is a failure of fal itself, in a few words; None if it belongs into a fixture.

    A 500 or 504 of the model has the request id. A platform error about this request (such as a start deadline that
    passed) has an error type. Pages of the gateway have neither (PROTOCOL.md sections 2.3, 7.2, 7.4).
    """
    status, headers = exchange.status, exchange.headers
    if _ACCOUNT_BYTES.search(exchange.body) and (status >= 400 or any(map(is_of_account, _values(exchange)))):
        return OF_ACCOUNT
    if status in _ALWAYS:
        return _ALWAYS[status]
    if status >= 500 and "x-fal-request-id" not in headers and "x-fal-error-type" not in headers:
        return _OF_GATEWAY
    return None


def refusal(value: Any) -> str:
    """Why a message on a socket refuses the client, in a few words; "" if it does not (PROTOCOL.md section 5.3)."""
    if isinstance(value, dict) and value.get("status") == "error" and value.get("error") == "Unauthorized":
        return "unauthorized"
    return OF_ACCOUNT if is_of_account(value) else ""


def is_of_account(value: Any) -> bool:
    """Whether a JSON value says in fal's words that the account is locked or has no credit."""
    return isinstance(value, dict) and tells_of_account(
        text for key in _SAYING if key in value for text in texts(value[key])
    )


def tells_of_account(said: Iterable[str]) -> bool:
    """Whether a text begins with fal's words for a locked account; a prompt may hold them further behind."""
    return any(map(_ACCOUNT.match, said))


def _values(exchange: Exchange) -> Iterator[Any]:
    """The JSON value of a body, or those of the events in it."""
    if exchange.content_type == sse.MEDIA_TYPE:
        yield from (jsontext.value_of(event.data.encode()) for event in sse.Parser().feed(exchange.body))
    else:
        yield jsontext.value_of(exchange.body)
