"""Errors in the form of the OpenAI API, and the conversion of fal's errors to that form."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.wire import errors
from falmock.wire.formats import jsontext
from falmock.wire.message import Header
from falmock.wire.message import header_map
from falmock.wire.message import header_value
from falmock.wire.message import reason

REQUEST_ERROR = "invalid_request_error"
SERVER_ERROR = "server_error"
NO_RETRY: Header = (b"x-should-retry", b"false")
"""Prevents that OpenAI's clients retry a call because of its status."""
MAX_WHY = 300
"""How many characters of a message are in the answer's `why`."""
AZURE_CODES = {"invalid_api_key": "401", "model_not_found": "DeploymentNotFound"}
"""Codes of OpenAI's, and what Azure's gateway says instead. The other errors are the models' own, and the same at both."""
_NAMES = {"image_size": "size", "width": "size", "height": "size", "aspect_ratio": "size", "num_images": "n"}
_NAMES |= {"image_url": "image", "image_urls": "image", "mask_url": "mask"}
"""Inputs of models, and the OpenAI parameters that they come from."""


class RefusedCall(Exception):
    """A call that is answered with an error: the message, and the other fields of OpenAI's error object.

    `param` is the wrong parameter, `code` the name of the error, `headers` are added to the answer; `cause` is fal's answer
    if the error comes from it. `is_unmatched`: nothing could answer the call.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = REQUEST_ERROR,
        param: str | None = None,
        code: str | None = None,
        headers: Sequence[Header] = (),
        cause: Reply | None = None,
        is_unmatched: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = tuple(headers)
        self.cause = cause
        self.is_unmatched = is_unmatched

    def reply(self, *, is_azure: bool = False) -> Reply:
        """The answer; with `is_azure`, with Azure's error codes."""
        code = AZURE_CODES.get(self.code or "", self.code) if is_azure else self.code
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": code}
        why = f"openai: {self.code or self.kind}: {self.message[:MAX_WHY]}"
        reply = replies.json_reply(self.status, {"error": error}, why, *self.headers)
        if self.cause is None:
            return reply
        return reply._replace(fixture=self.cause.fixture, miss=self.cause.miss, fault=self.cause.fault)


# what is wrong with a request


def missing(name: str) -> RefusedCall:
    """A required parameter is missing."""
    return RefusedCall(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def unknown(name: str, more: str = "") -> RefusedCall:
    """An unknown parameter; `more` says what to give instead."""
    message = f"Unknown parameter: '{name[:200]}'.{more and f' {more}'}"
    return RefusedCall(message, param=name, code="unknown_parameter")


def wrong_type(name: str, expected: str, value: Any) -> RefusedCall:
    """A parameter of the wrong type; `expected` as in `a string`."""
    message = f"Invalid type for '{name}': expected {expected}, but got {_kind(value)} instead."
    return RefusedCall(message, param=name, code="invalid_type")


def wrong_value(name: str, value: str, expected: str) -> RefusedCall:
    """A parameter whose value is not one of `expected`, as in `'url' and 'b64_json'`."""
    message = f"Invalid value: '{value[:100]}'. Supported values are: {expected}."
    return RefusedCall(message, param=name, code="invalid_value")


def wrong_url(name: str, expected: str) -> RefusedCall:
    """A text that is not a URL; `expected` as in `a valid URL`."""
    message = f"Invalid '{name}'. Expected {expected}, but got a value with an invalid format."
    return RefusedCall(message, param=name, code="invalid_value")


def too_many(name: str, most: int, found: int) -> RefusedCall:
    """More images than the API or a model accepts."""
    lengths = f"Expected an array with maximum length {most}, but got an array with length {found} instead."
    return RefusedCall(f"Invalid '{name}': array too long. {lengths}", param=name, code="array_above_max_length")


def no_such_model(name: str, more: str = "", cause: Reply | None = None, *, for_images: bool = False) -> RefusedCall:
    """An unknown model; `more` says which exist. `for_images`: the call requested images, so it counts as unmatched."""
    return RefusedCall(
        f"The model '{name[:200]}' does not exist{more and f': {more}'}",
        status=404,
        param="model",
        code="model_not_found",
        headers=() if cause is None else marks(cause),
        cause=cause,
        is_unmatched=for_images,
    )


def bad_key(message: str) -> RefusedCall:
    """A request without the access key or with a wrong one. The message does not contain the key."""
    return RefusedCall(message, status=401, code="invalid_api_key")


def _kind(value: Any) -> str:
    names: Mapping[type, str] = {bool: "a boolean", int: "an integer", float: "a decimal number"}
    names = {**names, str: "a string", bytes: "a file"}
    return "null" if value is None else names.get(type(value), "an object" if isinstance(value, dict) else "an array")


# what fal says


def of_fal(reply: Reply, model: str, *, known: bool = True) -> RefusedCall:
    """An error of fal's in OpenAI's form. `known` says whether there is a fixture for the model."""
    headers = header_map(reply.headers)
    body = json_of(reply)
    message = message_of(reply)
    if reply.miss is not None or "x-falmock-miss" in headers:
        if not known:
            return no_such_model(model, message, reply)
        # The code is aimock's; OpenAI's clients do not retry a 404.
        return RefusedCall(message, status=404, code="no_fixture_match", headers=marks(reply), cause=reply)
    kept = marks(reply)
    if reply.status == 401:
        return RefusedCall(message, status=401, code="invalid_api_key", headers=kept, cause=reply)
    if reply.status == 403:
        if is_out_of_balance(reply):
            kept += (NO_RETRY,)
            kind = "insufficient_quota"
            return RefusedCall(message, status=429, kind=kind, code=kind, headers=kept, cause=reply)
        return RefusedCall(message, status=403, code="permission_denied", headers=kept, cause=reply)
    if reply.status == 404:
        return no_such_model(model, message, reply)
    if reply.status == 429:
        return RefusedCall(message, status=429, kind="requests", code="rate_limit_exceeded", headers=kept, cause=reply)
    if reply.status >= 499:
        if reply.status == 499 or headers.get(errors.TIMEOUT_TYPE_HEADER.decode().lower()) == "user":
            kept += (NO_RETRY,)  # the job was cancelled, or the client's own timeout passed
        status = max(reply.status, 500)
        code = _type(body) or None
        return RefusedCall(message, status=status, kind=SERVER_ERROR, code=code, headers=kept, cause=reply)
    param, code = _place(body), _type(body) or None
    return RefusedCall(message, param=param, code=code, headers=kept, cause=reply)


def is_out_of_balance(reply: Reply) -> bool:
    """Whether a 403 of fal's says that the account is locked for its balance (PROTOCOL.md section 1.4)."""
    text = message_of(reply).lower()
    return reply.status == 403 and ("balance" in text or "locked" in text)


def marks(reply: Reply) -> tuple[Header, ...]:
    """The headers of fal's answer that are useful to OpenAI's clients."""
    ours = (
        b"x-falmock-fixture",
        b"x-falmock-miss",
        b"x-falmock-error",
        replies.WARNING_HEADER,
        replies.SYNTHESIZED_HEADER,
    )
    kept = (*ours, b"retry-after", NO_RETRY[0])
    found = tuple((name.lower(), value) for name, value in reply.headers if name.lower() in kept)
    request_id = header_map(reply.headers).get("x-fal-request-id")
    return (*found, (b"x-request-id", header_value(request_id))) if request_id else found


def json_of(reply: Reply) -> Mapping[str, Any]:
    """The JSON object in an answer; empty if there is none."""
    return jsontext.object_of(reply.body if isinstance(reply.body, bytes) else b"") or {}


def _details(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    detail = body.get("detail")
    return [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []


def message_of(reply: Reply) -> str:
    """What an error of fal's says."""
    body = json_of(reply)
    entries = _details(body)
    if entries:
        return "; ".join(_detail_text(entry) for entry in entries)
    for name in ("detail", "message", "error"):
        text = body.get(name)
        text = text.get("message") if isinstance(text, dict) else text  # the form of api.fal.ai
        if isinstance(text, str) and text:
            return text
    return f"fal answered {reply.status} {reason(reply.status).decode()}".rstrip()


def _detail_text(entry: Mapping[str, Any]) -> str:
    name = _field(entry)
    text = str(entry.get("msg") or entry.get("type") or "Invalid input")
    return f"{name}: {text}" if name and entry.get("type") != "content_policy_violation" else text


def _field(entry: Mapping[str, Any]) -> str:
    loc = entry.get("loc")
    steps = [str(step) for step in loc] if isinstance(loc, list) else []
    return ".".join(steps[1:] if steps[:1] == ["body"] else steps)


def _place(body: Mapping[str, Any]) -> str | None:
    """The parameter of the first detail, by OpenAI's name; None if there is none."""
    for entry in _details(body):
        name = _field(entry).partition(".")[0]
        return _NAMES.get(name, name) or None
    return None


def _type(body: Mapping[str, Any]) -> str:
    for entry in _details(body):
        return str(entry.get("type") or "")
    kind = body.get("error_type")
    return kind if isinstance(kind, str) else ""
