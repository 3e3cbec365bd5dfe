from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Mode
from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.wire import webhook
from falmock.wire.auth import AuthRule
from falmock.wire.message import Request
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read
from unit.engine.hooked import HOOK
from unit.engine.hooked import PUBLIC
from unit.engine.hooked import field
from unit.engine.hooked import paced

JWKS = "/.well-known/jwks.json"


def test_a_job_that_failed() -> None:
    client = paced("instant")
    client.order("fal-ai/flux/dev", {"prompt": "bad"})
    (post,) = client.at(1)
    body = json.loads(post.body)
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 422")
    assert body["payload"]["detail"][0]["type"] == "content_policy_violation"


def test_a_result_that_is_not_json() -> None:
    client = paced("instant")
    client.order("acme/picture")
    (post,) = client.at(1)
    body = json.loads(post.body)
    assert (body["status"], body["payload"], body["payload_error"]) == ("OK", None, webhook.NOT_JSON)


def test_a_result_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    client = paced("instant")
    client.edge.files["big.json"] = b'{"n": 1.10}'
    for name in ("big.json", "gone.json"):
        reply = Reply(200, ((b"content-type", b"application/json"),), FileBody(name, 0, 11), "a file")
        monkeypatch.setattr(client.engine._answers, "outcome", lambda _, reply=reply: reply)
        client.order("acme/quick")
        (post,) = client.at(client.now - client.start + 1)
        assert json.loads(post.body)["payload"] == ({"n": 1.1} if name == "big.json" else None)
    assert "cannot be read for its webhook" in client.edge.warnings[0]


def test_signature_and_timestamp_are_those_of_the_attempt() -> None:
    client = paced()
    client.order("acme/quick")
    times = []
    for seconds in (1, 100):
        (post,) = client.at(seconds)
        times.append(int(field(post, "Timestamp")))
        message = webhook.signed_message(post.request_id, times[-1], post.body)
        assert client.edge.signed[-1] == message
        assert field(post, "Signature") == "01ff"
        assert field(post, "Request-Id") == post.request_id
        client.answer(post, 500)
    assert times == [int(client.start) + 1, int(client.start) + 100]


@pytest.mark.parametrize("host", ["rest.fal.ai", "rest.alpha.fal.ai"])
def test_the_keys_are_served(host: str) -> None:
    client = paced(auth=AuthRule(required=True))
    reply = client.send("GET", f"https://{host}{JWKS}")
    assert (reply.status, read(reply)) == (200, webhook.key_set(PUBLIC))
    assert header(reply, "cache-control") == "public, max-age=86400"
    assert header(reply, "content-type") == "application/json"
    head = client.send("HEAD", f"https://{host}{JWKS}")
    assert (head.status, head.body, head.length) == (200, b"", len(reply.body))


def handle(client: Client, method: str, url: str, query: str = "") -> Any:
    host, _, path = url.removeprefix("https://").partition("/")
    return client.engine.handle(Request(method, host, f"/{path}", query, {}, b"{}"), client.now)


def test_in_auto_the_keys_are_ours_once_a_webhook_is() -> None:
    client = paced("instant", mode=Mode.AUTO)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    assert isinstance(handle(client, "POST", "https://queue.fal.run/acme/other", f"fal_webhook={HOOK}"), Forward)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    client.order("acme/quick")
    assert client.send("GET", f"https://rest.fal.ai{JWKS}").status == 200


def test_in_auto_a_bad_webhook_does_not_go_to_fal() -> None:
    client = paced("instant", mode=Mode.AUTO)
    assert client.ask("acme/quick", hook="nowhere").status == 422


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.PASSTHROUGH])
def test_what_is_forwarded_is_fals_to_deliver(mode: Mode) -> None:
    client = paced("instant", mode=mode)
    assert isinstance(handle(client, "POST", "https://queue.fal.run/acme/quick", f"fal_webhook={HOOK}"), Forward)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    assert client.at(10) == []
    assert not client.schedule.used
