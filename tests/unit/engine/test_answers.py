from __future__ import annotations

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


@pytest.mark.parametrize("text", ["soon", "", "0.1", "-5", "nan", "inf"])
def test_a_start_deadline_that_is_none(text: str) -> None:
    client = Client(FLUX)
    for call in (client.run, client.submit):
        reply = call("fal-ai/flux/dev", {"prompt": "a cat"}, x_fal_request_timeout=text)
        assert reply.status == 400
        assert "X-Fal-Request-Timeout" in read(reply)["detail"]


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
