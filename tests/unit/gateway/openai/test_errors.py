from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import Query
from falmock.fixtures.matching.miss import report
from falmock.gateway.openai import errors as openai_errors
from falmock.gateway.openai.errors import RefusedCall
from falmock.redaction.redactor import Redactor
from falmock.wire import errors
from falmock.wire.error_table import ERRORS
from falmock.wire.message import header_map


def told(refused: RefusedCall) -> tuple[int, str | None, str | None, str]:
    """Status, code, parameter and message of the answer, in OpenAI's envelope."""
    reply = refused.reply()
    assert isinstance(reply.body, bytes)
    body = json.loads(reply.body)
    assert list(body) == ["error"]
    error = body["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return reply.status, error["code"], error["param"], error["message"]


def of_fal(status: int, body: Any, *headers: tuple[bytes, bytes]) -> RefusedCall:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return openai_errors.of_fal(Reply(status, headers, content, "fal's answer"), "my-model")


BALANCE = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"detail": "No user"}, (401, "invalid_api_key", None, "No user")),
        (403, {"detail": BALANCE}, (429, "insufficient_quota", None, BALANCE)),
        (403, {"detail": "Forbidden"}, (403, "permission_denied", None, "Forbidden")),
        (404, {"detail": "none"}, (404, "model_not_found", "model", "The model 'my-model' does not exist: none")),
        (429, {"detail": "Reached it"}, (429, "rate_limit_exceeded", None, "Reached it")),
        (
            422,
            errors.model_error("missing", "Field required", ("body", "prompt")),
            (400, "missing", "prompt", "prompt: Field required"),
        ),
        (
            422,
            errors.model_error("less_than", "Too wide", ("body", "image_size", "width")),
            (400, "less_than", "size", "image_size.width: Too wide"),
        ),
        (
            422,
            errors.model_error("less_than_equal", "At most 4", ("body", "num_images")),
            (400, "less_than_equal", "n", "num_images: At most 4"),
        ),
        (
            422,
            errors.model_error("content_policy_violation", "No.", ("body", "prompt")),
            (400, "content_policy_violation", "prompt", "No."),
        ),
        (400, {"detail": "Bad", "error_type": "bad_request"}, (400, "bad_request", None, "Bad")),
        (418, b"a teapot", (400, None, None, "fal answered 418 I'm a Teapot")),
        (500, {"detail": "Internal Server Error"}, (500, None, None, "Internal Server Error")),
        (500, {"error": {"type": "server_error", "message": "Oh"}}, (500, None, None, "Oh")),
        (502, b"<html>", (502, None, None, "fal answered 502 Bad Gateway")),
        (504, {"detail": "Late", "error_type": "request_timeout"}, (504, "request_timeout", None, "Late")),
        (499, {"detail": "Cancelled", "error_type": "client_cancelled"}, (500, "client_cancelled", None, "Cancelled")),
        (422, {"detail": ["odd", {"loc": 5}]}, (400, None, None, "Invalid input")),
        (422, [], (400, None, None, "fal answered 422 Unprocessable Entity")),
    ],
)
def test_what_fal_says(status: int, body: Any, expected: Any) -> None:
    assert told(of_fal(status, body)) == expected


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_of_fals_has_a_status_that_openais_clients_know(name: str) -> None:
    error = ERRORS[name]
    refused = of_fal(error.status, {"detail": error.message})
    assert refused.status in (400, 401, 403, 404, 429, 500, 501, 502, 503, 504)
    assert (refused.status >= 500) == (error.status >= 499)
    assert refused.message


def test_what_is_not_to_be_repeated() -> None:
    waited = of_fal(504, {"detail": "Late"}, (errors.TIMEOUT_TYPE_HEADER, b"user"))
    assert openai_errors.NO_RETRY in waited.headers
    assert openai_errors.NO_RETRY in of_fal(403, {"detail": BALANCE}).headers
    assert openai_errors.NO_RETRY in of_fal(499, {"detail": "Cancelled"}).headers
    assert openai_errors.NO_RETRY not in of_fal(504, {"detail": "Late"}).headers
    assert openai_errors.NO_RETRY not in of_fal(429, {"detail": "Busy"}).headers


def test_the_request_id_has_openais_name() -> None:
    refused = of_fal(500, {}, (b"x-fal-request-id", b"abc"), (b"Retry-After", b"3"), (b"x-other", b"1"))
    assert dict(refused.headers) == {b"x-request-id": b"abc", b"retry-after": b"3"}


def test_a_miss() -> None:
    found = report(Index(), Query("a/b", "POST", {}, "{}", ""), Redactor())
    missed = replies.miss_reply(found)
    known, unknown = (openai_errors.of_fal(missed, "a/b", known=known) for known in (True, False))
    assert told(known) == (404, "no_fixture_match", None, found.text)
    assert told(unknown)[:3] == (404, "model_not_found", "model")
    for refused in (known, unknown):
        assert refused.reply().miss is found
    assert header_map(known.reply().headers)["x-falmock-miss"] == "1"


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (openai_errors.missing("prompt"), "Missing required parameter: 'prompt'."),
        (openai_errors.unknown("foo"), "Unknown parameter: 'foo'."),
        (
            openai_errors.wrong_type("n", "an integer", "3"),
            "Invalid type for 'n': expected an integer, but got a string instead.",
        ),
        (
            openai_errors.wrong_type("n", "an integer", []),
            "Invalid type for 'n': expected an integer, but got an array instead.",
        ),
        (
            openai_errors.wrong_value("f", "x" * 200, "'a' and 'b'"),
            f"Invalid value: '{'x' * 100}'. Supported values are: 'a' and 'b'.",
        ),
    ],
)
def test_words(refused: RefusedCall, expected: str) -> None:
    assert told(refused)[3] == expected
    assert refused.status == 400
