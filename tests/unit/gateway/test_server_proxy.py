from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.config import ProxyProfile
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.engine.engines import Engines
from falmock.fixtures.matching.index import Index
from falmock.gateway.door import FalCall
from falmock.gateway.server_proxy import ServerProxy
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request

PATH = "/api/fal/proxy"
RUN = "https://fal.run/fal-ai/flux/dev"
JSON = {"content-type": "application/json"}
FROM_A_PAGE = {"origin": "http://localhost:3000"}


def engines(**config: Any) -> Engines:
    return Engines(Config(**config), Index(), lambda now: uuid7(now, 1), b"falmock")


async def nobody(request: Request) -> Reply:
    raise AssertionError(f"{request} was asked")


def post(
    url: str | None = RUN,
    headers: Mapping[str, str] = JSON,
    body: bytes = b"{}",
    method: str = "POST",
    env: Mapping[str, str] | None = None,
    **config: Any,
) -> Reply | FalCall:
    """The door's effect for a request with this target and these further headers."""
    door = ServerProxy(engines(**config), env or {})
    target = {} if url is None else {"x-fal-target-url": url}
    request = Request(method, "127.0.0.1", PATH, "", {**headers, **target}, body, scope="mine")
    assert door.claims(request)
    result = door.answer(request, nobody, 0.0)
    assert isinstance(result, Reply | FalCall)
    return result


def official(*args: Any, **more: Any) -> Reply | FalCall:
    return post(*args, proxy_profile=ProxyProfile.OFFICIAL, **more)


def call(result: Reply | FalCall) -> Request:
    assert isinstance(result, FalCall), result
    return result.request


def refused(result: Reply | FalCall) -> Reply:
    assert isinstance(result, Reply), result
    return result


def message(result: Reply | FalCall) -> str:
    value = json.loads(bytes(refused(result).body))  # type: ignore[arg-type]
    assert value["detail"] == value["message"]
    return str(value["message"])


def named(reply: Reply | Stream, name: bytes) -> list[bytes]:
    return [value for header, value in reply.headers if header.lower() == name]


# where it is


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_its_path(path: str) -> None:
    door = ServerProxy(engines(), {})
    assert door.claims(Request("GET", "localhost", path, "a=b", {}, b""))
    assert PATH in door.name


@pytest.mark.parametrize(
    "path", ["/", "/api/fal", f"{PATH}/x", f"{PATH}//", f"/x{PATH}", PATH.upper(), "/api/fal%2Fproxy"]
)
def test_other_paths(path: str) -> None:
    assert not ServerProxy(engines(), {}).claims(Request("POST", "localhost", path, "", {}, b""))


def test_a_path_of_ones_own() -> None:
    door = ServerProxy(engines(proxy_path="/mine"), {})
    assert door.claims(Request("POST", "localhost", "/mine", "", {}, b""))
    assert not door.claims(Request("POST", "localhost", PATH, "", {}, b""))
    assert door.name.startswith("/mine ")


# the formula


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_methods_that_it_supports(method: str) -> None:
    assert call(post(method=method)).method == method


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "BREW"])
def test_an_unsupported_method_is_405(method: str) -> None:
    reply = refused(post(method=method))
    assert (reply.status, named(reply, b"allow")) == (405, [b"GET, POST, PUT, OPTIONS"])
    assert method in message(reply)


@pytest.mark.parametrize("url", [None, ""])
def test_a_missing_target_is_400(url: str | None) -> None:
    reply = refused(post(url))
    assert reply.status == 400
    assert "x-fal-target-url is missing" in message(reply)


@pytest.mark.parametrize(
    "url",
    [
        "nowhere",
        "https://",
        "http://fal.run/x",
        "https://evil.com/x",
        "https://fal.run.evil.com/",
        "https://fal.run:443/",
    ],
)
def test_a_target_that_is_no_url_or_not_fals_is_412(url: str) -> None:
    reply = refused(post(url))
    assert reply.status == 412
    assert "x-fal-target-url: expected" in message(reply)


@given(st.text())
def test_whatever_stands_in_the_target(text: str) -> None:
    for profile in ProxyProfile:
        result = post(text, proxy_profile=profile)
        if isinstance(result, FalCall):
            assert result.request.host.endswith(("fal.run", "fal.ai"))


@pytest.mark.parametrize(
    "url", ["https://fal.ai/x", "https://rest.fal.ai/tokens/", "https://fal.run/x", "https://wma.fal.run/ice"]
)
def test_all_of_fal_ai_and_fal_run(url: str) -> None:
    assert url == f"https://{call(post(url)).host}{call(post(url)).path}"


@pytest.mark.parametrize(
    "found",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", ""],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_not_json_is_415(found: str, method: str) -> None:
    reply = refused(post(headers={"content-type": found} if found else {}, method=method))
    assert reply.status == 415
    assert (found or "without content-type") in message(reply)


@pytest.mark.parametrize("found", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"])
def test_a_body_that_is_json(found: str) -> None:
    assert call(post(headers={"content-type": found})).body == b"{}"


@pytest.mark.parametrize(
    ("method", "headers"),
    [("PUT", {}), ("POST", {}), ("POST", JSON), ("GET", JSON), ("PUT", {"content-type": "text/plain"})],
)
def test_no_body_is_of_no_type(method: str, headers: dict[str, str]) -> None:
    assert call(post(method=method, headers=headers, body=b"")).body == b""


def test_a_body_that_is_not_encoded_as_it_says_is_415() -> None:
    reply = refused(post(headers=JSON | {"content-encoding": "br"}, body=b""))
    assert (reply.status, "(br)" in message(reply)) == (415, True)


def test_a_decoded_body_goes_on_without_its_encoding() -> None:
    asked = call(post(headers=JSON | {"content-encoding": "gzip"}))
    assert (asked.body, "content-encoding" in asked.headers) == (b"{}", False)


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"FAL_KEY": "id:secret"}, "Key id:secret"),
        ({"FAL_KEY": " id:secret\n"}, "Key id:secret"),
        ({"FAL_KEY_ID": "id", "FAL_KEY_SECRET": "secret"}, "Key id:secret"),
        ({"FAL_KEY": "one", "FAL_KEY_ID": "id", "FAL_KEY_SECRET": "secret"}, "Key one"),
        ({"FAL_KEY": "", "FAL_KEY_ID": "id"}, None),
        ({}, None),
    ],
)
def test_the_key_comes_from_the_environment(env: dict[str, str], key: str | None) -> None:
    for mode in Mode:
        assert call(post(env=env, mode=mode)).headers.get("authorization") == key


@pytest.mark.parametrize("own", ["Key mine:own", "Bearer token", "Key"])
def test_the_clients_own_key_goes_first(own: str) -> None:
    assert call(post(headers=JSON | {"authorization": own}, env={"FAL_KEY": "other"})).headers["authorization"] == own


def test_the_call_that_goes_on() -> None:
    asked = call(post("https://queue.fal.run/a/b?fal_webhook=https://x.example/y", body=b'{"a": 1}'))
    assert (asked.method, asked.host, asked.path) == ("POST", "queue.fal.run", "/a/b")
    assert (asked.query, asked.body, asked.scope) == ("fal_webhook=https://x.example/y", b'{"a": 1}', "mine")


def test_a_get_has_no_body() -> None:
    for result in (post(method="GET", body=b"{}"), official(method="GET", body=b"{}")):
        assert call(result).body == b""


def test_headers_that_go_on() -> None:
    kept = {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "user-agent": "page",
        "x-fal-queue-priority": "low",
        "x-fal-runner-hint": "é",
        "x-falmock-fault": "timeout",
    }
    dropped = {
        "cookie": "session=1",
        "host": "127.0.0.1:8080",
        "origin": "http://localhost:3000",
        "referer": "http://localhost:3000/x",
        "x-forwarded-for": "1.2.3.4",
        "x-app-fal-disable-fallback": "1",
        "x-fal": "no",
        "proxy-authorization": "Basic xxx",
        "content-length": "2",
        "connection": "upgrade",
        "upgrade": "websocket",
        "x-fal-client-proxy": "somebody",
        "accept-encoding": "gzip, br",
    }
    asked = call(post(headers=kept | dropped, env={"FAL_KEY": "k"}))
    ours = {"authorization": "Key k", "x-fal-client-proxy": "falmock", "accept-encoding": "identity"}
    assert asked.headers == kept | ours


class Silence:
    def step(self, now: float) -> StreamStep:
        raise AssertionError(now)


HEADERS = (
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"7"),
    (b"Content-Encoding", b"gzip"),
    (b"x-fal-request-id", b"1"),
    (b"set-cookie", b"a"),
    (b"set-cookie", b"b"),
)


@pytest.mark.parametrize("status", [200, 202, 404, 422, 500])
def test_status_and_headers_of_the_answer(status: int) -> None:
    result = post()
    assert isinstance(result, FalCall)
    left = result.rewrite(Reply(status, HEADERS, b"body", "because"))
    assert (left.status, left.headers) == (status, (HEADERS[0], *HEADERS[3:]))
    assert isinstance(left, Reply)
    assert left.body == b"body"


def test_a_stream_stays_one() -> None:
    result = post(headers=JSON | FROM_A_PAGE)
    assert isinstance(result, FalCall)
    source = Silence()
    left = result.rewrite(Stream(200, ((b"Content-Type", b"text/event-stream"),), source, "because"))
    assert isinstance(left, Stream)
    assert left.source is source
    assert named(left, b"access-control-allow-origin") == [b"*"]


# pages


def test_a_preflight() -> None:
    asked = FROM_A_PAGE | {"access-control-request-headers": "x-fal-target-url,content-type"}
    for profile in ProxyProfile:
        reply = refused(post(None, headers=asked, body=b"", method="OPTIONS", proxy_profile=profile))
        assert reply.status == 200
        assert named(reply, b"access-control-allow-origin") == [b"http://localhost:3000"]
        assert named(reply, b"access-control-allow-headers") == [b"x-fal-target-url,content-type"]
        assert b"PUT" in named(reply, b"access-control-allow-methods")[0]


@pytest.mark.parametrize("profile", ProxyProfile)
def test_a_page_may_read_what_it_gets(profile: ProxyProfile) -> None:
    refusal = refused(post(None, headers=FROM_A_PAGE, proxy_profile=profile))
    assert named(refusal, b"access-control-allow-origin") == [b"*"]
    result = post(headers=JSON | FROM_A_PAGE, proxy_profile=profile)
    assert isinstance(result, FalCall)
    assert named(result.rewrite(Reply(200, (), b"", "")), b"access-control-allow-origin") == [b"*"]
    fals = (b"Access-Control-Allow-Origin", b"https://x")
    assert result.rewrite(Reply(200, (fals,), b"", "")).headers == (fals,)


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.AUTO, Mode.PASSTHROUGH])
@pytest.mark.parametrize("profile", ProxyProfile)
def test_a_page_from_elsewhere_does_not_bill(mode: Mode, profile: ProxyProfile) -> None:
    more: dict[str, Any] = {"mode": mode, "proxy_profile": profile, "env": {"FAL_KEY": "secret"}}
    reply = refused(post(headers=JSON | {"origin": "https://evil.example"}, **more))
    assert (reply.status, "https://evil.example" in message(reply)) == (403, True)
    assert b"secret" not in bytes(reply.body)  # type: ignore[arg-type]
    assert refused(post(headers=JSON | {"origin": "null", "authorization": ""}, **more)).status == 403
    own = JSON | {"origin": "https://good.example", "authorization": "Key own"}
    assert call(post(headers=own, **more)).headers["authorization"] == "Key own"


def test_a_page_from_elsewhere_is_answered_in_replay() -> None:
    asked = call(post(headers=JSON | {"origin": "https://app.example"}, env={"FAL_KEY": "secret"}))
    assert "authorization" not in asked.headers


# as @fal-ai/server-proxy does


@pytest.mark.parametrize(
    "url",
    [
        "https://fal.run/a/b?c=d",
        "http://queue.fal.run/a",
        "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        "https://rest.fal.ai/storage/upload/complete-multipart?storage_type=fal-cdn-v3",
    ],
)
def test_official_targets(url: str) -> None:
    asked = call(official(url))
    query = f"?{asked.query}" if asked.query else ""
    assert url.partition("://")[2] == f"{asked.host}{asked.path}{query}"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3",
        "https://rest.fal.ai/storage/upload/initiate?storage_type=gcs",
        "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3&a=b",
        "https://rest.fal.ai/storage/upload/initiate",
        "https://rest.fal.ai/tokens/",
        "https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3",
        "https://rest.alpha.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        "https://api.fal.ai/v1/models",
        "https://ws.fal.run/a",
        "https://fal.run:8080/a",
        "https://evil.com/a",
        "https://a:b@fal.run/a",
    ],
)
def test_official_refusals(url: str | None) -> None:
    reply = refused(official(url))
    assert (reply.status, reply.body, reply.headers[0]) == (
        400,
        b'"Invalid request"',
        (b"Content-Type", b"application/json"),
    )


def test_official_no_url() -> None:
    assert refused(official("nowhere")).status == 500


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "HEAD"])
def test_official_methods(method: str) -> None:
    assert (refused(official(method=method)).status, refused(official(method=method)).body) == (405, b"")


def test_official_headers() -> None:
    sent = {
        "content-type": "text/plain",
        "accept": "text/event-stream",
        "user-agent": "page",
        "cookie": "a",
        "x-fal-hint": "b",
    }
    asked = call(official(headers=sent, body=b"any", env={"FAL_KEY": "k"}))
    assert asked.body == b"any"
    assert asked.headers == {
        "user-agent": "page",
        "x-fal-hint": "b",
        "x-fal-target-url": RUN,
        "accept": "application/json",
        "content-type": "application/json",
        "x-fal-client-proxy": "@fal-ai/server-proxy/nextjs-app-router",
        "accept-encoding": "identity",
        "authorization": "Key k",
    }


def test_official_keys() -> None:
    pair = {"FAL_KEY_ID": "id", "FAL_KEY_SECRET": "secret"}
    assert call(official(env=pair)).headers["authorization"] == "Key undefined"
    own = JSON | {"authorization": "Key own"}
    assert call(official(headers=own, env={"FAL_KEY": "k"})).headers["authorization"] == "Key own"


def test_official_answers() -> None:
    result = official()
    assert isinstance(result, FalCall)
    assert result.rewrite(Reply(422, HEADERS, b"", "")).headers == HEADERS
