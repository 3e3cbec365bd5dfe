from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from falmock.engine.engine import Engine
from falmock.wire.auth import AuthRule
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

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
