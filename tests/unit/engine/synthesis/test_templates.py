"""Answers that use the input, for every kind of call."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.jobs.pace import parse_pace
from falmock.engine.synthesis import templates
from falmock.fixtures.matching.match import Query
from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Text
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of
from unit.engine.calls import read
from unit.engine.calls import upload
from unit.engine.hooked import Hooked
from unit.engine.talks import Talk
from unit.engine.talks import packed
from unit.engine.talks import said
from unit.fixtures.templates import CALLS
from unit.fixtures.templates import TEMPLATES

PROMPT = {"$input": "prompt"}
IMAGES = {
    "match": {"model": "a/image"},
    "response": {
        "json": {
            "images": {
                "$repeat": {"$input": "num_images", "default": 1},
                "of": {"url": "https://x.test/cat.png", "width": {"$size": "width", "default": 1024}},
            },
            "prompt": PROMPT,
            "seed": {"$seed": True},
            "id": {"$request_id": True},
            "at": {"$now": "epoch"},
        },
    },
}
ECHO = {"match": {"model": "a/echo"}, "response": {"json": {"$input": "$"}}}
LLM = {
    "match": {"model": "a/llm"},
    "stream": [{"json": {"output": PROMPT, "partial": True}, "event": "e", "id": "1"}, {"json": {"output": PROMPT}}],
}
IDS = {"match": {"model": "a/ids"}, "response": {"json": [{"$request_id": True}, {"$uuid": True}]}}
MISSING = "The fixture test.json#0 cannot answer this call: "
WHY = "the answer of the fixture cannot be made for this input"


def test_a_run() -> None:
    client = Client(IMAGES)
    reply = client.run("a/image", {"prompt": "a cat", "num_images": 2, "image_size": "square", "seed": 1.0})
    image = {"url": "https://x.test/cat.png", "width": 512}
    request_id = header(reply, "x-fal-request-id")
    answer = {"images": [image, image], "prompt": "a cat", "seed": 1.0, "id": request_id, "at": 1752619398}
    assert read(reply) == answer
    assert (reply.status, reply.fixture) == (200, "test.json#0")


def test_a_file_is_named_as_the_app_named_it() -> None:
    client = Client(ECHO)
    url = upload(client)
    assert read(client.run("a/echo", {"image_url": url, "mask": "data:,x"})) == {"image_url": url, "mask": "data:,x"}
    assert read(client.send("GET", "https://fal.run/a/echo?prompt=x&n=1&n=2")) == {"prompt": "x", "n": ["1", "2"]}


def test_the_seed_of_the_same_input_is_the_same() -> None:
    client = Client(IMAGES)
    url = upload(client)

    def seed(**more: Any) -> Any:
        return read(client.run("a/image", {"prompt": "x", **more}))["seed"]

    assert seed() == seed() != seed(n=1)
    assert seed(image=url) == seed(image="data:text/plain,content")


def test_the_result_of_a_job_is_the_same_at_every_read() -> None:
    client = Client(IMAGES, IDS)
    job = client.job("a/image", {"prompt": "a cat"})
    other = client.job("a/image", {"prompt": "a dog"})
    ids = client.job("a/ids")
    client.now += 100
    assert client.status(job)["status"] == "COMPLETED"
    first = read(client.send("GET", job))
    assert (first["prompt"], first["at"]) == ("a cat", 1752619398)
    assert job.endswith(first["id"])
    assert read(client.send("GET", other))["prompt"] == "a dog"
    client.now += 5
    assert read(client.send("GET", job)) == first
    shown = read(client.send("GET", ids))
    assert shown == read(client.send("GET", ids))
    assert ids.endswith(shown[0])
    assert shown[0] != shown[1]


def test_a_webhook_has_it() -> None:
    client = Hooked({**IMAGES, "queue": {"completed": 0}}, pace=parse_pace("recorded"))
    client.ask("a/image", {"prompt": "a cat"})
    (post,) = client.at(1)
    told = json.loads(post.body)
    assert told["payload"]["prompt"] == "a cat"
    assert told["payload"]["id"] == told["request_id"]


def test_a_stream() -> None:
    client = Client(LLM)
    stream = client.listen("POST", "https://fal.run/a/llm/stream", {"prompt": "hi"}).wait()
    assert [piece for _, piece in stream.pieces] == [
        b'event: e\nid: 1\ndata: {"output":"hi","partial":true}\n\n',
        b'data: {"output":"hi"}\n\n',
    ]
    assert read(client.run("a/llm", {"prompt": "ho"})) == {"output": "ho"}


def test_an_answer_as_the_only_event() -> None:
    client = Client(ECHO)
    assert client.listen("POST", "https://fal.run/a/echo/stream", {"prompt": "hi"}).wait().data == [{"prompt": "hi"}]


def test_messages_on_a_socket() -> None:
    client = Client(
        {"match": {"model": "a/rt"}, "realtime": [{"msgpack": {"p": PROMPT}}, {"json": {"p": PROMPT}}]},
        ECHO,
        {"match": {"model": "a/own", "opening": True}, "realtime": [{"json": {"at": {"$now": "epoch"}}}]},
    )
    talk = Talk(client, "a/rt/realtime") >> {"prompt": "a"} << packed({"p": "a"}) << said({"p": "a"})
    talk >> '{"prompt": "é"}' << packed({"p": "é"}) << Text('{"p":"é"}')
    talk.quiet()
    (Talk(client, "a/own") << said({"at": 1752619398})).quiet()
    (Talk(client, "a/echo/realtime") >> {"prompt": "a"} << packed({"prompt": "a"})).quiet()


def test_runs_over_a_socket() -> None:
    client = Client(LLM, IMAGES)
    for path, text in (("a/llm/stream", '"output":"hi"'), ("a/image", '"prompt":"hi"')):
        talk = Talk(client, path, "ws.fal.run") >> '{"prompt": "hi"}'
        assert any(text in str(frame) for frame in talk.inbox)


def test_a_call_to_no_endpoint() -> None:
    client = Client(
        {"match": {"host": "rest.fal.ai", "path": "/x", "method": "POST"}, "response": {"json": {"p": PROMPT}}},
        {"match": {"path": "/files/a.json"}, "response": {"json": {"p": {"$input": "v"}}}},
    )
    assert read(client.send("POST", "https://rest.fal.ai/x", {"prompt": "a"})) == {"p": "a"}
    assert read(client.send("GET", "https://v3.fal.media/files/a.json?v=1")) == {"p": "1"}


def test_an_error_repeats_the_input() -> None:
    error = {"error": {"type": "image_too_small", "input": {"$input": "image_url"}}}
    client = Client({"match": {}, "response": error})
    reply = client.run("a/b", {"image_url": "https://x.test/1.png"})
    assert reply.status == 422
    assert read(reply)["detail"][0]["input"] == "https://x.test/1.png"


def test_a_body_that_is_no_input() -> None:
    match = {"model": "a/b", "body": "hello"}
    client = Client({"match": match, "response": {"json": [{"$input": "$"}, {"$input": "x", "default": 1}]}})
    assert read(client.send("POST", "https://fal.run/a/b", b"hello")) == [{}, 1]


# What cannot be made


def _refused(reply: Any, words: str) -> None:
    told = read(reply)
    assert reply.status == 500
    assert told["detail"] == told["message"]
    assert told["detail"].startswith(MISSING + words), told
    assert header(reply, "x-falmock-error") == WHY
    assert (reply.fixture, reply.why.partition(";")[0]) == ("test.json#0", WHY)
    assert reply.delay == 0


def test_a_run_that_lacks_an_input_fails_at_once() -> None:
    client = Client({**IMAGES, "queue": {"completed": 60}}, pace=parse_pace("recorded"))
    words = "response.json.prompt: {\"$input\": \"prompt\"} finds nothing: the input has 'promt', did you mean 'promt'?"
    _refused(client.run("a/image", {"promt": "a cat"}), words)
    _refused(
        client.run("a/image", {"prompt": "a", "num_images": 10**9}), "response.json.images.$repeat: expected a whole"
    )


def test_a_job_that_lacks_an_input_fails_at_its_result() -> None:
    client = Hooked({**IMAGES, "queue": {"completed": 60}}, pace=parse_pace("recorded"))
    job = client.ask("a/image", {})
    (post,) = client.at(1)
    told = json.loads(post.body)
    assert (told["status"], told["payload"]["detail"]) == ("ERROR", told["payload"]["message"])
    assert told["payload"]["detail"].startswith(f"{MISSING}response.json.prompt: ")
    client = Client({**IMAGES, "queue": {"completed": 60}}, pace=parse_pace("recorded"))
    job = client.job("a/image", {})
    assert client.status(job)["status"] == "COMPLETED"
    _refused(client.send("GET", job), "response.json.prompt: ")


def test_a_submit_that_is_refused_and_lacks_an_input_fails_at_once() -> None:
    refused = {"match": {"model": "a/b"}, "response": {"status": 403, "json": PROMPT}, "queue": {"refused": True}}
    _refused(Client(refused).submit("a/b", {}), "response.json: ")


def test_an_opening_whose_frames_cannot_be_made_says_so() -> None:
    own = {"match": {"model": "a/own", "opening": True}, "realtime": [{"json": PROMPT}]}
    assert Talk(Client(own), "a/own").error()["detail"].startswith(f"{MISSING}realtime[0].json: ")


def test_a_stream_that_lacks_an_input_fails_before_it_begins() -> None:
    _refused(Client(LLM).send("POST", "https://fal.run/a/llm/stream", {}), "stream[1].json.output")


def test_a_message_that_lacks_an_input() -> None:
    client = Client({"match": {"model": "a/rt"}, "realtime": [{"msgpack": [PROMPT]}]})
    talk = Talk(client, "a/rt/realtime") >> {"x": 1}
    error = talk.error()
    assert error["error"] == "INTERNAL_ERROR"
    assert error["reason"].startswith(f"{MISSING}realtime[0].msgpack[0]: ")
    talk << Close()
    talk = Talk(client, "a/rt") >> '{"x": 1}'
    assert talk.error()["detail"].startswith(MISSING)


def test_what_msgpack_cannot_hold() -> None:
    client = Client({"match": {"model": "a/rt"}, "realtime": [{"msgpack": [{"$input": "n"}]}]})
    error = (Talk(client, "a/rt") >> '{"n": 100000000000000000000}').error()
    assert "realtime[0].msgpack: cannot be written as msgpack: " in error["detail"]


# What is kept


def test_answers_of_single_calls_are_not_kept_for_ever() -> None:
    client = Client(IMAGES, max_jobs=10)
    for number in range(400):
        client.run("a/image", {"prompt": str(number)})
        job = client.job("a/image", {"prompt": str(number)})
        client.now += 10
        assert client.status(job)["status"] == "COMPLETED"
    scope = client.engine.scope
    assert len(scope.answers) <= 2 * len(scope.jobs) + 101
    assert len(client.engine._answers._cache.prepared._known) == 0
    assert {json.loads(scope.answer_of(job).body)["prompt"] for job in scope.jobs} == {str(n) for n in range(390, 400)}


@given(template=TEMPLATES, call=CALLS, request_id=st.uuids().map(str))
def test_any_call_gets_an_answer(template: Any, call: Any, request_id: str) -> None:
    (fixture,) = index_of({"match": {}, "response": {"json": template}, "realtime": [{"json": template}]}).fixtures
    query = Query("a/b", "POST", call, json.dumps(call), "", given=call)
    found = templates.filled(fixture, query, request_id, 1e9)
    assert found == templates.filled(fixture, query, request_id, 1e9)
    assert jsontext.is_json(found.answer.body)
    assert found.answer.template is None
    assert (found.frames is None) is (found.answer.status == 500)


def test_a_fixture_without_templates_is_used_as_it_is() -> None:
    (fixture,) = index_of({"match": {}, "response": {"json": 1}}).fixtures
    assert templates.filled(fixture, Query("a/b", "POST", {}, "{}", ""), "id", 1e9) is fixture


def test_what_has_no_template_beside_one_that_has_stays() -> None:
    stream = [{"json": {"a": 1}}, {"json": PROMPT}]
    client = Client({"match": {"model": "a/b"}, "response": {"json": 1}, "stream": stream})
    assert read(client.run("a/b", {"prompt": "hi"})) == 1
    assert client.listen("POST", "https://fal.run/a/b/stream", {"prompt": "hi"}).wait().data == [{"a": 1}, "hi"]
