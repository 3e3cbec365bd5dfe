from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.engine import Engine
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule
from falmock.wire.formats.frames import Close
from falmock.wire.realtime import UNAUTHORIZED
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read
from unit.engine.talks import UPGRADE
from unit.engine.talks import Talk
from unit.engine.talks import frames
from unit.engine.talks import packed

REST = "https://rest.fal.ai/tokens/"


def part(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_token_as_the_clients_ask_for_it() -> None:
    client = Client()
    body = b'{"allowed_apps":["fast-lcm-diffusion"],"token_expiration":120}'
    reply = client.send("POST", REST, body, {"content-type": "application/json", "authorization": "Key a:b"})
    assert reply.status == 200
    assert header(reply, "content-type") == "application/json"
    head, payload, signature = read(reply).split(".")
    assert part(head) == {"alg": "HS256", "typ": "JWT"}
    assert part(payload) == {"allowed_apps": ["fast-lcm-diffusion"], "exp": int(client.now) + 120}
    expected = hmac.digest(b"falmock", f"{head}.{payload}".encode(), hashlib.sha256)
    assert base64.urlsafe_b64decode(signature + "=") == expected


@pytest.mark.parametrize(
    ("body", "apps", "seconds"),
    [
        ({"allowed_apps": ["a", "b"]}, ["a", "b"], 120),
        ({"allowed_apps": ["a/b/realtime"], "duration": 10}, ["a/b/realtime"], 10),
        ({"app": "a/b"}, ["a/b"], 120),
        ({"allowed_apps": ["a"], "token_expiration": 300, "duration": 10}, ["a"], 300),
    ],
)
@pytest.mark.parametrize("host", ["rest.fal.ai", "rest.alpha.fal.ai"])
def test_a_token_of_the_newer_route(body: Any, apps: list[str], seconds: int, host: str) -> None:
    client = Client()
    answer = read(client.send("POST", f"https://{host}/tokens/realtime", body))
    assert list(answer) == ["token"]
    assert part(answer["token"].split(".")[1]) == {"allowed_apps": apps, "exp": int(client.now) + seconds}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "should be JSON"),
        (b"{", "should be JSON"),
        ([], "should be a JSON object"),
        ({}, "allowed_apps should be a list"),
        ({"allowed_apps": []}, "found []"),
        ({"allowed_apps": "a"}, "allowed_apps should be a list"),
        ({"allowed_apps": [""]}, "allowed_apps should be a list"),
        ({"allowed_apps": [5]}, "found [5]"),
        (b'{"allowed_apps": 1e400}', "allowed_apps should be a list"),
        ({"allowed_apps": ["a"], "token_expiration": 0}, "from 1 to"),
        ({"allowed_apps": ["a"], "token_expiration": "120"}, 'found "120"'),
        ({"allowed_apps": ["a"], "token_expiration": True}, "found true"),
        ({"allowed_apps": ["a"], "duration": 1.5}, "found 1.5"),
        ({"allowed_apps": ["a"], "duration": 10**30}, "from 1 to"),
    ],
)
def test_what_asks_for_no_token_is_refused_in_words(body: Any, words: str) -> None:
    reply = Client().send("POST", REST, body)
    assert reply.status == 422
    assert words in read(reply)["detail"][0]["msg"]


def test_every_process_signs_with_its_own_secret() -> None:
    client, other = Client(), Client()
    index = other.engine._index
    other.engine = Engine(other.engine.config, index, lambda _: "id", b"another")
    body = {"allowed_apps": ["a"]}
    first, second = (read(one.send("POST", REST, body)) for one in (client, other))
    assert first.rpartition(".")[0] == second.rpartition(".")[0]
    assert first != second


def test_a_token_costs_a_key_where_keys_are_asked_for() -> None:
    client = Client(auth=AuthRule(required=True))
    assert client.send("POST", REST, {"allowed_apps": ["a"]}).status == 401
    assert client.send("POST", REST, {"allowed_apps": ["a"]}, {"authorization": "Key a:b"}).status == 200


def test_a_page_may_read_its_token() -> None:
    reply = Client().send("POST", REST, {"allowed_apps": ["a"]}, {"origin": "https://app.test"})
    assert header(reply, "access-control-allow-origin")


# what tokens are good for

REQUIRED = AuthRule(required=True)
LISTED = AuthRule(required=True, keys=("a:b",))
ANSWER = {"match": {"model": "a/b"}, "response": {"json": 1}, "realtime": [{"msgpack": 1}]}
NO_ACCESS = "Cannot access application 'a/b'. Authentication is required to access this application."


def token_for(client: Client, *apps: str, seconds: int = 120) -> str:
    asked = {"allowed_apps": apps, "token_expiration": seconds}
    return str(read(client.send("POST", REST, asked, {"authorization": "Key a:b"})))


def foreign(**payload: Any) -> str:
    """A token with another signer."""
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"e30.{text}.c2lnbmVk"


def opens(client: Client, path: str, token: str) -> bool:
    """Whether a token is accepted for a socket; asserts the same for a run."""
    talk = Talk(client, f"{path}?fal_jwt_token={token}")
    run = client.effect("GET", f"https://fal.run/{path.removesuffix('/realtime')}?fal_jwt_token={token}")
    assert isinstance(run, Reply | Forward)
    if talk.inbox:
        talk << UNAUTHORIZED << Close()
        # In auto a run that is refused here is for fal to refuse.
        assert isinstance(run, Forward) or (run.status, read(run)) == (401, {"detail": NO_ACCESS})
        return False
    assert isinstance(run, Reply)
    talk >> {} << packed(1)
    assert run.status == 200
    return True


@pytest.mark.parametrize("rule", [ANYONE, REQUIRED, LISTED])
@pytest.mark.parametrize(
    ("app", "is_good"),
    [
        ("b", True),
        ("a/b", True),
        ("a/b/realtime", True),
        ("a", True),
        ("c", False),
        ("a/c", False),
        ("a/b/real", False),
        ("a/bb", False),
        ("realtime", False),
    ],
)
def test_a_token_is_for_the_apps_it_was_asked_for(*, rule: AuthRule, app: str, is_good: bool) -> None:
    client = Client(ANSWER, auth=rule)
    token = token_for(client, "x/y", app)
    talk = Talk(client, f"a/b/realtime?fal_jwt_token={token}")
    assert (talk.inbox == []) is is_good


@pytest.mark.parametrize("rule", [ANYONE, REQUIRED])
def test_a_token_is_good_for_its_time(rule: AuthRule) -> None:
    client = Client(ANSWER, auth=rule)
    token = token_for(client, "b", seconds=10)
    client.now += 9
    assert opens(client, "a/b/realtime", token)
    client.now += 1
    assert not opens(client, "a/b/realtime", token)


@pytest.mark.parametrize(
    ("token", "anyone", "required", "auto"),
    [
        (foreign(exp=4_000_000_000), True, False, True),
        (foreign(exp="soon"), True, False, True),
        (foreign(allowed_apps=["z"]), True, False, True),
        (foreign(exp=1_000_000_000), False, False, False),
        (foreign(exp=1e9), False, False, False),
        ("opaque", True, False, True),
        ("a.b.c", True, False, True),
        ("..", True, False, True),
        ("e30.W10.x", True, False, True),
    ],
)
def test_tokens_of_other_people(*, token: str, anyone: bool, required: bool, auto: bool) -> None:
    assert opens(Client(ANSWER), "a/b/realtime", token) is anyone
    assert opens(Client(ANSWER, auth=REQUIRED), "a/b/realtime", token) is required
    assert opens(Client(ANSWER, auth=REQUIRED, mode=Mode.AUTO), "a/b/realtime", token) is auto


def test_a_token_that_somebody_changed_is_not_ours() -> None:
    client = Client(ANSWER, auth=REQUIRED)
    head, payload, signature = token_for(client, "b").split(".")
    assert opens(client, "a/b/realtime", f"{head}.{payload}.{signature}")
    longer = foreign(allowed_apps=["b"], exp=4_000_000_000).split(".")[1]
    assert not opens(client, "a/b/realtime", f"{head}.{longer}.{signature}")
    assert not opens(client, "a/b/realtime", f"{head}.{payload}.{signature[:-2]}AA")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_opens_anything_but_a_token(text: str) -> None:
    client = Client(ANSWER, auth=REQUIRED)
    effect = client.effect("GET", f"https://fal.run/a/b?fal_jwt_token={text}")
    assert isinstance(effect, Reply)
    assert effect.status == 401


def test_neither_key_nor_token() -> None:
    client = Client(ANSWER, auth=REQUIRED)
    Talk(client, "a/b/realtime") << UNAUTHORIZED << Close()
    Talk(client, "a/b/realtime", authorization="Key a:b") >> {} << packed(1)
    Talk(client, "a/b/realtime?fal_jwt_token=x", authorization="Key a:b") >> {} << packed(1)
    Talk(Client(ANSWER), "a/b/realtime") >> {} << packed(1)


def test_the_token_of_a_stream_of_a_job() -> None:
    client = Client(ANSWER, auth=REQUIRED)
    key = {"authorization": "Key a:b"}
    job = read(client.send("POST", "https://queue.fal.run/a/b", {}, key))["response_url"]
    for app, is_good in (("b", True), ("a/b/c", True), ("c", False)):
        effect = client.effect("GET", f"{job}/status/stream?logs=1&fal_jwt_token={token_for(client, app)}")
        assert isinstance(effect, Reply) is not is_good
        if isinstance(effect, Reply):
            assert effect.status == 401


def test_a_socket_is_accepted_before_it_is_refused() -> None:
    effect = Client(frames("a/b", {"msgpack": 1}), auth=REQUIRED).effect(
        "GET", "https://fal.run/a/b/realtime", None, UPGRADE
    )
    assert isinstance(effect, Socket)
    assert effect.why == "not authorized"


def bearer(client: Client, token: str) -> Reply:
    return client.send("POST", "https://fal.run/a/b", {}, {"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("rule", [REQUIRED, LISTED])
def test_a_token_as_a_bearer_is_for_its_apps_and_its_time(rule: AuthRule) -> None:
    client = Client(ANSWER, auth=rule)
    assert bearer(client, token_for(client, "b")).status == 200
    other = bearer(client, token_for(client, "c"))
    assert (other.status, read(other)) == (401, {"detail": NO_ACCESS})
    token = token_for(client, "b", seconds=10)
    client.now += 10
    assert bearer(client, token).status == 401


@pytest.mark.parametrize(
    ("rule", "token", "text"),
    [
        (ANYONE, "a:b", None),
        (ANYONE, foreign(exp=1), None),
        (REQUIRED, foreign(iss="https://auth.fal.ai/", exp=4_000_000_000), None),
        (REQUIRED, foreign(iss="https://auth.fal.ai/", exp=1), "bearer: token has expired"),
        (REQUIRED, "a:b", "bearer: unable to decode issuer"),
        (LISTED, foreign(iss="https://auth.fal.ai/"), "invalid key credentials"),
        (LISTED, "a:b", "bearer: unable to decode issuer"),
    ],
)
def test_bearers_of_others(rule: AuthRule, token: str, text: str | None) -> None:
    reply = bearer(Client(ANSWER, auth=rule), token)
    assert (reply.status, read(reply)) == ((200, 1) if text is None else (401, {"detail": text}))


def test_a_key_as_a_bearer_opens_no_socket() -> None:
    Talk(Client(ANSWER, auth=REQUIRED), "a/b/realtime", authorization="Bearer a:b") << UNAUTHORIZED << Close()
