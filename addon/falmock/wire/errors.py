"""Fal's error bodies: model errors, request errors, and the texts of the gateways.

`error_table` lists the errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.wire import platform
from falmock.wire import pydantic_types
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import OTHERS
from falmock.wire.error_table import REQUEST
from falmock.wire.error_table import ErrorKind
from falmock.wire.formats import jsontext

REQUEST_ERRORS: Mapping[str, int] = MappingProxyType({name: error.status for name, error in REQUEST.items()})
"""The HTTP status of each platform error, by `error_type`."""

ERROR_TYPE_HEADER = b"X-Fal-Error-Type"
RETRY_HEADER = b"X-Fal-Needs-Retry"
TIMEOUT_TYPE_HEADER = b"X-Fal-Request-Timeout-Type"

WORTH_RETRYING = (RETRY_HEADER, b"1")
"""The header of a temporary failure: the queue tries again after these by itself, a caller of fal.run has to."""
_TEMPORARY = (503, 504)
_ERROR_PAGE = "https://docs.fal.ai/errors"

CANCELLED_TEXT = REQUEST["client_cancelled"].message
TIMED_OUT_TEXT = REQUEST["request_timeout"].message
UNFINISHED = {"detail": "Request is still in progress"}
NOT_FOUND = {"status": "NOT_FOUND"}
ALREADY_COMPLETED = {"status": "ALREADY_COMPLETED"}
CANCELLATION_REQUESTED = {"status": "CANCELLATION_REQUESTED"}
NO_AUTHORIZATION_REST = "Authorization header is required"
UNKNOWN_KEY = OTHERS["invalid_key_credentials"].message
MALFORMED_KEY = OTHERS["malformed_key"].message
BEARER_NOT_DECODED = OTHERS["bearer_not_decoded"].message
BEARER_EXPIRED = "bearer: token has expired"
"""falmock's own words: no recording shows fal's."""


def no_authorization(app: str) -> str:
    """The text of the run and queue hosts for a call without a key."""
    return OTHERS["missing_authorization"].message.format(app=app)


def request_error(error_type: str, message: str) -> dict[str, Any]:
    """The body of a platform error."""
    return {"detail": message, "error_type": error_type}


def model_error(error_type: str, message: str, loc: Sequence[str | int] = ("body",), **more: Any) -> dict[str, Any]:
    """The body of a model error with one entry; `more` may contain `ctx` and `input`.

    `url` links to the page about its type: fal's, or Pydantic's for a type of Pydantic's own.
    """
    home = pydantic_types.URL if error_type in pydantic_types.TYPES else f"{_ERROR_PAGE}#"
    return {"detail": [{"loc": list(loc), "msg": message, "type": error_type, "url": home + error_type, **more}]}


def status_error(body: Any) -> tuple[str | None, str | None]:
    """The `error` and `error_type` in the COMPLETED status of a job whose result is this body; None: no such key.

    Errors of the platform have both. Whether the status repeats a model's own error is not recorded, so it does not
    (PROTOCOL.md section 3.2).
    """
    detail, error_type = (body.get("detail"), body.get("error_type")) if isinstance(body, dict) else (None, None)
    if not isinstance(error_type, str):
        return None, None
    return detail if isinstance(detail, str) else None, error_type


def text_of(status: int, body: Any) -> str:
    """The text of an error body; if it has none, as fal's webhooks word it."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        detail = detail[0].get("msg")
    return detail if isinstance(detail, str) and detail else f"Invalid status code: {status}"


_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class ErrorSpec(NamedTuple):
    """An error to answer with: its name in `error_table`, and what replaces the values there (None: nothing).

    Only model errors use `loc`, `ctx` and `more` (the `input`).
    """

    name: str
    message: str | None = None
    loc: tuple[str | int, ...] | None = None
    ctx: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = MappingProxyType({})
    status: int | None = None

    @property
    def kind(self) -> ErrorKind:
        """Who answers with it."""
        return ERRORS[self.name].kind


class Envelope(NamedTuple):
    """An error that is ready to send. `value` is the JSON value of the body; None for an HTML page."""

    kind: ErrorKind
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    value: Any

    @property
    def units(self) -> str | None:
        """`x-fal-billable-units`: the runtime sends 0 for refused input (PROTOCOL.md section 2.5); None if it sends none."""
        return "0" if self.status == 422 else None


def envelope(spec: ErrorSpec, app: str = "", path: str = "") -> Envelope:
    """Build the error for a call to `app` (owner/alias; "" if the call is to no app) and the path below it."""
    error = ERRORS[spec.name]
    status = error.status if spec.status is None else spec.status
    message = spec.message
    if message is None:
        message = error.message.format(app=app, alias=app.rpartition("/")[2], path=f"/{path.strip('/')}")
        if spec.name == "missing_authorization" and not app:
            message = NO_AUTHORIZATION_REST
    headers = error.headers
    if error.kind is ErrorKind.PAGE:
        body = _PAGE.format(title=message).encode("utf-8", "replace")
        return Envelope(error.kind, status, "text/html", headers, body, None)
    if error.kind is ErrorKind.MODEL:
        value: Any = model_error(spec.name, message, spec.loc or error.loc, **_figures(spec, error.ctx))
        headers += ((RETRY_HEADER.decode(), "true" if status >= 500 else "false"),)
    elif error.kind is ErrorKind.REQUEST:
        error_type = error.error_type or spec.name
        value = request_error(error_type, message)
        headers += ((ERROR_TYPE_HEADER.decode(), error_type),)
        # The timeout that a caller set is final: no client retries it.
        if status in _TEMPORARY and not error.headers:
            headers += ((RETRY_HEADER.decode(), WORTH_RETRYING[1].decode()),)
    elif error.kind is ErrorKind.PLATFORM:
        value = platform.error(error.error_type, message)
    else:
        value = {"detail": message, **error.more}
    if error.kind is ErrorKind.GATEWAY:
        return Envelope(
            error.kind, status, "application/json; charset=utf-8", headers, jsontext.dump_queue(value), value
        )
    return Envelope(error.kind, status, "application/json", headers, jsontext.dump_model(value), value)


def _figures(spec: ErrorSpec, sample: Mapping[str, Any] | None) -> dict[str, Any]:
    ctx = sample if spec.ctx is None else spec.ctx
    return {"ctx": dict(ctx), **spec.more} if ctx else dict(spec.more)
