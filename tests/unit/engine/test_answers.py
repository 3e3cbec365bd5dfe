from __future__ import annotations

import json

import pytest

from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import paced
from unit.engine.calls import read


def test_a_run_to_the_byte() -> None:
    reply = Client(FLUX).run("fal-ai/flux/dev", {"prompt": "a cat"})
    assert reply.status == 200
    assert reply.body == '{"images":[],"seed":15738016505585340234,"prompt":"é"}'.encode()
    assert [name.decode() for name, _ in reply.headers] == [
        "Content-Type",
        "X-Fal-Served-From",
        "x-fal-request-id",
        "x-fal-billable-units",
        "Strict-Transport-Security",
        "X-Robots-Tag",
        "X-Fal-Runner-Hints",
        "x-falmock-fixture",
    ]
    assert header(reply, "content-type") == "application/json"
    assert header(reply, "x-fal-billable-units") == "1.0"
    assert reply.fixture == "test.json#0"


def test_a_header_of_the_fixture_takes_the_place_of_ours() -> None:
    own = {"X-Fal-Request-Id": "mine", "x-robots-tag": "all"}
    reply = Client({"match": {}, "response": {"json": 1, "headers": own}}).run("a/b")
    assert (header(reply, "x-fal-request-id"), header(reply, "x-robots-tag")) == ("mine", "all")


def test_a_run_takes_its_time_and_has_a_deadline() -> None:
    client = paced()
    assert client.run("fal-ai/flux/dev", {"prompt": "a cat"}).delay == 6
    late = client.run("fal-ai/flux/dev", {"prompt": "a cat"}, x_fal_request_timeout="1.5")
    assert (late.status, late.delay) == (504, 1.5)
    assert header(late, "x-fal-request-timeout-type") == "user"
    in_time = client.run("fal-ai/flux/dev", {"prompt": "a cat"}, x_fal_request_timeout="2.5")
    assert (in_time.status, in_time.delay) == (200, 6)


NEWER, OLDER = "x-fal-request-start-timeout", "x-fal-request-timeout"


@pytest.mark.parametrize(("name", "shown"), [(NEWER, "X-Fal-Request-Start-Timeout"), (OLDER, "X-Fal-Request-Timeout")])
@pytest.mark.parametrize("text", ["soon", "", "0", "0.1", "-5", "nan", "inf"])
def test_a_start_deadline_that_is_none(text: str, name: str, shown: str) -> None:
    client = Client(FLUX)
    for call in (client.run, client.submit):
        reply = call("fal-ai/flux/dev", {"prompt": "a cat"}, **{name: text})
        assert reply.status == 400
        assert read(reply)["detail"].startswith(f"{shown} should be a number of seconds above 0.1")


@pytest.mark.parametrize(
    ("newer", "older", "status"), [("1.5", "600", 504), ("600", "1.5", 200), ("600", "soon", 200), ("soon", "600", 400)]
)
def test_the_newer_name_of_the_start_deadline_wins(newer: str, older: str, status: int) -> None:
    assert paced().run("fal-ai/flux/dev", {"prompt": "a cat"}, **{OLDER: older, NEWER: newer}).status == status


HEADERS = {
    "X-Fal-Queue-Priority": ("low", "normal", "high", ""),
    "X-Fal-No-Retry": ("1", "true", "yes", "no"),
    "X-Fal-Retry-Config": ('{"timeout": {"retries": 0}, "server_error": {"retries": 3}}', "not JSON"),
    "X-Fal-Store-IO": ("0", "1", "2"),
    "X-Fal-Object-Lifecycle-Preference": ('{"expiration_duration_seconds": 60, "initial_acl": {}}', "{}", "{"),
    "X-Fal-Tags": ("team=a,run=7", "fal.x=1,=,,a=b=c", "x" * 2000),
    "X-Fal-Runner-Hint": ("lora:a",),
    "x-app-fal-disable-fallback": ("1", "true"),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in HEADERS.items() for text in texts])
def test_what_else_speaks_to_the_platform_changes_no_answer(name: str, text: str) -> None:
    plain, named = Client(FLUX), Client(FLUX)
    for client, headers in ((plain, {}), (named, {name.lower(): text})):
        client.submit("fal-ai/flux/dev", {"prompt": "a cat"}, **headers)
        client.run("fal-ai/flux/dev", {"prompt": "a cat"}, **headers)
    calls = [
        [(entry.status, entry.fixture, entry.warning) for entry in client.engine.scope.journal.entries]
        for client in (plain, named)
    ]
    assert calls[0] == calls[1] == [(200, "test.json#0", "")] * 2


GOOD = {"url": "https://bucket.s3.eu-west-1.amazonaws.com", "fields": {"key": "out/${filename}", "policy": "e30="}}


def test_a_bad_upload_policy_is_refused_by_the_app() -> None:
    client = Client(FLUX)
    text = "Invalid x-app-fal-upload-policy header: expected a JSON object"
    job = read(client.submit("fal-ai/flux/dev", {"prompt": "a cat"}, x_app_fal_upload_policy="[]"))["response_url"]
    assert client.status(job)["status"] == "COMPLETED"
    run = client.run("fal-ai/flux/dev", {"prompt": "a cat"}, x_app_fal_upload_policy="[]")
    for reply in (client.send("GET", job), run):
        assert (reply.status, read(reply), reply.fixture) == (422, {"detail": text}, "test.json#0")
        assert header(reply, "x-fal-billable-units") == "0"
    assert client.run("fal-ai/flux/dev", {"prompt": "a cat"}, x_app_fal_upload_policy=json.dumps(GOOD)).status == 200


def test_a_bad_upload_policy_ends_a_stream_before_it_begins() -> None:
    client = Client({"match": {}, "stream": {"events": [{"json": {"n": 1}}]}})
    assert client.run("a/b/stream", {}, x_app_fal_upload_policy="").status == 422


def test_equal_matches_answer_in_turn_for_runs_and_jobs_together() -> None:
    match = {"model": "a/b"}
    client = Client(*({"match": match, "response": {"json": number}} for number in range(3)))
    answers = [
        read(client.run("a/b")),
        read(client.send("GET", client.job("a/b"))),
        read(client.run("a/b")),
        read(client.run("a/b")),
    ]
    assert answers == [0, 1, 2, 2]


def test_a_miss_names_the_difference() -> None:
    client = Client(FLUX)
    for reply in (
        client.run("fal-ai/flux/dev", {"prompt": "a dog"}),
        client.submit("fal-ai/flux/dev", {"prompt": "a dog"}),
    ):
        body = read(reply)
        assert reply.status == 404
        assert header(reply, "x-falmock-miss") == "1"
        assert body["detail"] == body["message"]
        assert "test.json#0" in body["detail"]
        assert '$.prompt: expected "a cat", found "a dog"' in body["detail"]
    entry = client.engine.scope.journal.entries[-1]
    assert entry.miss == body["detail"]


def test_a_sequence_that_ran_out_leaves_the_call_to_a_less_specific_match() -> None:
    client = Client(
        {"match": {"model": "a/b", "userMessage": "dragon", "sequenceIndex": 0}, "response": {"json": "first"}},
        {"match": {"model": "a/b", "userMessage": "dragon", "sequenceIndex": 2}, "response": {"json": "third"}},
        {"match": {"model": "a/b"}, "response": {"json": "any"}},
    )
    answers = [read(client.run("a/b", {"prompt": "a dragon"})) for _ in range(4)]
    assert answers == ["first", "any", "third", "any"]


def test_a_sequence_that_ran_out_repeats_its_last_where_nothing_else_matches() -> None:
    client = Client(
        {"match": {"model": "a/b", "sequenceIndex": 1}, "response": {"json": "second"}},
        {"match": {"model": "a/b", "sequenceIndex": 0}, "response": {"json": "first"}},
    )
    assert [read(client.run("a/b")) for _ in range(4)] == ["first", "second", "second", "second"]


def test_a_call_that_is_named_and_calls_that_are_not() -> None:
    client = Client(
        {"match": {"model": "a/b"}, "response": {"json": "one"}},
        {"match": {"model": "a/b", "sequenceIndex": 1}, "response": {"json": "named"}},
        {"match": {"model": "a/b"}, "response": {"json": "two"}},
    )
    assert [read(client.run("a/b")) for _ in range(5)] == ["one", "named", "two", "two", "two"]


def test_the_millionth_call_of_a_sequence_costs_no_more_than_the_first() -> None:
    match = {"model": "a/b"}
    client = Client(
        {"match": {**match, "sequenceIndex": 0}, "response": {"json": "first"}},
        {"match": match, "response": {"json": "later"}},
    )
    assert read(client.run("a/b")) == "first"
    client.engine.scope.calls.update(dict.fromkeys(client.engine.scope.calls, 10**12))
    assert read(client.run("a/b")) == "later"  # counting them one by one would take hours
