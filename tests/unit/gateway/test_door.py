"""Answers of the doors themselves are in the journal exactly once."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from falmock.engine.effects import Reply
from falmock.gateway import door
from unit.gateway.all_doors import MODEL
from unit.gateway.all_doors import World

KEY = "0123456789abcdef:fedcba9876543210fedc"
IMAGES = "/v1/images/generations"
PROXY = "/api/fal/proxy"
RUN = "https://fal.run/a/b"


def journal(world: World, **query: str) -> list[dict[str, Any]]:
    return list(steered(world, "GET", f"/__falmock/journal?{urlencode(query)}")["entries"])


def is_all_matched(world: World) -> bool:
    return world.direct("POST", "/__falmock/verify", {"nothing_unmatched": True}).status == 200


def steered(world: World, method: str, path: str, body: Any = None) -> Any:
    reply = world.direct(method, path, body)
    assert (reply.status, type(reply.body)) == (200, bytes), reply.body
    return json.loads(reply.body)  # type: ignore[arg-type]


def told(entry: dict[str, Any]) -> tuple[Any, ...]:
    return entry["door"], entry["call"], entry["status"], entry["miss"] is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "expected"),
    [
        ("POST", IMAGES, {"model": "x/y", "prompt": "a"}, {}, ("openai", "submit", 404, True)),
        ("POST", IMAGES, {"model": "nope", "prompt": "a"}, {}, ("openai", "images", 404, True)),
        ("POST", IMAGES, {"model": MODEL}, {}, ("openai", "images", 400, False)),
        ("GET", IMAGES, None, {}, ("openai", "images", 405, False)),
        ("GET", "/v1/models", None, {}, ("openai", "models", 200, False)),
        ("GET", "/v1/models/nope", None, {}, ("openai", "models", 404, False)),
        ("GET", "/v1/images/files/evil.com/a.png", None, {}, ("openai", "download", 404, False)),
        ("OPTIONS", IMAGES, None, {}, ("openai", "preflight", 204, False)),
        ("DELETE", PROXY, None, {}, ("server-proxy", "other", 405, False)),
        ("POST", PROXY, {}, {}, ("server-proxy", "other", 400, False)),
        ("POST", PROXY, {}, {"x_fal_target_url": "http://[::1]/"}, ("server-proxy", "other", 412, False)),
        ("OPTIONS", PROXY, None, {}, ("server-proxy", "preflight", 200, False)),
        ("POST", PROXY, {}, {"x_fal_target_url": RUN}, ("server-proxy", "run", 404, True)),
        ("POST", "/fal/x", {}, {}, ("aimock", "other", 404, True)),
        ("OPTIONS", "/fal/x", None, {}, ("aimock", "preflight", 204, False)),
        ("POST", "/fal/run/a/b", {}, {}, ("aimock", "run", 404, True)),
        ("POST", "/fal/run/a/b", {}, {"x_aimock_chaos_drop": "lots"}, ("aimock", "run", 400, False)),
        ("POST", "/fal/run/a/b", {}, {"x_aimock_chaos_drop": "1"}, ("aimock", "run", 500, False)),
        ("POST", "/v1/chat/completions", {}, {}, (None, "other", 404, True)),
        ("GET", "/favicon.ico", None, {}, (None, "other", 404, False)),
    ],
)
def test_every_call_leaves_one_entry(
    method: str, path: str, body: Any, headers: dict[str, str], expected: tuple[Any, ...]
) -> None:
    world = World()
    reply = world.direct(method, path, body, **headers)
    (entry,) = journal(world)
    assert told(entry) == expected
    assert reply.status == entry["status"]
    assert (dict(reply.headers).get(b"x-falmock-miss") is not None) is expected[-1]
    assert is_all_matched(world) is not expected[-1]
    for name in door.NAMES:
        assert journal(world, door=name) == ([entry] if name == expected[0] else [])


def test_a_refusal_at_the_server_proxy_is_about_the_call_that_was_asked_for() -> None:
    world = World()
    world.direct("POST", PROXY, {}, x_fal_target_url="https://queue.fal.run/a/b", content_type="text/plain")
    (entry,) = journal(world, endpoint="a/b", call="submit")
    assert (entry["status"], entry["why"]) == (415, "body is not JSON, but text/plain")


def test_all_clients_show_what_there_is_not() -> None:
    reply = World().direct("POST", "/chat/completions", {})
    body = json.loads(reply.body)  # type: ignore[arg-type]
    assert body["detail"] == body["message"] == body["error"]["message"]
    assert body["message"].startswith("falmock has nothing at POST /chat/completions. It answers: ")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1", None),
        ("/v1/chat/completions", None),
        ("/openai", "404"),
        ("/openai/deployments/a/chat/completions", "404"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_of_openais_are_answered_as_openai_does(method: str, path: str, code: str | None) -> None:
    reply = World().direct(method, path)
    body = json.loads(reply.body)  # type: ignore[arg-type]
    message = body["error"].pop("message")
    assert (reply.status, body) == (404, {"error": {"type": "invalid_request_error", "param": None, "code": code}})
    assert message.startswith(f"falmock has nothing at {method} {path}. It answers: ")
    assert "/openai/deployments/MODEL/" in message


@pytest.mark.parametrize("path", ["/v1x", "/openaix", "/x/v1"])
def test_other_paths_are_not_openais(path: str) -> None:
    assert "detail" in json.loads(World().direct("POST", path).body)  # type: ignore[arg-type]


SECRET = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdE"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", f"/nothing/photo{SECRET}.png", None, {}),
        (SECRET, "/nothing", None, {}),
        ("GET", f"/__falmock/{SECRET}", None, {}),
        ("GET", f"/__falmock/journal?{SECRET}=1", None, {}),
        ("GET", f"/__falmock/journal?limit={SECRET}", None, {}),
        (
            "POST",
            "/__falmock/fixtures",
            {"match": {SECRET: 1, "model": SECRET}, "response": {"api_key": "hunter2"}},
            {},
        ),
        ("POST", "/__falmock/jobs/move", {"to": SECRET}, {}),
        ("GET", f"/v1/_requests?{SECRET}=1", None, {}),
        ("POST", PROXY, {}, {"x_fal_target_url": f"http://{SECRET}/?token=hunter2"}),
        ("POST", "/fal/x/" + SECRET, {}, {}),
        ("POST", f"/fal/run/a/b/{SECRET}", {"prompt": SECRET, "api_key": "hunter2"}, {}),
        ("POST", IMAGES, {"model": SECRET, "prompt": "a"}, {}),
        ("POST", IMAGES, {"model": MODEL, "prompt": "a", "size": SECRET}, {}),
    ],
)
def test_no_error_repeats_a_secret(method: str, path: str, body: Any, headers: dict[str, str]) -> None:
    world = World()
    reply = world.direct(method, path, body, **headers)
    shown = f"{reply.body!r} {reply.miss} {reply.warning} {steered(world, 'GET', '/__falmock/journal')}"
    assert reply.status >= 400
    assert SECRET not in shown.replace(f"{reply.miss and reply.miss.key}", "")
    assert "hunter2" not in shown.replace(f"{reply.miss and reply.miss.key}", "")


def test_what_came_with_it_is_there_and_no_key() -> None:
    world = World()
    key = {"authorization": f"Bearer {KEY}"}
    world.direct("POST", IMAGES, {"model": "nope", "prompt": f"a cat, {KEY}"}, **key)
    world.direct("POST", "/fal/x", {"prompt": KEY}, authorization=f"Key {KEY}")
    world.direct("POST", PROXY, {"prompt": KEY}, authorization=f"Key {KEY}")
    entries = journal(world)
    assert entries[0]["input"]["model"] == "nope"
    assert "The model 'nope' does not exist" in entries[0]["miss"]
    assert KEY.partition(":")[2] not in json.dumps(entries)


def test_a_report_is_for_the_log() -> None:
    world = World()
    for model in ("no\x1b[2Jsuch\nmodel", "no\udcff", f"no {KEY}"):
        world.direct("POST", IMAGES, {"model": model, "prompt": "x"}, authorization=f"Bearer {KEY}")
        told = world.direct("POST", f"/fal/{KEY}", {}, authorization=f"Key {KEY}").miss
        assert told is not None
        assert KEY not in told.text
    reports = [entry["miss"] for entry in journal(world, call="images")]
    assert [report.isprintable() and KEY not in report for report in reports] == [True] * 3
    assert "no\\x1b[2Jsuch\\nmodel" in reports[0]


def test_what_fal_answers_is_there_as_calls_to_fal() -> None:
    world = World("instant")
    reply = world.direct("POST", IMAGES, {"model": MODEL, "prompt": "a dragon"})
    assert reply.status == 200
    assert {entry["door"] for entry in journal(world)} == {"openai"}
    assert [entry["call"] for entry in journal(world)][:3] == ["submit", "status", "result"]


@pytest.mark.parametrize("headers", [{"x_test_id": "mine"}, {"x_falmock_scope": "mine"}])
def test_it_is_in_the_scope_of_the_call(headers: dict[str, str]) -> None:
    world = World()
    for path in ("/fal/x", IMAGES, PROXY, "/nothing"):
        reply: Reply = world.direct("POST", path, {}, **headers)
        assert reply.status >= 400
    assert [entry["scope"] for entry in journal(world, scope="mine")] == ["mine"] * 4
    assert journal(world) == []
