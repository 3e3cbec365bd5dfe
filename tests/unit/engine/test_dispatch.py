from __future__ import annotations

from typing import Any
from typing import get_args

import pytest

from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.wire import calls
from falmock.wire.auth import AuthRule
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

ANY = {"match": {}, "response": {"json": "any", "billableUnits": 1}}
REQUIRED = AuthRule(required=True)
ONE_KEY = AuthRule(required=True, keys=("kid:ksecret",))


@pytest.mark.parametrize(
    ("rule", "authorization", "text"),
    [
        (REQUIRED, None, "Cannot access application 'a/b'. Authentication is required to access this application."),
        (REQUIRED, "Key opaque", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        (REQUIRED, "kid:ksecret", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        (REQUIRED, "Key Key kid:ksecret", "invalid key credentials"),
        (REQUIRED, 'Key "kid:ksecret"', "invalid key credentials"),
        (REQUIRED, "Bearer kid:ksecret", "bearer: unable to decode issuer"),
        (ONE_KEY, "Bearer kid:ksecret", "bearer: unable to decode issuer"),
        (ONE_KEY, "Key kid:other", "invalid key credentials"),
    ],
)
@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
def test_calls_without_a_right(rule: AuthRule, authorization: str | None, text: str, host: str) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    reply = Client(ANY, auth=rule).send(
        "POST", f"https://{host}/a/b", {}, headers | {"content-type": "application/json"}
    )
    assert (reply.status, read(reply)) == (401, {"detail": text})
    assert header(reply, "content-type") == "application/json; charset=utf-8"
    assert header(reply, "strict-transport-security") == "max-age=31536000; includeSubDomains"
    assert header(reply, "x-fal-request-id") is None
    assert header(reply, "www-authenticate") is None


@pytest.mark.parametrize(
    ("rule", "authorization"),
    [
        (REQUIRED, "Key kid:any"),
        (REQUIRED, "Bearer e30.eyJpc3MiOiJodHRwczovL2F1dGguZmFsLmFpLyJ9.c2ln"),
        (ONE_KEY, "Key kid:ksecret"),
    ],
)
def test_calls_with_a_right(rule: AuthRule, authorization: str) -> None:
    assert Client(ANY, auth=rule).run("a/b", authorization=authorization).status == 200


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        (None, "Authorization header is required"),
        ("Key opaque", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        ("Key", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        ("Key Key kid:ksecret", "invalid key credentials"),
        ("Bearer kid:ksecret", "bearer: unable to decode issuer"),
        ("Bearer e30.eyJleHAiOjF9.c2ln", "bearer: token has expired"),
    ],
)
@pytest.mark.parametrize("path", ["storage/auth/token", "storage/upload/initiate", "tokens/", "tokens/realtime"])
def test_storage_words_it_another_way(authorization: str | None, text: str, path: str) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    reply = Client(auth=REQUIRED).send("POST", f"https://rest.fal.ai/{path}", {}, headers)
    assert (reply.status, read(reply)) == (401, {"detail": text})


ODD = [None, "", "nonsense", "Key", "Key Key a:b", 'Key "a:b"', "Bearer a:b", "Basic a:b", "key a:b"]
CALLS = [
    ("POST", "https://fal.run/a/b", {}, 200),
    ("POST", "https://queue.fal.run/a/b", {}, 200),
    ("GET", "https://queue.fal.run/a/b/requests/none/status", None, 404),
    ("POST", "https://rest.fal.ai/storage/auth/token", {}, 200),
    ("POST", "https://rest.fal.ai/tokens/", {"allowed_apps": ["b"]}, 200),
    ("GET", "https://api.fal.ai/v1/models", None, 200),
]


@pytest.mark.parametrize("authorization", ODD)
@pytest.mark.parametrize(("method", "url", "body", "status"), CALLS)
def test_where_no_key_is_asked_for_anything_goes(
    authorization: str | None, method: str, url: str, body: Any, status: int
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    assert Client(ANY).send(method, url, body, headers).status == status


def test_jobs_are_guarded_and_unknown_ids_are_not() -> None:
    client = Client(ANY, auth=REQUIRED)
    job = read(client.submit("a/b", authorization="Key a:b"))["response_url"]
    for method, url in (("GET", f"{job}/status"), ("GET", job), ("PUT", f"{job}/cancel")):
        assert client.send(method, url).status == 401
    assert client.send("GET", f"{job}/status", None, {"authorization": "Key a:b"}).status == 200
    assert client.send("GET", "https://queue.fal.run/a/b/requests/none/status").status == 404


@pytest.mark.parametrize(
    ("keys", "host", "credentials", "status"),
    [
        ((), "router.huggingface.co/fal-ai", "Bearer hf_x", 200),
        (("hf_x",), "router.huggingface.co/fal-ai", "Bearer hf_x", 200),
        ((), "fal.run", "Key a:b", 200),
        ((), "router.huggingface.co/fal-ai", None, 401),
        ((), "router.huggingface.co/fal-ai", "Key hf_x", 401),
        (("hf_y",), "router.huggingface.co/fal-ai", "Bearer hf_x", 401),
        (("hf_y",), "router.huggingface.co/fal-ai", "Bearer hf_\udcff", 401),
    ],
)
def test_tokens_of_hugging_face_are_for_its_router(
    keys: tuple[str, ...], host: str, credentials: str | None, status: int
) -> None:
    client = Client({"match": {"model": "a/b"}, "response": {"json": 1}}, auth=AuthRule(required=True, keys=keys))
    headers = {} if credentials is None else {"authorization": credentials}
    assert client.send("POST", f"https://{host}/a/b", {}, headers).status == status


FOLLOW_UPS = [("GET", "/status"), ("GET", "/status/stream"), ("GET", ""), ("PUT", "/cancel")]


@pytest.mark.parametrize(("method", "action"), FOLLOW_UPS)
@pytest.mark.parametrize(
    ("authorization", "status", "body"),
    [
        (None, 404, {"status": "NOT_FOUND"}),
        ("Key kid:ksecret", 404, {"status": "NOT_FOUND"}),
        ("Key kid:other", 401, {"detail": "invalid key credentials"}),
        ("Bearer kid:ksecret", 401, {"detail": "bearer: unable to decode issuer"}),
    ],
)
def test_a_key_is_checked_before_the_id(
    method: str, action: str, authorization: str | None, status: int, body: Any
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for app in ("a/b", "workflows/a/b"):
        url = f"https://queue.fal.run/{app}/requests/none{action}"
        reply = Client(ANY, auth=ONE_KEY).send(method, url, None, headers)
        assert (reply.status, read(reply)) == (status, body)
    assert (
        Client(ANY, auth=ONE_KEY).send(method, f"https://queue.fal.run/requests/x{action}", None, headers).status > 400
    )


@pytest.mark.parametrize(("method", "action"), FOLLOW_UPS)
@pytest.mark.parametrize("pace", ["instant", "manual"])
def test_an_answer_about_a_job_has_its_request_id_once(method: str, action: str, pace: str) -> None:
    client = Client(ANY, pace=parse_pace(pace), pace_text=pace)
    submitted = client.submit("a/b")
    job = read(submitted)["response_url"]
    effect = client.effect(method, f"{job}{action}")
    assert isinstance(effect, Reply | Stream)
    for headers in (submitted.headers, effect.headers):
        ids = [value.decode() for name, value in headers if name.lower() == b"x-fal-request-id"]
        assert ids == [read(submitted)["request_id"]]
    unknown = client.send(method, f"https://queue.fal.run/a/b/requests/none{action}")
    assert header(unknown, "x-fal-request-id") is None


def test_every_call_has_its_answer() -> None:
    beside = {calls.ProviderMapping}  # its answer may be to go on to Hugging Face
    assert set(Client().engine._dispatch._handlers) | beside == set(get_args(calls.Call))


@pytest.mark.parametrize(
    ("method", "url", "why"),
    [
        ("POST", "https://rest.fal.ai/storage/upload/initiate", "auto: uploads and tokens go to fal"),
        ("POST", "https://rest.fal.ai/tokens/", "auto: uploads and tokens go to fal"),
        ("GET", "https://rest.fal.ai/.well-known/jwks.json", "auto: no webhook was sent from here"),
        ("POST", "https://fal.run/a/c", "auto: nothing here answers it"),
        ("GET", "https://queue.fal.run/a/b/requests/none/status", "auto: nothing here answers it"),
        ("GET", "https://v3.fal.media/files/b/0a1b2c3d/none.png", "auto: nothing here answers it"),
    ],
)
def test_what_goes_on_to_fal_in_auto(method: str, url: str, why: str) -> None:
    here = {"match": {"model": "a/b"}, "response": {"json": 1}}
    effect = Client(here, mode=Mode.AUTO).effect(method, url, {} if method == "POST" else None)
    assert isinstance(effect, Forward)
    assert effect.why.startswith(why)


def test_what_fixtures_answer_is_answered_here_in_auto() -> None:
    talk = {"match": {"model": "a/talk/realtime"}, "realtime": [{"json": {"a": 1}}]}
    client = Client({"match": {"model": "a/b"}, "response": {"json": 1}}, talk, mode=Mode.AUTO)
    assert client.run("a/b").status == 200
    opening = {"upgrade": "websocket"}
    assert isinstance(client.effect("GET", "https://fal.run/a/talk/realtime", None, opening), Socket)
    unknown = client.effect("GET", "https://fal.run/a/mute/realtime", None, opening)
    assert unknown == Forward("auto: no fixture is for this socket")


def test_what_goes_nowhere_is_told() -> None:
    reply = Client().send("POST", "https://api.fal.ai/nowhere", {})
    assert reply.status == 501
    assert read(reply)["detail"].startswith("POST https://api.fal.ai/nowhere: ")
    assert read(reply)["error"] == {"type": "not_implemented", "message": read(reply)["detail"]}
    # A fixture may answer it: so it is one that nothing matches.
    assert header(reply, "x-falmock-miss") == "1"
    assert reply.miss is not None
    assert reply.miss.text.startswith("falmock: POST https://api.fal.ai/nowhere: ")
    for url in ("https://fal.run/fal-ai/flux/dev", "https://queue.fal.run/x"):
        assert Client().send("DELETE", url).miss is None
