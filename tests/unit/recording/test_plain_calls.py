from __future__ import annotations

from typing import Any

import pytest

from unit.engine.calls import Client
from unit.engine.calls import read
from unit.recording.exchanges import ObservedTraffic

GONE = {"error": {"type": "not_found", "message": "Model not found"}}


@pytest.mark.parametrize(
    ("line", "sent", "answer", "status"),
    [
        ("PUT https://fal.run/me/app/items/1", {"name": "x"}, {"saved": True}, 200),
        ("PATCH https://fal.run/me/app/items/1", {"name": "x"}, {"detail": "no such item"}, 404),
        ("DELETE https://fal.run/me/app/items/1?force=1", None, {"deleted": 1}, 200),
        ("DELETE https://fal.run/me/app/items/2", None, None, 204),
        ("PUT https://queue.fal.run/me/app", {"n": 1}, {"detail": "Method Not Allowed"}, 405),
        ("GET https://api.fal.ai/v1/models?endpoint_id=a/b", None, GONE, 404),
        ("GET https://api.fal.ai/v1/models?limit=0", None, {"error": {"type": "validation_error"}}, 400),
        ("POST https://api.fal.ai/v1/models/pricing/estimate", {"n": 1}, {"detail": "no"}, 422),
        ("GET https://rest.fal.ai/billing/user_balance", None, 5.5, 200),
        ("DELETE https://v3.fal.media/files/b/x_cat.png", None, {"detail": "Method Not Allowed"}, 405),
        ("DELETE https://router.huggingface.co/fal-ai/a/b", None, {"detail": "Method Not Allowed"}, 405),
    ],
)
def test_it_is_recorded_and_replayed(line: str, sent: Any, answer: Any, status: int) -> None:
    observed = ObservedTraffic()
    observed.observe(line, sent, answer, status)
    assert observed.warnings == []
    method, _, url = line.partition(" ")
    assert observed.entry["match"]["method"] == method
    client = Client(observed.entry)
    reply = client.send(method, url, sent)
    assert (reply.status, read(reply) if reply.body else None) == (status, answer)
    if sent is not None:
        other = client.send(method, url, {"something": "else"})
        assert (other.status, other.fixture) != (status, reply.fixture)


def test_a_call_that_failed_and_then_worked_replays_in_turn(observed: ObservedTraffic) -> None:
    observed.observe("GET https://api.fal.ai/v1/models", None, GONE, 404)
    observed.observe("GET https://api.fal.ai/v1/models", None, {"models": []})
    client = Client(*observed.entries)
    assert [client.send("GET", "https://api.fal.ai/v1/models").status for _ in range(3)] == [404, 200, 200]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://api.fal.ai/v1/keys", "it may hold credentials"),
        ("https://api.fal.ai/v1/keys/abc", "it may hold credentials"),
        ("https://api.fal.ai/v1/serverless/Secrets", "it may hold credentials"),
        ("https://rest.fal.ai/oauth/callback", "it may hold credentials"),
        ("https://auth.fal.ai/userinfo", "it may hold credentials"),
        ("https://docs.fal.ai/", "it is a page of fal's site, not a call of its API"),
        ("https://queue.fal.run/a/b/requests/1/unknown", "it names a job, and in replay jobs have other ids"),
        ("https://router.huggingface.co/fal-ai/a/b/requests/1/x", "it names a job, and in replay jobs have other ids"),
    ],
)
def test_what_is_never_recorded_is_told(observed: ObservedTraffic, url: str, why: str) -> None:
    observed.observe(f"PUT {url}", {"secret": "x"}, {"key": "value"})
    assert (observed.entries, observed.warnings) == ([], [f"PUT {url} is not recorded: {why}"])


def test_models_whose_names_sound_like_credentials_are_recorded(observed: ObservedTraffic) -> None:
    observed.observe("GET https://api.fal.ai/v1/models/monkeys", None, {})
    observed.observe("PUT https://fal.run/me/app/tokens", None, {})
    assert len(observed.entries) == 2


def test_what_the_format_cannot_say_is_told(observed: ObservedTraffic) -> None:
    observed.observe("GET https://api.fal.ai/v1/models", None, None, 302)
    observed.observe("POST https://api.fal.ai/v1/models", [1], {})
    assert [text.partition(": ")[2] for text in observed.warnings] == [
        "an answer with status 302 does not come from a model",
        "its body is not a JSON object but list",
    ]
