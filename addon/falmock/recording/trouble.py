"""Tells fal's own trouble from a model's answer: what is no property of the model is not worth a fixture."""

from __future__ import annotations

from collections.abc import Mapping

_ALWAYS = {
    401: "not authorized",
    403: "forbidden, or the account is locked",
    429: "too many requests",
    502: "bad gateway",
    503: "no runner, or the service is down",
}
_OF_GATEWAY = "the gateway answered, not the model"


def trouble(status: int, headers: Mapping[str, str]) -> str | None:
    """Why an answer is fal's own trouble, in a few words; None for one that belongs into a fixture.

    A model's own 500 or 504 carries the request id, a platform error that concerns this request (a start deadline
    that passed) its error type; the gateway's own pages carry neither (fal-protocol.md sections 2.3, 7.2, 7.4).
    """
    if status in _ALWAYS:
        return _ALWAYS[status]
    if status >= 500 and "x-fal-request-id" not in headers and "x-fal-error-type" not in headers:
        return _OF_GATEWAY
    return None
