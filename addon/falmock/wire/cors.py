"""Cross-origin headers (PROTOCOL.md section 1.5), as Starlette's middleware sends them on fal.run."""

from __future__ import annotations

from collections.abc import Mapping

from falmock.wire.message import Header
from falmock.wire.message import header_value

EXPOSED = (
    b"*, x-fal-request-id, x-fal-billable-units, x-fal-error-type, x-fal-request-timeout-type, x-fal-served-from, "
    b"x-falmock-fixture, x-falmock-miss, x-falmock-fault, x-falmock-error, x-falmock-warning, x-falmock-synthesized, etag, content-range, "
    b"accept-ranges"
)
_METHODS = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_EXPOSE = (b"access-control-expose-headers", EXPOSED)
_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_WILDCARD = (_ANY_ORIGIN, _CREDENTIALS, _EXPOSE)


def simple(headers: Mapping[str, str]) -> tuple[Header, ...]:
    """The headers for a request that is not a preflight; none if it has no Origin."""
    origin = headers.get("origin")
    if origin is None:
        return ()
    if "cookie" in headers:  # an answer with credentials must name the origin
        return ((b"access-control-allow-origin", header_value(origin)), (b"vary", b"Origin"), _CREDENTIALS, _EXPOSE)
    return _WILDCARD


def public() -> tuple[Header, ...]:
    """The headers of a CDN answer: open to every origin, even if the request has no Origin."""
    return (_ANY_ORIGIN, _EXPOSE)


def preflight(headers: Mapping[str, str]) -> tuple[Header, ...]:
    """The headers for an OPTIONS request: everything that it requests is allowed."""
    origin = headers.get("origin", "*")
    return (
        (b"access-control-allow-origin", header_value(origin)),
        (b"vary", b"Origin"),
        _CREDENTIALS,
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", b"600"),
        (b"access-control-allow-headers", header_value(headers.get("access-control-request-headers", "*"))),
    )
