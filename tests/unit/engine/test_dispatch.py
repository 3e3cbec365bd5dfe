from __future__ import annotations

from typing import get_args

import pytest

from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Socket
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
        (ONE_KEY, "Key kid:other", "No user found for Key ID and Secret"),
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
    [(REQUIRED, "Key kid:any"), (REQUIRED, "Bearer token"), (ONE_KEY, "Key kid:ksecret")],
)
def test_calls_with_a_right(rule: AuthRule, authorization: str) -> None:
    assert Client(ANY, auth=rule).run("a/b", authorization=authorization).status == 200


def test_storage_words_it_another_way() -> None:
    reply = Client(auth=REQUIRED).send("POST", "https://rest.fal.ai/storage/auth/token", {})
    assert (reply.status, read(reply)) == (401, {"detail": "Authorization header is required"})


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
    ],
)
def test_tokens_of_hugging_face_are_for_its_router(
    keys: tuple[str, ...], host: str, credentials: str | None, status: int
) -> None:
    client = Client({"match": {"model": "a/b"}, "response": {"json": 1}}, auth=AuthRule(required=True, keys=keys))
    headers = {} if credentials is None else {"authorization": credentials}
    assert client.send("POST", f"https://{host}/a/b", {}, headers).status == status


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
