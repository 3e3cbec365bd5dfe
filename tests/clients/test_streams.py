"""Streams of models and of jobs, as real clients read them through a real mitmdump.

The pace is `recorded`: events without a time come at once, and events that no test waits for after ten minutes.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from clients import answers
from clients import browser
from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from falmock.wire.formats.sse import Event
from falmock.wire.formats.sse import Parser

App = Callable[..., Any]
LLM = "fal-ai/any-llm"
HI = {"prompt": "hi"}
WORDS = [{"output": "a", "partial": True}, {"output": "a cat é", "partial": False}]
COUNT = [{"n": n} for n in range(1, 5)]
NEVER = 600
CHAT = "openrouter/router/openai/v1/chat/completions"
SOUND = [b"RIFF" + bytes(range(200, 256)), b"\r\n\r\n", b"\0" * 5000]
PROGRAMS = CLIENTS / "programs"


def chunk(text: str) -> dict[str, Any]:
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "x/y", "choices": [delta]}


WHOLE_CHAT = {
    "id": "gen-2",
    "object": "chat.completion",
    "created": 1,
    "model": "x/y",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}],
}
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"model": LLM, "input": HI},
        "stream": [{"comment": "ping"}, *({"json": word, "event": "event"} for word in WORDS), {"comment": "ping"}],
    },
    {"match": {"model": "acme/counts"}, "stream": [{"json": number} for number in COUNT]},
    {"match": {"model": "acme/long"}, "stream": [{"json": COUNT[0]}, {"at": NEVER, "json": COUNT[1]}]},
    {"match": {"model": "acme/paced"}, "stream": [{"at": place * 0.1, "json": n} for place, n in enumerate(COUNT)]},
    {"match": {"model": "acme/done"}, "stream": [{"json": COUNT[0]}, {"data": "[DONE]"}]},
    {
        "match": {"model": CHAT},
        "stream": [{"comment": "OPENROUTER"}, {"json": chunk("a ")}, {"json": chunk("cat é")}, {"data": "[DONE]"}],
        "response": {"json": WHOLE_CHAT},
    },
    {
        "match": {"model": "acme/sound"},
        "stream": {
            "events": [{"at": 0.1 * n, "bytes": base64.b64encode(part).decode()} for n, part in enumerate(SOUND)],
            "headers": {"Content-Type": "audio/wav"},
        },
    },
    answers.fixture("acme/whole", {"answer": 42}),
    answers.fixture("acme/old/stream", {"answer": 42}),
    *(fixture for fixture in answers.FIXTURES if fixture["match"]["model"] in ("acme/refuses", "fal-ai/film")),
    answers.fixture("acme/runs", {"stopped": False}, {"started": 0, "completed": NEVER}),
    {
        **answers.fixture("acme/waits", {"late": True}, {"started": 0, "cancelled": 1}),
        "response": {"error": {"type": "client_cancelled", "message": "Request was cancelled by the client"}},
    },
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("streams") / "fixtures", *FIXTURES)


@pytest.fixture(scope="module")
def mock(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as running:
        yield running
        for bad in ("server connect", "Traceback", "500 Internal Server Error"):
            assert bad not in running.output


@pytest.fixture(scope="module", params=["python_sync", "python_async"])
def python(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / f"{request.param}.py", mock) as app:
        yield app


@pytest.fixture(scope="module")
def todays(mock: Mitmdump) -> Iterator[App]:
    """@fal-ai/client."""
    with running.app(PROGRAMS / "client.mjs", mock) as app:
        yield app


@pytest.fixture(scope="module")
def deprecated(mock: Mitmdump) -> Iterator[App]:
    """@fal-ai/serverless-client."""
    with running.app(PROGRAMS / "serverless_client.mjs", mock) as app:
        yield app


@pytest.fixture(scope="module", params=["todays", "deprecated"])
def js(request: pytest.FixtureRequest) -> App:
    app: App = request.getfixturevalue(request.param)
    return app


@pytest.fixture(params=[False, True], ids=["HTTP/1.1", "HTTP/2"])
def plain(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[httpx.Client]:
    """A client that reads bytes."""
    with wire(mock, http2=request.param) as client:
        yield client


def wire(mock: Mitmdump, *, http2: bool = False) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(mock.ca))
    return httpx.Client(proxy=mock.proxy, verify=trust, timeout=60, trust_env=False, http2=http2)


def read(response: httpx.Response) -> list[Event]:
    """The events of a whole body."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    return Parser().feed(response.read())


def data(response: httpx.Response) -> list[Any]:
    return [json.loads(event.data) for event in read(response)]


# Python


def test_python_stream(python: App) -> None:
    assert python("stream", app=LLM, arguments=HI) == {"events": WORDS}


@pytest.mark.parametrize(("app", "path"), [(LLM, "stream"), (f"{LLM}/stream", "/stream"), (f"{LLM}/stream", "")])
def test_python_stream_by_any_path(python: App, app: str, path: str) -> None:
    assert python("stream", app=app, arguments=HI, path=path) == {"events": WORDS}


def test_python_stream_of_what_is_called_without_the_path(python: App) -> None:
    assert python("stream", app=LLM, arguments=HI, path="") == {"events": WORDS}


def test_python_gets_an_event_before_the_next_is_due_and_may_leave(python: App, mock: Mitmdump) -> None:
    before = mock.output.count("client disconnect")
    assert python("stream", app="acme/long", arguments={}, enough=1) == {"events": COUNT[:1]}
    mock.wait_until(lambda: mock.output.count("client disconnect") > before)
    assert python("stream", app=LLM, arguments=HI) == {"events": WORDS}


def test_python_gets_an_answer_as_the_only_event(python: App) -> None:
    assert python("stream", app="acme/whole", arguments={}) == {"events": [{"answer": 42}]}


@pytest.mark.parametrize(
    ("app", "arguments"),
    [("acme/refuses", {"steps": 3}), (LLM, {"prompt": "ho"}), ("acme/old", {}), ("acme/sound", {})],
)
def test_python_takes_nothing_but_events_for_a_stream(python: App, app: str, arguments: Any) -> None:
    # It does not look at the status: refusals, misses and bodies that are no events are all one to it.
    seen = python("stream", app=app, arguments=arguments)
    assert (seen["events"], seen["raised"]) == ([], "SSEError")
    assert "Expected response header Content-Type to contain 'text/event-stream'" in seen["message"]


def test_python_fails_at_the_end_of_what_openai_streams(python: App) -> None:
    seen = python("stream", app="acme/done", arguments={})
    assert (seen["events"], seen["raised"]) == (COUNT[:1], "JSONDecodeError")


# JavaScript


def test_js_stream(js: App) -> None:
    seen = js("stream", app=LLM, input=HI)
    assert (seen["told"], seen["done"]) == (WORDS, WORDS[-1])


def test_js_stream_in_a_loop(todays: App) -> None:
    seen = todays("stream", app="acme/counts", input={})
    assert (seen["taken"], seen["told"], seen["done"]) == (COUNT, COUNT, COUNT[-1])


def test_the_request_id_of_a_stream_is_the_header(todays: App) -> None:
    first, second = (todays("stream", app="acme/counts", input={})["requestId"] for _ in range(2))
    assert len({first, second} - {None, ""}) == 2


@pytest.mark.parametrize("app", [f"{LLM}/stream", f"https://fal.run/{LLM}/stream"])
def test_js_stream_of_an_id_that_has_the_path(todays: App, app: str) -> None:
    assert todays("stream", app=app, input=HI)["taken"] == WORDS


def test_js_gets_an_event_before_the_next_is_due_and_may_leave(todays: App, mock: Mitmdump) -> None:
    before = mock.output.count("client disconnect")
    assert todays("stream", app="acme/long", input={}, enough=1)["taken"] == COUNT[:1]
    mock.wait_until(lambda: mock.output.count("client disconnect") > before)


def test_js_gets_an_answer_as_the_only_event(js: App) -> None:
    seen = js("stream", app="acme/whole", input={})
    assert (seen["told"], seen["done"]) == ([{"answer": 42}], {"answer": 42})


def test_js_raises_what_comes_before_a_stream(js: App) -> None:
    refused = js("stream", app="acme/refuses", input={"steps": 3})
    assert (refused["told"], refused["taken"]) == ([], [])
    assert (refused["done"]["raised"], refused["done"]["status"]) == ("ValidationError", 422)
    assert refused["done"]["fieldErrors"] == answers.DETAIL
    missed = js("stream", app=LLM, input={"prompt": "ho"})["done"]
    assert (missed["raised"], missed["status"]) == ("ApiError", 404)
    assert f"no fixture answers this call to {LLM}/stream" in missed["message"]
    assert 'fixtures.json#0\n     $.prompt: expected "hi", found "ho"' in missed["message"]


def joined(pieces: list[dict[str, str]]) -> bytes:
    return b"".join(base64.b64decode(piece["base64"]) for piece in pieces)


def test_js_takes_a_body_that_is_no_events_as_bytes(js: App) -> None:
    assert joined(js("stream", app="acme/sound", input={})["told"]) == b"".join(SOUND)
    assert json.loads(joined(js("stream", app="acme/old", input={})["told"])) == {"answer": 42}


def test_js_does_not_take_the_end_of_what_openai_streams(js: App) -> None:
    seen = js("stream", app="acme/done", input={})
    assert seen["told"] == COUNT[:1]
    assert seen["done"]["raised"] == "SyntaxError"


def test_the_deprecated_client_loses_nothing_when_all_comes_at_once(confdir: Path, folder: Path) -> None:
    with mitmdump(confdir, fixtures=folder) as mock, running.app(PROGRAMS / "serverless_client.mjs", mock) as app:
        # Its loop has 16 ms for an event. On a machine that is too busy for that no pacing helps, so it may try again.
        assert any(app("stream", app="acme/counts", input={})["taken"] == COUNT for _ in range(8))


# with a token in place of the key


@pytest.fixture(scope="module")
def guarded(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    with mitmdump(confdir, "--set", "fal_auth=required", fixtures=folder) as mock:
        yield mock


@pytest.mark.parametrize("program", ["client.mjs", "serverless_client.mjs"])
def test_a_token_opens_streams(guarded: Mitmdump, program: str) -> None:
    with running.app(PROGRAMS / program, guarded) as app:
        seen = app("stream", app=LLM, input=HI, connectionMode="client")
        assert (seen["told"], seen["done"]) == (WORDS, WORDS[-1])


def test_without_a_key_or_a_token_nothing_streams(guarded: Mitmdump) -> None:
    with wire(guarded) as client:
        assert client.post(f"https://fal.run/{LLM}/stream", json=HI).status_code == 401
        key = {"authorization": f"Key {running.KEY}"}
        job = client.post("https://queue.fal.run/acme/whole", json={}, headers=key).json()
        assert client.get(f"{job['status_url']}/stream").status_code == 401
        token = client.post("https://rest.fal.ai/tokens/", json={"allowed_apps": ["whole"]}, headers=key).json()
        (event,) = data(client.get(f"{job['status_url']}/stream?logs=1&fal_jwt_token={token}"))
        assert event["status"] == "COMPLETED"


# jobs


def check_states(words: list[str]) -> None:
    """In order, to the end, which is told once.

    On a busy machine a stream may begin when the job is no longer queued.
    """
    order = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert words == sorted(words, key=order.index)
    assert set(words) >= {"IN_PROGRESS", "COMPLETED"}
    assert words.count("COMPLETED") == 1


def check_places(places: list[int]) -> None:
    """Each place that is left, once."""
    assert places == answers.POSITIONS[len(answers.POSITIONS) - len(places) :]


def test_js_subscribes_to_a_stream_of_statuses(js: App, mock: Mitmdump) -> None:
    seen = js("subscribe", app="fal-ai/film", input={}, logs=True, mode="streaming")
    updates = seen["updates"]
    check_states([update["status"] for update in updates])
    check_places([update["queue_position"] for update in updates if "queue_position" in update])
    result = seen["result"]
    assert result.get("data", result) == {"seconds": 4}
    assert f"/fal-ai/film/requests/{seen['id']}/status/stream" in mock.output
    assert f"/fal-ai/film/requests/{seen['id']}/status?" not in mock.output


@pytest.mark.parametrize(("accept", "logs"), [([], "0"), (["application/json", "text/event-stream"], "1")])
def test_every_change_is_told_once(plain: httpx.Client, accept: list[str], logs: str) -> None:
    """Java's client has two Accept headers, never polls, and wants COMPLETED last (PROTOCOL.md section 3.3)."""
    job = plain.post("https://queue.fal.run/fal-ai/film", json={}).json()
    headers = [("accept", value) for value in accept]
    events = data(plain.get(f"{job['status_url']}/stream?logs={logs}", headers=headers))
    check_states([event["status"] for event in events])
    check_places([event["queue_position"] for event in events if "queue_position" in event])
    lines = [log["message"] for event in events for log in event["logs"] or []]
    assert lines == (answers.LOGS if logs == "1" else [])
    assert plain.get(job["response_url"]).json() == {"seconds": 4}


def test_a_cancel_ends_a_stream_of_statuses(plain: httpx.Client, mock: Mitmdump) -> None:
    for app in ("acme/runs", "acme/waits"):
        job = plain.post(f"https://queue.fal.run/{app}", json={}).json()
        with plain.stream("GET", f"{job['status_url']}/stream") as response:
            parser, pieces = Parser(), response.iter_bytes()
            assert json.loads(parser.feed(next(pieces))[0].data)["status"] == "IN_PROGRESS"
            with wire(mock) as other:
                assert other.put(job["cancel_url"]).status_code == 202
            (last,) = [event for piece in pieces for event in parser.feed(piece)]
        assert json.loads(last.data)["status"] == "COMPLETED"
        assert plain.get(job["response_url"]).status_code == 499


def test_a_stream_of_an_unknown_job(plain: httpx.Client) -> None:
    response = plain.get("https://queue.fal.run/acme/runs/requests/nobody/status/stream")
    assert (response.status_code, response.json()) == (404, {"status": "NOT_FOUND"})


# on the wire


def test_the_events_and_the_headers(plain: httpx.Client) -> None:
    response = plain.post(f"https://fal.run/{LLM}/stream", json=HI)
    assert read(response) == [
        Event("event", json.dumps(word, ensure_ascii=False, separators=(",", ":")), "") for word in WORDS
    ]
    assert response.content.startswith(b": ping\n\nevent: event\ndata: {")
    assert response.headers["x-fal-request-id"]
    assert response.headers["x-falmock-fixture"].endswith("fixtures.json#0")
    assert "content-length" not in response.headers


def test_what_openai_streams(plain: httpx.Client) -> None:
    streamed = read(plain.post(f"https://fal.run/{CHAT}", json={"stream": True, "messages": []}))
    assert [event.data for event in streamed[-1:]] == ["[DONE]"]
    assert [json.loads(event.data) for event in streamed[:-1]] == [chunk("a "), chunk("cat é")]
    assert plain.post(f"https://fal.run/{CHAT}", json={"messages": []}).json() == WHOLE_CHAT


def test_openais_own_client(mock: Mitmdump) -> None:
    with wire(mock) as through:
        client = openai.OpenAI(
            base_url=f"https://fal.run/{CHAT.removesuffix('/chat/completions')}", api_key="x", http_client=through
        )
        asked: Any = {"model": "x/y", "messages": [{"role": "user", "content": "hi"}]}
        told = [part.choices[0].delta.content for part in client.chat.completions.create(**asked, stream=True)]
        whole = client.chat.completions.create(**asked).choices[0].message.content
    assert (told, whole) == (["a ", "cat é"], "whole")


def test_a_client_that_goes_away_is_not_waited_for(plain: httpx.Client, mock: Mitmdump) -> None:
    with plain.stream("POST", "https://fal.run/acme/long/stream", json={}) as response:
        assert Parser().feed(next(response.iter_bytes()))[0].data == '{"n":1}'
    assert data(plain.post("https://fal.run/acme/counts/stream", json={})) == COUNT
    assert "broke off" not in mock.output


# in a browser


def test_a_page_reads_streams_as_they_come(mock: Mitmdump) -> None:
    browser.require()
    with browser.user(mock) as visit:
        (seen,) = visit("streams.html").values()
    assert (seen.failed, seen.console) == (None, [])
    assert seen.shown == {
        "type": "text/event-stream; charset=utf-8",
        "text": "".join(f'data: {{"n":{number["n"]}}}\n\n' for number in COUNT),
        "first": 'data: {"n":1}\n\n',
        "events": COUNT,
        "statuses": ["COMPLETED"],
    }
