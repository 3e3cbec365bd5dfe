from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from falmock.engine.effects import Delivery
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.gateway.openai import errors
from falmock.gateway.openai import fal_calls
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.wire.formats.multipart import Part
from falmock.wire.message import Request


class Fal:
    """Answers calls and records them."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answer(request)


def ok(body: bytes = b"", status: int = 200) -> Reply:
    return Reply(status, (), body, "answered")


def request(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "here", "/v1/images/generations", "", named, b"")


def test_headers_that_are_for_fal_too() -> None:
    given = request(
        authorization="Bearer x", x_fal_queue_priority="low", cookie="c", origin="o", x_falmock_fault="f", x_test_id="t"
    )
    kept = {"accept": "application/json", "x-fal-queue-priority": "low"}
    ours = {"authorization": "Bearer x", "x-falmock-fault": "f"}
    assert fal_calls.headers_of(given, forwards=True) == kept
    assert fal_calls.headers_of(given, forwards=False) == kept | ours


@pytest.mark.parametrize(
    ("given", "key", "kept"),
    [
        ({"authorization": "Bearer  x "}, "x", "Bearer  x "),
        ({"authorization": "Key x"}, "", "Key x"),
        ({"api_key": "y"}, "y", "Bearer y"),
        ({"authorization": "Bearer x", "api_key": "y"}, "x", "Bearer x"),
        ({}, "", None),
    ],
)
def test_keys(given: dict[str, str], key: str, kept: str | None) -> None:
    assert fal_calls.key_of(request(**given)) == key
    assert fal_calls.headers_of(request(**given), forwards=False).get("authorization") == kept
    assert "authorization" not in fal_calls.headers_of(request(**given), forwards=True)


@pytest.mark.parametrize(
    ("given", "deadline"),
    [
        ({"x_fal_request_timeout": "5", "x_stainless_timeout": "600"}, "5"),
        ({"x_stainless_read_timeout": "600"}, "600"),
        ({"x_stainless_timeout": "60.5"}, "60.5"),
        ({"x_stainless_timeout": "0"}, None),
        ({"x_stainless_timeout": "None"}, None),
        ({}, None),
    ],
)
def test_no_job_starts_when_its_client_has_gone(given: dict[str, str], deadline: str | None) -> None:
    assert fal_calls.headers_of(request(**given), forwards=True).get("x-fal-request-timeout") == deadline


def test_a_submit() -> None:
    calls = FalCalls(Fal(lambda _: ok()).ask, "mine", {"accept": "application/json"})
    run = calls.submit("fal-ai/flux/dev", {"prompt": "é"})
    assert (run.method, run.host, run.path, run.scope) == ("POST", "queue.fal.run", "/fal-ai/flux/dev", "mine")
    assert json.loads(run.body) == {"prompt": "é"}
    assert run.headers["content-type"] == "application/json"
    schema = calls.schema("fal-ai/flux/dev")
    assert (schema.host, schema.query) == ("fal.ai", "endpoint_id=fal-ai/flux/dev")
    assert "authorization" not in schema.headers


@pytest.mark.parametrize("delivery", [Delivery(cut=3), Delivery(reset=ResetPoint.BEFORE_HEADERS)])
def test_a_connection_that_breaks_is_an_error(delivery: Delivery) -> None:
    fal = Fal(lambda _: ok(b"{}")._replace(delivery=delivery, fault="broken"))
    calls = FalCalls(fal.ask, "", {})
    reply = asyncio.run(calls.ask(calls.submit("a/b", {}), "k:s"))
    assert (reply.status, reply.fault) == (502, "broken")
    assert fal.asked[0].headers["authorization"] == "Key k:s"


def upload(part: Part, begun: Reply, stored: Reply, key: str | None = "k:s") -> tuple[str, list[Request]]:
    fal = Fal(lambda request: begun if request.method == "POST" else stored)
    headers = {"accept": "application/json", "x-falmock-fault": "f", "x-fal-request-timeout": "1"}
    url = asyncio.run(FalCalls(fal.ask, "mine", headers).upload(part, key))
    return url, fal.asked


URLS = ok(b'{"upload_url": "https://v3b.fal.media/u/x?sig=1", "file_url": "https://v3b.fal.media/x"}')


@pytest.mark.parametrize(
    ("part", "name", "content_type"),
    [
        (Part("image", b"x", "../a b.png", "image/png"), "a_b.png", "image/png"),
        (Part("image", b"\x89PNG\r\n\x1a\n", "blob", "application/octet-stream"), "blob", "image/png"),
        (Part("image", b"\xff\xd8\xff", "", ""), "image.jpg", "image/jpeg"),
        (Part("image", b"x", "..", "no type"), "image.bin", "application/octet-stream"),
    ],
)
def test_an_upload(part: Part, name: str, content_type: str) -> None:
    url, (begin, put) = upload(part, URLS, ok())
    assert url == "https://v3b.fal.media/x"
    assert (begin.host, begin.path, begin.query) == (
        "rest.fal.ai",
        "/storage/upload/initiate",
        "storage_type=fal-cdn-v3",
    )
    assert json.loads(begin.body) == {"content_type": content_type, "file_name": name}
    assert begin.headers == {
        "accept": "application/json",
        "content-type": "application/json",
        "authorization": "Key k:s",
    }
    assert (put.method, put.host, put.path, put.query, put.body) == ("PUT", "v3b.fal.media", "/u/x", "sig=1", part.data)
    assert put.headers == {"content-type": content_type}
    assert {begin.scope, put.scope} == {"mine"}


@pytest.mark.parametrize(
    ("begun", "stored", "status"),
    [
        (ok(b'{"detail": "no key"}', 401), ok(), 401),
        (ok(b"<html>", 502), ok(), 502),
        (ok(b"{}"), ok(), 502),
        (URLS, ok(b"", 503), 503),
    ],
)
def test_an_upload_that_fails(begun: Reply, stored: Reply, status: int) -> None:
    with pytest.raises(RefusedCall) as caught:
        upload(Part("image", b"x", "a.png", "image/png"), begun, stored)
    assert caught.value.status == status


def fetch(url: str, reply: Reply) -> bytes:
    return asyncio.run(FalCalls(Fal(lambda _: reply).ask, "", {}).fetch(url))


def test_a_file_is_fetched() -> None:
    assert fetch("https://v3b.fal.media/a.png?x=1", ok(b"png")) == b"png"
    assert fetch("data:image/png;base64,cG5n", ok()) == b"png"
    assert fetch("data:image/svg+xml,%3Csvg%3E", ok()) == b"<svg>"


@pytest.mark.parametrize(
    ("url", "reply"),
    [
        ("https://v3b.fal.media/a.png", ok(b"", 404)),
        ("https://v3b.fal.media/a.png", ok()._replace(body=FileBody("x", 0, 1))),
        ("ftp://v3b.fal.media/a.png", ok()),
        ("a.png", ok()),
        ("data:image/png;base64,c", ok()),
    ],
)
def test_a_file_that_cannot_be_fetched(url: str, reply: Reply) -> None:
    with pytest.raises(RefusedCall, match="could not be fetched") as caught:
        fetch(url, reply)
    assert (caught.value.status, caught.value.kind) == (502, "server_error")
    assert errors.NO_RETRY in caught.value.headers  # another one would be made, and billed
