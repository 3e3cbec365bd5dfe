"""An error by its name, as it goes over the wire: status, headers and body."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.wire import errors
from falmock.wire import jsontext
from falmock.wire import platform
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import Kind

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class Wanted(NamedTuple):
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
    def kind(self) -> Kind:
        """Who answers with it."""
        return ERRORS[self.name].kind


class Envelope(NamedTuple):
    """An error ready to send. `headers` are those of this error; `value` is the JSON of the body, None of a page."""

    kind: Kind
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    value: Any

    @property
    def units(self) -> str | None:
        """What the runtime bills: nothing for refused input, and it says so (section 2.5)."""
        return "0" if self.status == 422 else None


def envelope(wanted: Wanted, app: str = "", path: str = "") -> Envelope:
    """The error about a call to `app` (owner/alias, "" for a call to none) and the path below it."""
    error = ERRORS[wanted.name]
    status = error.status if wanted.status is None else wanted.status
    message = wanted.message
    if message is None:
        message = error.message.format(app=app, alias=app.rpartition("/")[2], path=f"/{path.strip('/')}")
        if wanted.name == "missing_authorization" and not app:
            message = errors.NO_AUTHORIZATION_REST
    headers = error.headers
    if error.kind is Kind.PAGE:
        body = _PAGE.format(title=message).encode("utf-8", "replace")
        return Envelope(error.kind, status, "text/html", headers, body, None)
    if error.kind is Kind.MODEL:
        value: Any = errors.model_error(wanted.name, message, wanted.loc or error.loc, **_figures(wanted, error.ctx))
        headers += ((errors.RETRY_HEADER.decode(), "true" if status >= 500 else "false"),)
    elif error.kind is Kind.REQUEST:
        error_type = error.error_type or wanted.name
        value = errors.request_error(error_type, message)
        headers += ((errors.ERROR_TYPE_HEADER.decode(), error_type),)
    elif error.kind is Kind.PLATFORM:
        value = platform.error(error.error_type, message)
    else:
        value = {"detail": message, **error.more}
    if error.kind is Kind.GATEWAY:
        return Envelope(
            error.kind, status, "application/json; charset=utf-8", headers, jsontext.dump_queue(value), value
        )
    return Envelope(error.kind, status, "application/json", headers, jsontext.dump_model(value), value)


def _figures(wanted: Wanted, sample: Mapping[str, Any] | None) -> dict[str, Any]:
    ctx = sample if wanted.ctx is None else wanted.ctx
    return {"ctx": dict(ctx), **wanted.more} if ctx else dict(wanted.more)
