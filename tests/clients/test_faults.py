"""Faults as data, through a real mitmdump: where they are asked for, what the real clients make of them, run after run."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from clients import running
from clients import tape
from clients import webhook_verifier
from clients.faulty import ANY
from clients.faulty import asked
from clients.faulty import run
from clients.faulty import write_rules
from clients.receiver import Delivered
from clients.receiver import Receiver
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from falmock.fixtures.format.fault import PATIENCE

App = Callable[..., Any]
PLAIN = "https://fal.run/acme/plain"
PROGRAMS = {"python": "python_sync.py", "python async": "python_async.py", "js": "client.mjs"}
OBSERVER = str(CLIENTS / "observer.py")
RUNS = {"started": 0.3, "completed": 0.9}
LONG = {"started": 2, "completed": 6}
"""So long that a client which asks twice a second sees each state of it, also where the machine stalls for a second."""
FIXTURES: list[dict[str, Any]] = [
    ANY,
    {"match": {"model": "acme/streams"}, "stream": [{"json": {"n": n}} for n in range(3)]},
    {"match": {"model": "acme/plain"}, "stream": [{"json": {"n": n}} for n in range(3)]},
    {"match": {"model": "acme/lags"}, "realtime": [{"json": {"said": 1}}, {"json": {"said": 2}}]},
    {"match": {"model": "acme/hot", "input": {"n": 2}}, "realtime": [{"json": 1}], "fault": "generation_timeout"},
    {"match": {"model": "acme/hot"}, "realtime": [{"json": {"said": True}}]},
    {"match": {"model": "acme/errs"}, "stream": [{"json": {"n": n}} for n in range(3)]},
    {"match": {"model": "acme/talks"}, "realtime": [{"json": {"said": True}}]},
    {"match": {"model": "acme/half-text"}, "realtime": [{"json": {"said": True}}]},
    {"match": {"model": "acme/stuck-queue"}, "fault": {"job": "stuck-in-queue"}},
    {"match": {"model": "acme/stuck-run"}, "fault": {"job": "stuck-in-progress"}},
    {
        "match": {"model": "acme/fails-late"},
        "response": {"json": {}},
        "queue": LONG,
        "fault": {"job": {"kind": "fails-late", "error": "runner_disconnected"}},
    },
    {"match": {"model": "acme/loses"}, "response": {"json": {}}, "queue": RUNS, "fault": {"job": "loses-result"}},
    {"match": {"model": "acme/retried"}, "response": {"json": {"ok": 2}}, "queue": LONG, "fault": {"job": "retried"}},
    {"match": {"model": "acme/malformed"}, "response": {"json": {}}, "fault": {"body": "malformed-json"}},
    {"match": {"model": "acme/typed"}, "response": {"json": {"a": 1}}, "fault": {"contentType": "text/plain"}},
]
RULES: list[dict[str, Any]] = [
    {"match": {"model": "acme/again-run"}, "fault": {"error": "nginx_503", "nth": 1}},
    {"match": {"model": "acme/again-poll", "call": "status"}, "fault": {"error": "nginx_502", "times": 2}},
    {"match": {"model": "acme/again-lost", "call": "run"}, "fault": {"reset": "before-headers", "nth": 1}},
    {"match": {"model": "acme/streams"}, "fault": {"stream": {"after": 1, "cut": True}}},
    {"match": {"model": "acme/errs"}, "fault": {"stream": {"after": 1, "error": "internal_server_error"}}},
    {"match": {"model": "acme/hook-late"}, "fault": {"webhook": {"kind": "late", "seconds": 1}}},
    {"match": {"model": "acme/hook-twice"}, "fault": {"webhook": {"kind": "twice", "seconds": 0.2}}},
    {"match": {"model": "acme/hook-order", "call": "webhook"}, "fault": {"webhook": "out-of-order", "times": 1}},
    {"match": {"model": "acme/hook-forged"}, "fault": {"webhook": "bad-signature"}},
    {"match": {"model": "acme/hook-never"}, "fault": {"webhook": "never"}},
    {"match": {"model": "acme/talks"}, "fault": {"socket": {"close": 1011, "reason": "gone", "after": 2}}},
    {"match": {"model": "acme/half"}, "fault": {"socket": {"close": 1012, "midFrame": True}}},
    {"match": {"model": "acme/breaks"}, "fault": {"socket": {"reset": True, "after": 1}}},
    {"match": {"model": "acme/half-*"}, "fault": {"socket": {"midFrame": True}}},
    {"match": {"model": "acme/lags"}, "fault": {"latency": 0.3}},
    {"match": {"model": "acme/idles"}, "fault": {"socket": {"idle": 0.5}}},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def mock(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    options = ("--set", "fal_pace=recorded", "--set", write_rules(folder / "rules.json", *RULES))
    observed = ("-s", OBSERVER, "--set", f"observer_file={folder / 'observed'}")
    with mitmdump(confdir, *options, *observed, fixtures=write_fixtures(folder / "fixtures", *FIXTURES)) as made:
        yield made
        assert "Traceback" not in made.output


@pytest.fixture(scope="module")
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    with tape.client(mock) as made:
        yield made


@pytest.fixture(scope="module", params=PROGRAMS.values(), ids=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def app(mock: Mitmdump, program: str) -> Iterator[App]:
    """An app that names its input as its client does."""
    with running.app(CLIENTS / "programs" / program, mock) as act:
        name = "input" if program.endswith(".mjs") else "arguments"
        yield lambda act_name, app, **more: act(act_name, app=app, **{name: {}}, **more)


# what the real clients make of it


@pytest.mark.parametrize("model", ["acme/again-run", "acme/again-lost"])
def test_a_client_tries_again_and_succeeds(confdir: Path, tmp_path: Path, program: str, model: str) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", ANY)
    rules = write_rules(tmp_path / "rules.json", *RULES)
    with mitmdump(confdir, "--set", rules, fixtures=fixtures) as mock:
        with running.app(CLIENTS / "programs" / program, mock) as act:
            name = "input" if program.endswith(".mjs") else "arguments"
            result = act("run", app=model, **{name: {}})
        assert result.get("data", result) == {"ok": True}
        assert mock.output.count(f"POST https://fal.run/{model}\n") == 2


def test_a_client_gets_over_failing_polls(app: App) -> None:
    result = app("subscribe", "acme/again-poll")["result"]
    assert result.get("data", result) == {"ok": True}


@pytest.mark.parametrize(("model", "state"), [("acme/stuck-queue", "IN_QUEUE"), ("acme/stuck-run", "IN_PROGRESS")])
def test_a_stuck_job_is_given_up_and_cancelled(mock: Mitmdump, app: App, program: str, model: str, state: str) -> None:
    before = mock.output.count("/cancel\n")
    if program.endswith(".mjs"):
        seen = app("subscribe", model, timeout=1200)
        assert seen["result"]["message"] == "Client timed out waiting for the request to complete after 1200ms"
        assert seen["updates"][-1]["status"] == state
    else:
        seen = app("subscribe", model, client_timeout=1.2)
        assert seen["result"]["raised"] == "FalClientTimeoutError"
        assert seen["updates"][-1]["kind"] == {"IN_QUEUE": "Queued", "IN_PROGRESS": "InProgress"}[state]
    mock.wait_until(lambda: mock.output.count("/cancel\n") == before + 1)


def test_a_job_that_fails_late(app: App, program: str) -> None:
    seen = app("subscribe", "acme/fails-late")
    words = [update.get("status", update.get("kind")) for update in seen["updates"]]
    assert words[0] in ("IN_QUEUE", "Queued")
    assert words[-1] in ("COMPLETED", "Completed")
    assert len(words) > 3, "it took its time"
    assert seen["updates"][-1]["error_type"] == "runner_disconnected"
    assert (seen["result"]["raised"], seen["result"]["status"]) == (
        "ApiError" if program.endswith(".mjs") else "FalClientHTTPError",
        503,
    )


def test_a_job_that_loses_its_result(app: App) -> None:
    seen = app("subscribe", "acme/loses")
    assert not seen["updates"][-1].get("error")
    assert seen["result"]["status"] == 404


def test_a_job_that_a_runner_retries(app: App) -> None:
    seen = app("subscribe", "acme/retried")
    words = [update.get("status", update.get("kind")) for update in seen["updates"]]
    changes = [word for at, word in enumerate(words) if words[at - 1 : at] != [word]]
    shown = {"Queued": "IN_QUEUE", "InProgress": "IN_PROGRESS", "Completed": "COMPLETED"}
    assert [shown.get(word, word) for word in changes] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "IN_QUEUE",
        "IN_PROGRESS",
        "COMPLETED",
    ]
    assert {"ok": 2} in (seen["result"], seen["result"].get("data"))


def test_a_result_that_is_no_json_and_one_of_another_type(client: httpx.Client) -> None:
    for model, body, content_type in (
        ("acme/malformed", "{,", "application/json"),
        ("acme/typed", '{"a":1}', "text/plain"),
    ):
        job = run(client, model, host="queue.fal.run")
        assert "x-falmock-fault" not in job.headers
        deadline = time.monotonic() + 30
        while client.get(job.json()["status_url"]).status_code == 202:
            assert time.monotonic() < deadline
        result = client.get(job.json()["response_url"])
        assert (result.text, result.headers["content-type"]) == (body, content_type)


def test_js_takes_what_is_not_told_to_be_json_for_text(mock: Mitmdump) -> None:
    with running.app(CLIENTS / "programs" / "client.mjs", mock) as app:
        assert app("run", app="acme/typed", input={})["data"] == '{"a":1}'
        assert app("run", app="acme/malformed", input={})["raised"] == "SyntaxError"


# streams and sockets


def test_a_stream_that_is_cut(client: httpx.Client) -> None:
    with client.stream("POST", "https://fal.run/acme/streams/stream", json={}) as answer:
        assert answer.headers["x-falmock-fault"] == "stream cut"
        lines = answer.iter_lines()
        assert [next(lines), next(lines)] == ['data: {"n":0}', ""]
        with pytest.raises(httpx.RemoteProtocolError):
            next(lines)


def test_a_stream_that_is_cut_after_a_share_of_it(client: httpx.Client) -> None:
    whole = "".join(f'data: {{"n":{n}}}\n\n' for n in range(3)).encode()
    came: list[bytes] = []
    with client.stream("POST", f"{PLAIN}/stream", json={}, headers=asked({"truncate": "50%"})) as answer:
        assert answer.headers["x-falmock-fault"] == "truncate"
        with pytest.raises(httpx.RemoteProtocolError):
            came.extend(answer.iter_raw())
    assert b"".join(came) == whole[: len(whole) // 2]


@pytest.mark.parametrize(("length", "told", "is_whole"), [("+7", 52, False), ("-7", 38, True), (45, 45, True)])
def test_a_stream_with_a_content_length(client: httpx.Client, length: Any, told: int, *, is_whole: bool) -> None:
    came: list[bytes] = []
    with client.stream("POST", f"{PLAIN}/stream", json={}, headers=asked({"contentLength": length})) as answer:
        assert (answer.headers["content-length"], "transfer-encoding" in answer.headers) == (str(told), False)
        with contextlib.nullcontext() if is_whole else pytest.raises(httpx.RemoteProtocolError):
            came.extend(answer.iter_raw())
    assert len(b"".join(came)) == min(told, 45)


def test_an_error_in_a_stream(app: App, program: str) -> None:
    events = app("stream", "acme/errs")["told" if program.endswith(".mjs") else "events"]
    assert events[0] == {"n": 0}
    assert events[1]["detail"][0]["type"] == "internal_server_error"
    assert len(events) == 2


def talk(mock: Mitmdump, model: str) -> Any:
    trust = running.trust_for_sockets(mock.ca)
    return connect(f"wss://fal.run/{model}/realtime", proxy=mock.proxy, ssl=trust, open_timeout=30)


@pytest.mark.parametrize(
    ("model", "messages", "code"),
    [
        ("acme/talks", 2, 1011),
        ("acme/half", 0, 1012),
        ("acme/breaks", 1, None),
        ("acme/half-text", 0, None),
        ("acme/half-bytes", 0, None),
    ],
)
def test_a_socket_that_ends_too_early(mock: Mitmdump, model: str, messages: int, code: int | None) -> None:
    got: list[Any] = []

    def ask_on(socket: Any) -> None:
        while len(got) < 5:
            socket.send("{}")
            got.append(socket.recv(30))

    with talk(mock, model) as socket, pytest.raises(ConnectionClosedError) as caught:
        ask_on(socket)
    assert len(got) == messages
    assert (caught.value.rcvd.code if caught.value.rcvd else None) == code


def test_a_slow_socket(mock: Mitmdump) -> None:
    started = time.monotonic()
    with talk(mock, "acme/lags") as socket:
        assert time.monotonic() - started >= 0.3
        for _ in range(2):
            started = time.monotonic()
            socket.send("{}")
            assert json.loads(socket.recv(30)) == {"said": 1}
            assert time.monotonic() - started >= 0.3
            assert json.loads(socket.recv(30)) == {"said": 2}


def test_an_error_in_place_of_what_a_message_gets(mock: Mitmdump) -> None:
    with talk(mock, "acme/hot") as socket:
        socket.send("{}")
        assert json.loads(socket.recv(30)) == {"said": True}
        socket.send('{"n": 2}')
        assert json.loads(socket.recv(30))["reason"] == "Generation timeout"
        with pytest.raises(ConnectionClosedOK):
            socket.recv(30)


def test_a_socket_that_breaks_off_behind_its_handshake(mock: Mitmdump) -> None:
    trust = running.trust_for_sockets(mock.ca)
    url = "wss://fal.run/acme/plain/realtime"
    headers = asked({"reset": "after-headers"})
    with connect(url, proxy=mock.proxy, ssl=trust, open_timeout=30, additional_headers=headers) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-falmock-fault"] == "reset after-headers"
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv(30)
    assert caught.value.rcvd is None


def test_a_socket_without_messages(mock: Mitmdump) -> None:
    with talk(mock, "acme/idles") as socket:
        assert json.loads(socket.recv(30))["error"] == "TIMEOUT"


# webhooks


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def order(client: httpx.Client, model: str, url: str) -> str:
    answer = client.post(f"https://queue.fal.run/{model}", params={"fal_webhook": url}, json={})
    assert answer.status_code == 200
    assert answer.headers["x-falmock-fault"].startswith("webhook ")
    return str(answer.json()["request_id"])


def verify(client: httpx.Client, post: Delivered) -> None:
    keys = client.get("https://rest.fal.ai/.well-known/jwks.json").json()
    webhook_verifier.verify(post.headers, post.body, keys, time.time())


def test_a_late_webhook_and_one_that_never_comes(client: httpx.Client, server: Receiver) -> None:
    never, late = server.hook(), server.hook()
    order(client, "acme/hook-never", never.url)
    started = time.monotonic()
    order(client, "acme/hook-late", late.url)
    (post,) = late.wait()
    assert post.moment - started >= 1
    verify(client, post)
    assert never.posts == []


def test_a_webhook_that_comes_twice(client: httpx.Client, server: Receiver) -> None:
    hook = server.hook()
    order(client, "acme/hook-twice", hook.url)
    first, second = hook.wait(2)
    assert first.body == second.body
    for post in (first, second):
        verify(client, post)


def test_webhooks_out_of_order(client: httpx.Client, server: Receiver) -> None:
    hook = server.hook()
    first = order(client, "acme/hook-order", hook.url)
    time.sleep(0.3)  # without the fault it would have come by now
    assert hook.posts == []
    started = time.monotonic()
    second = client.post("https://queue.fal.run/acme/hook-order", params={"fal_webhook": hook.url}, json={})
    ids = [json.loads(post.body)["request_id"] for post in hook.wait(2)]
    assert ids == [second.json()["request_id"], first]
    assert time.monotonic() - started < PATIENCE - 1, "it came of the later one"


def test_a_forged_webhook(client: httpx.Client, server: Receiver) -> None:
    hook = server.hook()
    order(client, "acme/hook-forged", hook.url)
    with pytest.raises(webhook_verifier.NotGenuine, match="no key verifies"):
        verify(client, hook.wait()[0])


# where faults are asked for


def test_a_header_by_each_client(app: App, mock: Mitmdump) -> None:
    del app
    with running.app(CLIENTS / "programs" / "python_sync.py", mock) as python:
        refused = python("run", app="acme/x", arguments={}, headers={"x-falmock-fault": "exhausted_balance"})
    assert refused["status"] == 403


def test_a_bad_header_is_told(client: httpx.Client) -> None:
    answer = run(client, "acme/x", {"latncy": 1})
    assert answer.status_code == 400
    assert "did you mean 'latency'?" in answer.json()["detail"]


def test_the_flow_names_the_fault(client: httpx.Client, folder: Path) -> None:
    run(client, "acme/seen", "runner_disconnected")
    run(client, "acme/seen", {"latency": 0.01})
    seen = [json.loads(line) for line in (folder / "observed").read_text().splitlines()]
    told = [line for line in seen if line.get("url") == "https://fal.run/acme/seen"]
    assert [line["metadata"]["falmock.fault"] for line in told] == ["runner_disconnected", "latency"]
    assert all("asked for by header x-falmock-fault; fault: " in line["comment"] for line in told)


def test_a_browser_may_ask_for_a_fault(client: httpx.Client) -> None:
    asked = {
        "origin": "http://localhost",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-falmock-fault",
        "x-falmock-fault": "nginx_503",
    }
    answer = client.options("https://fal.run/acme/x", headers=asked)
    assert answer.status_code == 200
    assert "x-falmock-fault" in answer.headers["access-control-allow-headers"]
