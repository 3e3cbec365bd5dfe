"""Streams of models: which calls get one, of which fixture, and when its pieces come."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.engine.effects import End
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.streams import LEGACY_GAP
from falmock.engine.streams import Playback
from falmock.engine.streams import names_of
from falmock.fixtures.model import Piece
from falmock.wire.auth import AuthRule
from falmock.wire.endpoint import parse
from unit.engine.calls import Client
from unit.engine.calls import Listener
from unit.engine.calls import header
from unit.engine.calls import read

LLM = "fal-ai/any-llm"
HI = {"prompt": "hi"}
EVENTS = [
    {"at": 0.5, "json": {"output": "a", "partial": True}, "event": "event"},
    {"at": 1.5, "json": {"output": "ab", "partial": False}, "event": "event"},
    {"at": 2.0, "end": True},
]
TALKING = {
    "match": {"model": LLM, "input": HI},
    "stream": {"events": EVENTS, "headers": {"X-Fal-Runner-Hints": "a"}, "billableUnits": 0.5},
}
WHOLE = {"match": {"model": LLM, "input": HI}, "response": {"json": {"output": "é"}, "billableUnits": 1}}
REFUSED = {
    "match": {"model": LLM, "input": HI},
    "response": {"error": {"type": "content_policy_violation", "message": "No.", "loc": ["body"]}},
}
CHUNKS = {
    "match": {"model": "openrouter/router/openai/v1/chat/completions"},
    "stream": [{"json": {"choices": [1]}}, {"data": "[DONE]"}],
    "response": {"json": {"choices": [2]}},
}
SPEECH = {"match": {"model": "fal-ai/speech"}, "stream": [{"bytes": "AAAA"}, {"at": 1, "bytes": "//8="}]}
LEGACY = {"user-agent": "@fal-ai/serverless-client/0.15.0"}
EVENTS_ONLY = {"accept": "text/event-stream"}
EITHER = {"accept": "application/json, text/event-stream"}
PATH = f"https://fal.run/{LLM}/stream"


def stream(client: Client, url: str = PATH, body: Any = None, **headers: str) -> Listener:
    return client.listen("POST", url, body or HI, headers)


def paced(*fixtures: dict[str, Any], pace: str = "recorded", **config: Any) -> Client:
    return Client(*fixtures, pace=parse_pace(pace), **config)


# what is played


def test_every_event_by_itself_when_it_was_recorded_then_the_end() -> None:
    client = paced(TALKING)
    listener = stream(client).wait()
    assert [piece for _, piece in listener.pieces] == [
        b'event: event\ndata: {"output":"a","partial":true}\n\n',
        b'event: event\ndata: {"output":"ab","partial":false}\n\n',
    ]
    assert [at for at, _ in listener.pieces] == pytest.approx([0.5, 1.5], abs=1e-4)
    assert (listener.end, listener.open_for) == (End.WHOLE, pytest.approx(2, abs=1e-4))


def test_the_headers_are_a_models_and_the_fixtures() -> None:
    found = stream(paced(TALKING)).stream
    assert (found.status, found.fixture, found.why) == (200, "test.json#0", "matches by model, input")
    assert header(found, "content-type") == "text/event-stream; charset=utf-8"
    assert header(found, "x-fal-billable-units") == "0.5"
    assert header(found, "x-fal-runner-hints") == "a"
    assert header(found, "x-falmock-fixture") == "test.json#0"
    assert header(found, "x-fal-request-id")
    assert header(found, "x-fal-served-from")
    assert header(found, "access-control-allow-origin") is None


def test_each_stream_has_a_request_id_of_its_own() -> None:
    client = paced(TALKING)
    ids = {header(stream(client).stream, "x-fal-request-id") for _ in range(3)}
    assert len(ids) == 3


def test_a_page_may_read_it() -> None:
    found = stream(paced(TALKING), origin="https://app.example").stream
    assert header(found, "access-control-allow-origin") == "*"


@pytest.mark.parametrize(
    ("pace", "times", "end"),
    [
        ("instant", [0, 0], 0),
        ("x10", [0.05, 0.15], 0.2),
        ("1s", [0.25, 0.75], 1),
        ("polls:1,2", [0, 0], 0),
    ],
)
def test_the_pace(pace: str, times: list[float], end: float) -> None:
    listener = stream(paced(TALKING, pace=pace)).wait()
    assert [at for at, _ in listener.pieces] == pytest.approx(times, abs=1e-4)
    assert listener.open_for == pytest.approx(end, abs=1e-4)


def test_a_stream_without_times_takes_as_long_as_is_asked_for() -> None:
    listener = stream(paced({**TALKING, "stream": [{"json": 1}]}, pace="3s")).wait()
    assert ([at for at, _ in listener.pieces], listener.open_for) == ([0], 3)


def test_the_deprecated_client_gets_its_events_one_after_the_other() -> None:
    listener = stream(paced(TALKING, pace="instant"), **LEGACY).wait()
    assert [at for at, _ in listener.pieces] == pytest.approx([0, LEGACY_GAP], abs=1e-4)
    assert listener.open_for == pytest.approx(2 * LEGACY_GAP, abs=1e-4)


def test_bytes_that_are_no_events() -> None:
    listener = stream(paced(SPEECH), "https://fal.run/fal-ai/speech/stream").wait()
    assert [piece for _, piece in listener.pieces] == [b"\0\0\0", b"\xff\xff"]
    assert header(listener.stream, "content-type") == "application/octet-stream"


def test_an_empty_stream() -> None:
    listener = stream(paced({"match": {}, "stream": []})).look()
    assert (listener.pieces, listener.end) == ([], End.WHOLE)


# which calls get one


@pytest.mark.parametrize("headers", [EVENTS_ONLY, EITHER])
def test_a_run_that_accepts_events_gets_them(headers: dict[str, str]) -> None:
    listener = Client(TALKING).listen("POST", f"https://fal.run/{LLM}", HI, headers).wait()
    assert [event["output"] for event in listener.data] == ["a", "ab"]


def test_a_run_whose_input_asks_for_a_stream_gets_one() -> None:
    client = Client(CHUNKS)
    url = "https://fal.run/openrouter/router/openai/v1/chat/completions"
    listener = client.listen("POST", url, {"stream": True, "messages": []}).wait()
    assert [piece for _, piece in listener.pieces] == [b'data: {"choices":[1]}\n\n', b"data: [DONE]\n\n"]
    for body in ({"stream": False}, {"options": {"stream": True}}, {}):
        assert read(client.send("POST", url, body)) == {"choices": [2]}


def test_a_plain_run_of_what_has_only_a_stream_gets_what_it_came_to() -> None:
    client = paced(TALKING)
    reply = client.run(LLM, HI)
    assert read(reply) == {"output": "ab", "partial": False}
    assert (header(reply, "content-type"), reply.delay) == ("application/json", 2)
    assert header(reply, "x-fal-billable-units") == "0.5"
    job = client.job(LLM, HI)
    client.now += 2.001
    assert read(client.send("GET", job)) == {"output": "ab", "partial": False}


def test_a_run_of_a_stream_without_json_gets_all_of_it() -> None:
    client = Client({"match": {}, "stream": [{"data": "a"}, {"comment": "b"}]})
    reply = client.run(LLM, HI)
    assert (reply.body, header(reply, "content-type")) == (b"data: a\n\n: b\n\n", "text/event-stream; charset=utf-8")
    assert Client(SPEECH).run("fal-ai/speech").body == b"\0\0\0\xff\xff"


def test_get() -> None:
    client = Client({"match": {"model": LLM, "method": "GET"}, "stream": [{"json": 1}]})
    assert client.listen("GET", f"{PATH}?prompt=hi").wait().data == [1]


def test_a_get_has_no_body_to_ask_for_a_stream_in() -> None:
    client = Client({"match": {"model": LLM}, "stream": [{"json": 1}]})
    assert client.send("GET", f"https://fal.run/{LLM}", b'{"stream": tru').body == b"1"


def test_a_token_opens_it() -> None:
    client = Client(TALKING, auth=AuthRule(required=True))
    asked = {"allowed_apps": ["any-llm"]}
    token = read(client.send("POST", "https://rest.fal.ai/tokens/", asked, {"authorization": "Key a:b"}))
    assert stream(client, f"{PATH}?fal_jwt_token={token}").wait().data
    assert client.send("POST", PATH, HI).status == 401


# which fixture answers


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("a/b/stream", ("a/b/stream", "a/b")),
        ("a/b/c/stream/stream", ("a/b/c/stream/stream", "a/b/c/stream", "a/b/c")),
        ("workflows/a/b/stream", ("workflows/a/b/stream", "workflows/a/b")),
        ("a/stream/stream", ("a/stream/stream", "a/stream")),
        ("a/b", ("a/b",)),
    ],
)
def test_the_ids_that_a_call_goes_by(name: str, names: tuple[str, ...]) -> None:
    assert names_of(parse(name)) == names


def answering(model: str | None, word: str, **match: Any) -> dict[str, Any]:
    named = {} if model is None else {"model": model}
    return {"match": {**named, **match}, "stream": [{"json": word}]}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("fixtures", "called", "answer"),
    [
        ([answering("a/b/stream", "its own"), answering("a/b", "the model's")], "a/b/stream", "its own"),
        ([answering("a/b", "the model's"), answering(None, "any")], "a/b/stream", "the model's"),
        ([answering("a/b", "the model's"), answering("a/*", "some")], "a/b/stream", "the model's"),
        ([answering("a/b/stream", "its own"), answering("a/b", "the model's")], "a/b/stream/stream", "its own"),
        ([answering("a/*/stream", "glob"), answering(None, "any")], "a/b/stream", "glob"),
        ([answering("a/*b", "glob")], "a/b/stream", "glob"),
        (
            [answering("a/b/stream", "its own", input={"x": 1}), answering("a/b", "the model's")],
            "a/b/stream",
            "the model's",
        ),
    ],
)
def test_which_fixture_answers(fixtures: list[dict[str, Any]], called: str, answer: str, order: int) -> None:
    assert stream(Client(*fixtures[::order]), f"https://fal.run/{called}").wait().data == [answer]


def test_several_answer_in_turn() -> None:
    client = Client(answering("a/b", "first"), answering("a/b", "second"), answering(None, "any", sequenceIndex=9))
    told = [stream(client, "https://fal.run/a/b/stream").wait().data[0] for _ in range(3)]
    assert told == ["first", "second", "second"]


def test_a_catch_all_that_names_its_calls_counts_a_call_once() -> None:
    client = Client(answering(None, "first", sequenceIndex=0), answering(None, "second", sequenceIndex=1))
    told = [stream(client, "https://fal.run/a/b/stream").wait().data[0] for _ in range(3)]
    assert told == ["first", "second", "second"]


def test_a_miss_tells_of_the_fixtures_of_both_ids() -> None:
    client = Client(answering(LLM, "", input={"prompt": "a"}), answering(f"{LLM}/stream", "", input={"prompt": "b"}))
    reply = client.send("POST", PATH, HI)
    text = read(reply)["detail"]
    assert (reply.status, reply.fixture) == (404, None)
    assert f"no fixture answers this call to {LLM}/stream" in text
    assert 'test.json#0\n     $.prompt: expected "a", found "hi"' in text
    assert 'test.json#1\n     $.prompt: expected "b", found "hi"' in text
    stub = json.loads(text.rpartition("fixtures folder: ")[2])
    assert stream(Client(*stub["fixtures"])).wait().data == [""]


# fixtures without a stream


@pytest.mark.parametrize("headers", [{}, EVENTS_ONLY])
def test_the_answer_stands_in_as_the_only_event_when_it_would_be_there(headers: dict[str, str]) -> None:
    client = paced({**WHOLE, "queue": {"completed": 1.5}})
    listener = stream(client, **headers).wait()
    assert listener.pieces == [(pytest.approx(1.5, abs=1e-4), 'data: {"output":"é"}\n\n'.encode())]
    assert listener.end is End.WHOLE
    assert header(listener.stream, "content-type") == "text/event-stream; charset=utf-8"
    assert header(listener.stream, "x-fal-billable-units") == "1"


def test_so_for_the_deprecated_client_with_time_to_take_it() -> None:
    assert stream(Client(WHOLE), **LEGACY).wait().open_for == pytest.approx(LEGACY_GAP, abs=1e-4)


def test_a_run_whose_input_asks_for_a_stream_gets_the_answer_as_it_is() -> None:
    client = Client({"match": {"model": LLM}, "response": {"json": {"a": 1}}})
    assert read(client.run(LLM, {"stream": True})) == {"a": 1}


def test_what_was_recorded_of_the_very_call_is_answered_as_it_was() -> None:
    client = Client({"match": {"model": f"{LLM}/stream"}, "response": {"json": {"a": 1}}})
    assert read(client.send("POST", PATH, HI)) == {"a": 1}


@pytest.mark.parametrize(
    "response", [{"text": "plain"}, {"text": "data: 1\n\n", "headers": {"Content-Type": "text/event-stream"}}]
)
def test_what_is_no_json_is_answered_as_it_is(response: dict[str, Any]) -> None:
    reply = Client({"match": {"model": LLM}, "response": response}).send("POST", PATH, HI)
    assert reply.body == response["text"].encode()


def test_an_error_comes_before_the_stream() -> None:
    reply = paced({**REFUSED, "queue": {"completed": 1.5}}).send("POST", PATH, HI)
    assert (reply.status, read(reply)["detail"][0]["msg"], reply.delay) == (422, "No.", 1.5)


@pytest.mark.parametrize("fixture", [TALKING, WHOLE])
def test_one_that_starts_too_late(fixture: dict[str, Any]) -> None:
    client = paced({**fixture, "queue": {"started": 60, "completed": 61}})
    reply = client.send("POST", PATH, HI, {"x-fal-request-timeout": "1.5"})
    assert (reply.status, reply.delay, header(reply, "x-fal-request-timeout-type")) == (504, 1.5, "user")


@pytest.mark.parametrize("body", [b"{", b"[1]"])
def test_a_body_that_is_no_input(body: bytes) -> None:
    assert Client(TALKING).send("POST", PATH, body, {"content-type": "application/json"}).status == 422


# auto


@pytest.mark.parametrize("fixture", [TALKING, WHOLE])
def test_auto_plays_what_matches_and_forwards_the_rest(fixture: dict[str, Any]) -> None:
    client = Client(fixture, mode=Mode.AUTO)
    assert isinstance(client.effect("POST", PATH, HI), Stream)
    assert isinstance(client.effect("POST", PATH, {"prompt": "ho"}), Forward)
    assert isinstance(Client({**REFUSED}, mode=Mode.AUTO).effect("POST", PATH, HI), Reply)


def test_the_journal_has_it() -> None:
    client = Client(TALKING)
    stream(client)
    (entry,) = client.engine.scope.journal.entries
    assert (entry.status, entry.fixture, entry.path) == (200, "test.json#0", f"/{LLM}/stream")


# the playback

PIECES = st.lists(st.tuples(st.floats(0, 10), st.binary(max_size=3)), max_size=8).map(
    lambda pieces: [Piece(100 + at, data) for at, data in sorted(pieces, key=lambda piece: piece[0])]
)


@given(PIECES, st.floats(0, 3), st.sampled_from([0.0, 0.025, 2.0]), st.lists(st.floats(0, 5), max_size=10))
def test_whenever_it_is_asked_all_comes_in_order_and_not_before_its_time(
    pieces: list[Piece], after: float, gap: float, waits: list[float]
) -> None:
    ends = (pieces[-1].at if pieces else 100) + after
    playback = Playback(pieces, ends, gap)
    now, sent, steps = 100.0, [], itertools.chain(waits, itertools.repeat(None))
    while True:
        step = playback.step(now)
        sent += [(now, data) for data in step.pieces]
        if step.end is not End.OPEN:
            break
        assert step.again is not None
        assert step.again > now
        wait = next(steps)
        now = step.again if wait is None else now + wait
    assert step.end is End.WHOLE
    assert now >= ends
    assert [data for _, data in sent] == [piece.data for piece in pieces]
    assert all(at >= piece.at for (at, _), piece in zip(sent, pieces, strict=True))
    times = [at for at, _ in sent] + [now]
    if gap:
        assert all(later - earlier >= gap - 1e-9 for earlier, later in itertools.pairwise(times))
