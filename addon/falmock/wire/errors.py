"""Fal's error bodies: model errors, request errors, and the texts of the gateways.

The errors themselves stand in `error_table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.wire import platform
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import OTHERS
from falmock.wire.error_table import REQUEST
from falmock.wire.error_table import ErrorKind
from falmock.wire.formats import jsontext

REQUEST_ERRORS: Mapping[str, int] = MappingProxyType({name: error.status for name, error in REQUEST.items()})
"""Platform errors: `error_type` and the HTTP status it comes with."""

ERROR_TYPE_HEADER = b"X-Fal-Error-Type"
RETRY_HEADER = b"X-Fal-Needs-Retry"
TIMEOUT_TYPE_HEADER = b"X-Fal-Request-Timeout-Type"

CANCELLED_TEXT = REQUEST["client_cancelled"].message
TIMED_OUT_TEXT = REQUEST["request_timeout"].message
UNFINISHED = {"detail": "Request is still in progress"}
NOT_FOUND = {"status": "NOT_FOUND"}
ALREADY_COMPLETED = {"status": "ALREADY_COMPLETED"}
NO_AUTHORIZATION_REST = "Authorization header is required"
UNKNOWN_KEY = OTHERS["unknown_key"].message
MALFORMED_KEY = OTHERS["malformed_key"].message


def no_authorization(app: str) -> str:
    """The recorded sentence of the run and queue hosts for a call without a key."""
    return OTHERS["missing_authorization"].message.format(app=app)


def request_error(error_type: str, message: str) -> dict[str, Any]:
    """The body of a platform error."""
    return {"detail": message, "error_type": error_type}


def detail_entry(error_type: str, message: str, loc: Sequence[str | int] = ("body",), **more: Any) -> dict[str, Any]:
    """One entry of a model error's `detail` list; `more` may hold `input`, `ctx`, `url`."""
    return {"type": error_type, "loc": list(loc), "msg": message, **more}


def model_error(error_type: str, message: str, loc: Sequence[str | int] = ("body",), **more: Any) -> dict[str, Any]:
    """The body of a model error with one entry, linked to fal's page about its type."""
    url = f"https://docs.fal.ai/errors/#{error_type}"
    return {"detail": [detail_entry(error_type, message, loc, url=url, **more)]}


def summary(status: int, body: Any) -> tuple[str, str]:
    """The `error` and `error_type` that a COMPLETED status shows for a job whose result is this error.

    The wire of failed jobs is documented in shape only, so the texts are taken from the body itself; where it
    has none, the `error` is the wording of fal's webhooks.
    """
    detail = body.get("detail") if isinstance(body, dict) else None
    error_type = body.get("error_type") if isinstance(body, dict) else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        entry = detail[0]
        return str(entry.get("msg") or f"Invalid status code: {status}"), str(error_type or entry.get("type") or "")
    text = detail if isinstance(detail, str) else f"Invalid status code: {status}"
    if not isinstance(error_type, str):
        error_type = {400: "bad_request", 499: "client_cancelled", 504: "request_timeout"}.get(
            status, "runner_server_error" if status >= 500 else "bad_request"
        )
    return text, error_type


_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class ErrorSpec(NamedTuple):
    """An error to be answered with: its name in the table, and what is to be other than there.

    `loc`, `ctx` and `more` (the `input`) are of model errors only.
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
    """An error ready to send. `headers` are those of this error; `value` is the JSON of the body, None of a page."""

    kind: ErrorKind
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    value: Any

    @property
    def units(self) -> str | None:
        """What the runtime bills: nothing for refused input, and it says so (PROTOCOL.md section 2.5)."""
        return "0" if self.status == 422 else None


def envelope(wanted: ErrorSpec, app: str = "", path: str = "") -> Envelope:
    """The error about a call to `app` (owner/alias, "" for a call to none) and the path below it."""
    error = ERRORS[wanted.name]
    status = error.status if wanted.status is None else wanted.status
    message = wanted.message
    if message is None:
        message = error.message.format(app=app, alias=app.rpartition("/")[2], path=f"/{path.strip('/')}")
        if wanted.name == "missing_authorization" and not app:
            message = NO_AUTHORIZATION_REST
    headers = error.headers
    if error.kind is ErrorKind.PAGE:
        body = _PAGE.format(title=message).encode("utf-8", "replace")
        return Envelope(error.kind, status, "text/html", headers, body, None)
    if error.kind is ErrorKind.MODEL:
        value: Any = model_error(wanted.name, message, wanted.loc or error.loc, **_figures(wanted, error.ctx))
        headers += ((RETRY_HEADER.decode(), "true" if status >= 500 else "false"),)
    elif error.kind is ErrorKind.REQUEST:
        error_type = error.error_type or wanted.name
        value = request_error(error_type, message)
        headers += ((ERROR_TYPE_HEADER.decode(), error_type),)
    elif error.kind is ErrorKind.PLATFORM:
        value = platform.error(error.error_type, message)
    else:
        value = {"detail": message, **error.more}
    if error.kind is ErrorKind.GATEWAY:
        return Envelope(
            error.kind, status, "application/json; charset=utf-8", headers, jsontext.dump_queue(value), value
        )
    return Envelope(error.kind, status, "application/json", headers, jsontext.dump_model(value), value)


def _figures(wanted: ErrorSpec, sample: Mapping[str, Any] | None) -> dict[str, Any]:
    ctx = sample if wanted.ctx is None else wanted.ctx
    return {"ctx": dict(ctx), **wanted.more} if ctx else dict(wanted.more)
