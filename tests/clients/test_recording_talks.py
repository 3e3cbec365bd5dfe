"""Streams and sockets are recorded, and replayed unchanged without the real service."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped, unused-ignore]
import httpx
import msgpack  # type: ignore[import-untyped, unused-ignore]
import pytest
import zstandard

from clients import running
from clients import tape
from clients.http2 import offers_http2
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Answer
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import upstream
from clients.upstream.troubles import Reset
from falmock.wire.formats.sse import Parser

App = Callable[..., Any]
Squeeze = Callable[[bytes, bool], bytes]
"""From a part of a body, and whether it is the last, to what is sent at once."""
PROGRAMS = CLIENTS / "programs"
FACE = {"$bytes": base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()}
NODE = {"NODE_OPTIONS": "--experimental-websocket", "NODE_NO_WARNINGS": "1"}
HEAR, SEND = ["recv"], "send"
BIG = 3000


@contextmanager
def python(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "talking.py", mock) as app:
        yield app


@contextmanager
def node(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "talking.mjs", mock, **NODE) as app:
        yield app


def by_python(app: App) -> dict[str, Any]:
    """All that an app does with the sync client, and with none."""
    picture = {"prompt": "a cat é", "image": FACE, "seed": 2**63, "bytes": BIG}
    return {
        "stream": app("stream", app="test/llm", arguments={"prompt": "hi"}),
        "workflow": app("stream", app="workflows/test/poster", arguments={}),
        "chat": app("chat", arguments={"messages": [{"role": "user", "content": "hi"}], "stream": True}),
        "no events": app("raw", path="test/forms/stream", arguments={"prompt": "x"}),
        "refused": app("raw", path="test/forms/stream", arguments={}),
        "sound": app("raw", path="test/tts/stream", arguments={}),
        "long sound": app("raw", path="test/tts/stream", arguments={"bytes": 300_000}),
        "realtime": app("realtime", app="test/realtime", steps=[[SEND, picture], HEAR, [SEND, {"prompt": "b"}], HEAR]),
        "json": app("realtime", app="test/realtime", steps=[[SEND, {"request_id": "r-1"}], HEAR], use_jwt=False),
        "the same": app("realtime", app="test/realtime", steps=[[SEND, {"prompt": "b"}], HEAR, [SEND, picture], HEAR]),
        "over": app("realtime", app="test/realtime", steps=[[SEND, {"prompt": "z", "last": True}], HEAR, HEAR]),
        "wrong": app("realtime", app="test/realtime", steps=[[SEND, {"wrong": "out of memory"}], HEAR]),
        "crash": app(
            "realtime", app="test/realtime", steps=[[SEND, {"prompt": "a"}], HEAR, [SEND, {"crash": 1}], HEAR]
        ),
        "many": app(
            "realtime", app="test/counting", steps=[[SEND, {"to": 3}], HEAR, HEAR, HEAR, [SEND, {"to": 1}], HEAR]
        ),
        "at once": app(
            "realtime", app="test/counting", steps=[[SEND, {"to": 1, "name": n}] for n in "abc"] + [HEAR, HEAR, HEAR]
        ),
        "ws": app("ws", app="test/raw/ws", messages=["é", '{"a": 1}', FACE, "é", "bye"]),
        "ws crash": app("ws", app="test/raw/ws", path="deeper", messages=["x", "crash"]),
        "runs": [less_spaces(run) for run in app("runs", app="test/echo", inputs=[{"n": 1}, {"n": 2}, {"n": 1}])],
        "file": app("runs", app="test/binary", inputs=[{}]),
    }


def less_spaces(run: dict[str, Any]) -> dict[str, Any]:
    """JSON is replayed less its white space."""
    return run | {"body": json.loads(base64.b64decode(run["body"]["$bytes"]))}


def by_node(app: App) -> dict[str, Any]:
    """All that an app does with the JavaScript client."""
    inputs = [{"prompt": "js", "bytes": BIG, "image": FACE}, {"prompt": "js again"}]
    return {
        "stream": app("stream", app="test/llm", input={"prompt": "js"}),
        "workflow": app("stream", app="workflows/test/poster", input={"js": True}),
        "refused": app("stream", app="test/forms", input={}),
        "realtime": app("realtime", app="test/realtime/realtime", inputs=inputs, answers=1),
        "many": app("realtime", app="test/counting/realtime", inputs=[{"to": 2, "name": "js"}], answers=2),
        "subscribe": app("subscribe", app="test/slow", input={"js": True}, mode="streaming", logs=True)["result"],
    }


def use(mock: Mitmdump) -> dict[str, dict[str, Any]]:
    with python(mock) as app:
        seen = by_python(app)
    with node(mock) as app:
        return {"python": seen, "node": by_node(app)}


class Rounds:
    """Two rounds that were recorded, one that was replayed."""

    def __init__(self, confdir: Path, folder: Path) -> None:
        self.folder = folder
        with upstream() as fal:
            fal.pace = Pace()
            with recording(confdir, fal, folder) as mock:
                self.recorded = use(mock)
            self.output = mock.output
            self.first = tape.tree(folder)
            with recording(confdir, fal, folder) as mock:
                use(mock)
            self.output += mock.output
            self.second = tape.tree(folder)
            self.tokens = list(fal.secrets)
        with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock:
            self.replayed = use(mock)
        assert "server connect" not in mock.output.replace("server connect 127.0.0.1", "")
        self.output += mock.output


@pytest.fixture(scope="module")
def rounds(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    return Rounds(confdir, tmp_path_factory.mktemp("talks") / "fixtures")


@pytest.mark.parametrize("program", ["python", "node"])
def test_every_client_hears_the_same_again(rounds: Rounds, program: str) -> None:
    recorded, replayed = rounds.recorded[program], rounds.replayed[program]
    assert list(recorded) == list(replayed)
    for name, value in recorded.items():
        assert tape.plain(replayed[name]) == tape.plain(value), name


def test_the_apps_were_answered_at_all(rounds: Rounds) -> None:
    seen, js = rounds.recorded["python"], rounds.recorded["node"]
    assert [event["partial"] for event in seen["stream"]] == [True] * 4 + [False]
    assert [event["type"] for event in seen["workflow"]] == ["submit", "completion", "output"]
    assert seen["chat"][-1] == "data: [DONE]"
    assert (seen["no events"]["status"], seen["refused"]["status"]) == (200, 422)
    assert len(base64.b64decode(seen["long sound"]["body"]["$bytes"])) == 300_000
    image = seen["realtime"][0]["images"][0]
    assert (len(base64.b64decode(image["content"]["$bytes"])) > BIG, image["content_type"]) == (True, "image/png")
    assert seen["json"][0]["request_id"] == "r-1"
    assert seen["the same"] == seen["realtime"][::-1]
    assert [seen[name][-1]["message"] for name in ("over", "wrong")] == [
        "TIMEOUT: no inputs, reconnect when needed!",
        "INTERNAL_ERROR: out of memory",
    ]
    assert seen["crash"][-1]["raised"] == "RealtimeError"
    assert [item["number"] for item in seen["many"]] == [0, 1, 2, 0]
    assert [item["of"] for item in seen["at once"]] == ["a", "b", "c"]
    assert seen["ws"] == ["hello", "é", '{"a": 1}', FACE, "é", {"code": 1000, "reason": "as you wish"}]
    assert seen["ws crash"] == ["hello", "x", {"code": 1011, "reason": "crashed"}]
    assert [run["body"]["input"] for run in seen["runs"]] == [{"n": 1}, {"n": 2}, {"n": 1}]
    assert [item["number"] for item in js["many"]] == [0, 1]
    assert js["refused"]["done"]["status"] == 422
    assert "raised" not in js["subscribe"]


def test_recording_twice_changes_only_when_it_was(rounds: Rounds) -> None:
    assert len(rounds.first) > 30
    assert tape.changed(rounds.first, rounds.second) == []
    streams = [name for name in rounds.first if name.startswith("workflows/")]
    assert len(streams) == 2
    for name in streams:
        first, second = rounds.first[name], rounds.second[name]
        assert first == second or tape.was_held_up(first, second), "with the ids in it"


def test_what_is_recorded_reads_well(rounds: Rounds) -> None:
    (stream,) = _entries(rounds, "test/llm/stream", "hi")
    # On a busy machine the stream may end a moment after its last event.
    assert [event["event"] for event in stream["stream"] if "end" not in event] == ["event"] * 5
    assert stream["stream"][0]["json"]["output"] == "Ein"
    times = [event["at"] for event in stream["stream"]]
    assert times == sorted(times)
    assert times[0] < times[-1] < 10
    (picture,) = _entries(rounds, "test/realtime/realtime", "a cat é")
    assert picture["match"]["input"]["image"]["type"] == "image/png"
    result, timing = picture["realtime"]
    content = result["msgpack"]["images"][0]["content"]
    digest = content["$file"].removeprefix("sha256:")
    assert content["as"] == "bytes"
    assert (rounds.folder / "_assets" / f"{digest}.png").stat().st_size > BIG
    assert result["msgpack"]["small"].keys() == {"$base64"}
    assert timing["json"]["action"] == "timings"
    (sound,) = [entry for entry in tape.entries(rounds.folder) if "bytes" in str(entry.get("stream", ""))]
    assert sound["stream"]["headers"] == {"content-type": "audio/mpeg"}
    tape.whole(rounds.folder)


def _entries(rounds: Rounds, model: str, prompt: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in tape.entries(rounds.folder)
        if entry["match"].get("model") == model and entry["match"].get("input", {}).get("prompt") == prompt
    ]


def test_no_token_is_kept(rounds: Rounds) -> None:
    written = b"".join(rounds.first.values()).decode("latin-1") + rounds.output
    assert len(rounds.tokens) > 10
    assert [token for token in rounds.tokens if token in written] == []
    for bad in ("Traceback", "could not be", "WARNING", "falmock failed"):
        assert bad not in rounds.output


# one by one


def events(app: App, path: str) -> list[Any]:
    """Type, id, data and `retry` of each event; None for one with a `retry` alone."""
    body = base64.b64decode(app("raw", path=path, arguments={})["body"]["$bytes"])
    return [
        (None, None, None, retry) if event is None else (event.type, event.id, _meant(event.data), retry)
        for event, retry in Parser().blocks(body)
    ]


def _meant(data: str) -> Any:
    return json.loads(data, parse_float=str)


def test_events_of_all_sorts(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock, python(mock) as app:
        recorded = events(app, "test/chatty/stream")
    assert [event[:2] for event in recorded] == [
        ("begin", "1"),
        ("message", "1"),
        (None, None),
        ("number", "2"),
        ("number", "2"),
        ("end", "3"),
    ]
    assert [event[3] for event in recorded if event[3] is not None] == [100, 2500]
    with mitmdump(confdir, fixtures=tmp_path) as mock, python(mock) as app:
        assert events(app, "test/chatty/stream") == recorded


def test_results_stand_with_their_messages_though_some_were_dropped(
    confdir: Path, tmp_path: Path, fal: Upstream
) -> None:
    def prompts(app: App, names: str, answers: int, **options: Any) -> list[str]:
        steps = [[SEND, {"prompt": name, "seconds": 1}] for name in names] + [HEAR] * answers
        return [result["prompt"] for result in app("realtime", app="test/realtime", steps=steps, **options)]

    with recording(confdir, fal, tmp_path) as mock, python(mock) as app:
        recorded = prompts(app, "pqrs", 2, max_buffering=1)
    assert (recorded, "not as many results" in mock.output) == (["p", "s"], False)
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=tmp_path) as mock, python(mock) as app:
        assert prompts(app, "pqrs", 2, max_buffering=1) == recorded
        assert prompts(app, "s", 1) == ["s"]


def test_a_stream_that_breaks_off_is_told_of_and_not_recorded(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock:
        with python(mock) as app:
            assert app("stream", app="test/broken", arguments={})[-1] == "RemoteProtocolError"
        assert "the run of test/broken/stream is not recorded: its stream broke off" in mock.wait_for("broke off")
    assert tape.documents(tmp_path) == {}


ERRORS_TOO = ("--set", "fal_record_errors=all")


def breaking(*pieces: bytes) -> Iterator[bytes]:
    yield from pieces
    time.sleep(0.1)  # what was sent shall arrive: a reset throws away what has not
    raise Reset


@pytest.mark.parametrize(
    ("kind", "pieces"),
    [
        ("text/event-stream", (b"data: {}\n\n", b"data: [DO")),
        ("text/event-stream", ()),
        ("text/event-stream", None),
        ("application/json", (b'{"output": 1}',)),
        ("audio/mpeg", (b"ID3", b"\0\0")),
    ],
)
def test_where_errors_are_recorded_a_stream_breaks_off_again_at_the_same_place(
    confdir: Path, tmp_path: Path, fal: Upstream, kind: str, pieces: tuple[bytes, ...] | None
) -> None:
    def use(mock: Mitmdump) -> tuple[str, bytes]:
        heard: list[bytes] = []
        with tape.client(mock) as app, app.stream("POST", "https://fal.run/test/llm/stream", json={}) as answer:
            with pytest.raises(httpx.RemoteProtocolError):
                heard.extend(answer.iter_raw())
            return answer.headers["content-type"].partition(";")[0], b"".join(heard).removesuffix(b"data: [DO")

    trees = []
    for _ in range(2):
        what = "no-end" if pieces is None else Answer(200, (("Content-Type", kind),), breaking(*pieces))
        fal.trouble("POST fal.run/test/llm/stream", what, times=1)
        with recording(confdir, fal, tmp_path, *ERRORS_TOO) as mock:
            recorded = use(mock)
            mock.wait_for("recorded the run of test/llm/stream, which broke off")
        trees.append(tape.tree(tmp_path))
    assert tape.changed(*trees) == []
    assert recorded[0] == kind
    assert (recorded[1] == b"") == (pieces == ())
    with mitmdump(confdir, fixtures=tmp_path) as mock:
        assert use(mock) == recorded


def test_a_stream_that_the_app_leaves_is_never_recorded(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.stream_seconds = 0.5
    with recording(confdir, fal, tmp_path, *ERRORS_TOO) as mock:
        for offered in ({}, {"http2": True, "verify": offers_http2(mock.ca)}):
            with tape.client(mock, **offered) as app, app.stream("POST", "https://fal.run/test/llm/stream") as answer:
                assert next(answer.iter_raw())
        mock.wait_until(lambda: mock.output.count("test/llm/stream is not recorded: its stream broke off") == 2)
    assert tape.documents(tmp_path) == {}


def gzipped() -> Squeeze:
    squeeze = zlib.compressobj(wbits=31)
    return lambda data, is_last: squeeze.compress(data) + squeeze.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def brotlied() -> Squeeze:
    squeeze = brotli.Compressor()
    return lambda data, is_last: bytes(squeeze.process(data) + (squeeze.finish() if is_last else squeeze.flush()))


def zstandarded() -> Squeeze:
    squeeze = zstandard.ZstdCompressor().compressobj()
    ends = {True: zstandard.COMPRESSOBJ_FLUSH_FINISH, False: zstandard.COMPRESSOBJ_FLUSH_BLOCK}
    return lambda data, is_last: squeeze.compress(data) + squeeze.flush(ends[is_last])


@pytest.mark.parametrize(("encoding", "begun"), [("gzip", gzipped), ("br", brotlied), ("zstd", zstandarded)])
def test_a_stream_passes_on_unbuffered_when_it_is_compressed(
    confdir: Path, tmp_path: Path, fal: Upstream, encoding: str, begun: Callable[[], Squeeze]
) -> None:
    """The second event is made when the app has the first."""
    came: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        squeeze = begun()
        yield squeeze(b'data: {"n": 1}\n\n', False)
        for _ in range(200):
            if came:
                yield squeeze(b'data: {"n": 2}\n\n', True)
                return
            fal.server.wait(0.05)

    headers = (("Content-Type", "text/event-stream"), ("Content-Encoding", encoding))
    fal.trouble("POST fal.run/test/llm/stream", Answer(200, headers, pieces()))
    with (
        recording(confdir, fal, tmp_path) as mock,
        tape.client(mock) as app,
        app.stream("POST", "https://fal.run/test/llm/stream", json={}) as answer,
    ):
        for piece in answer.iter_bytes():
            came.append(piece)  # noqa: PERF402 - piece by piece
    assert b"".join(came) == b'data: {"n": 1}\n\ndata: {"n": 2}\n\n'
    (entry,) = tape.entries(tmp_path)
    assert [event["json"] for event in entry["stream"]["events"]] == [{"n": 1}, {"n": 2}]


def test_a_socket_that_is_refused_is_not_recorded(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.trouble("GET fal.run/test/counting/realtime", Answer(403, (("Content-Type", "application/json"),), b"{}"))
    with recording(confdir, fal, tmp_path) as mock, python(mock) as app:
        fal.keys = set()
        seen = app("realtime", app="test/realtime", steps=[HEAR], use_jwt=False)
        assert seen == [{"status": "error", "error": "Unauthorized"}]
        mock.wait_for("left unanswered is not recorded: it was refused (unauthorized)")
        fal.keys = None
        assert "403" in app("handshake", app="test/counting")
        mock.wait_for("the socket to https://fal.run/test/counting/realtime is not recorded: it was refused (403)")
    assert tape.documents(tmp_path) == {}


def test_a_session_that_is_open_at_the_end_is_recorded_as_far_as_it_went(
    confdir: Path, tmp_path: Path, fal: Upstream
) -> None:
    with recording(confdir, fal, tmp_path) as mock, python(mock) as app:
        app("open", app="test/realtime", inputs=[{"prompt": "heard"}, {"prompt": "unheard", "silent": True}])
        running.stop(mock)
    assert "left unanswered (messages: 1) is not recorded: it was still open when the recording ended" in mock.output
    assert [entry["match"]["input"] for entry in tape.entries(tmp_path)] == [{"prompt": "heard"}]


def test_auto_records_and_then_replays(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    def talk(app: App) -> list[Any]:
        steps = [[SEND, {"prompt": "a"}], HEAR, [SEND, {"prompt": "b"}], HEAR]
        return [
            app("stream", app="test/llm", arguments={"prompt": "auto"}),
            app("realtime", app="test/realtime", steps=steps),
            less_spaces(app("runs", app="test/echo", inputs=[{}])[0]),
        ]

    with recording(confdir, fal, tmp_path, mode="auto") as mock, python(mock) as app:
        first = talk(app)
        mock.wait_until(lambda: len(tape.documents(tmp_path)) == 4)
        mock.wait_for("fixtures changed on disk: 4 fixtures")
        asked = len(fal.asked("fal.run/"))
        assert talk(app) == first
        assert len(fal.asked("fal.run/")) == asked


def test_the_recorded_pace_of_a_stream(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Events half a second apart come so again, each in a chunk of its own; at once, they take no time."""
    fal.stream_seconds = 0.5
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        app.post("https://fal.run/test/llm/stream", json={})
    (entry,) = tape.entries(tmp_path)
    times = [event["at"] for event in entry["stream"]]
    assert all(at >= 0.5 * number for number, at in enumerate(times))
    assert times[-1] - times[0] > 0.5  # and not all at the end
    assert entry["stream"][-1].get("end")
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=tmp_path) as mock, tape.client(mock) as app:
        answer = app.post("https://fal.run/test/llm/stream", json={})
    assert answer.elapsed.total_seconds() >= times[-1] - 0.2


def test_nothing_secret_is_kept(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Of what events, messages and runs over sockets tell: keys, tokens, cookies, addresses, signatures."""
    secret, address, cookie = running.KEY.partition(":")[2], "203.0.113.77", "planted-cookie-4711"
    headers = {"X-Forwarded-For": address, "Cookie": f"session={cookie}"}
    with recording(confdir, fal, tmp_path) as mock:
        with tape.client(mock) as app:
            told = app.post("https://fal.run/test/leaky/stream", json={"prompt": secret}, headers=headers)
            tokens = app.post("https://rest.fal.ai/tokens/", json={"allowed_apps": ["raw", "realtime"]})
        token = tokens.json()
        with tape.socket(mock, f"wss://fal.run/test/raw/ws?fal_jwt_token={token}") as line:
            assert line.recv(10) == "hello"
            for message in (f"my key is {secret}", json.dumps({"token": token}), f"from {address}"):
                line.send(message)
                assert line.recv(10) == message
        with tape.socket(mock, "wss://fal.run/test/realtime/realtime") as line:
            line.send(msgpack.packb({"prompt": f"key {secret}", "api_key": token}))
            assert secret in msgpack.unpackb(line.recv(10))["prompt"]
        with tape.socket(mock, "wss://ws.fal.run/test/leaky") as line:
            line.send(json.dumps({"prompt": token}))
            assert secret in "".join(line.recv(10) for _ in range(3))
    assert secret in told.text
    secrets = {secret, address, cookie, *fal.secrets}
    assert len(secrets) > 8
    written = b"".join(tape.tree(tmp_path).values()).decode("latin-1") + mock.output
    assert [one for one in secrets if one in written] == []
    assert len(tape.entries(tmp_path)) == 7
    tape.whole(tmp_path)


# files of flows, and HARs


def test_flows_from_a_file(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Of a stream the times are gone, of a socket nothing is."""
    captured, folder = tmp_path / "flows", tmp_path / "fixtures"
    with (
        recording(confdir, fal, tmp_path, "-w", str(captured), mode="passthrough") as mock,
        python(mock) as app,
    ):
        seen = app("realtime", app="test/counting", steps=[[SEND, {"to": 2, "name": "x"}], HEAR, HEAR])
    read = ("-nr", str(captured), "--set", "fal_mode=record", "--set", f"fal_fixtures={folder}")
    mock = running.start(confdir, *read)
    assert running.exit_code(mock) == 0, mock.output
    (entry,) = tape.entries(folder)
    assert [frame["msgpack"] for frame in entry["realtime"]] == seen
    assert 0 < entry["realtime"][0]["at"] <= entry["realtime"][1]["at"] < 10


def test_a_browsers_export_of_a_socket(confdir: Path, tmp_path: Path) -> None:
    def said(kind: str, at: float, value: Any) -> dict[str, Any]:
        data = value if isinstance(value, str) else base64.b64encode(msgpack.packb(value)).decode()
        return {"type": kind, "time": 1_772_618_400 + at, "opcode": 1 if isinstance(value, str) else 2, "data": data}

    request = {"method": "GET", "url": "wss://fal.run/a/b/realtime?fal_jwt_token=x", "headers": []}
    response = {"status": 101, "headers": [], "content": {"size": 0, "mimeType": "x-unknown"}}
    messages = [
        said("send", 1.0, {"prompt": "a cat"}),
        said("receive", 1.5, {"seed": 2**64 - 1, "image": bytes(300)}),
        said("receive", 1.75, '{"type":"x-fal-message","action":"timings","timing":0.5}'),
    ]
    entry = {"startedDateTime": "2026-03-04T10:00:00.000Z", "time": 3000, "request": request, "response": response}
    har = tmp_path / "capture.har"
    har.write_text(json.dumps({"log": {"entries": [entry | {"_webSocketMessages": messages}]}}))
    folder = tmp_path / "fixtures"
    mock = running.start(confdir, "-nr", str(har), "--set", "fal_mode=record", "--set", f"fal_fixtures={folder}")
    assert running.exit_code(mock) == 0, mock.output
    (found,) = tape.entries(folder)
    assert found["match"] == {"model": "a/b/realtime", "input": {"prompt": "a cat"}, "exact": True}
    assert [frame["at"] for frame in found["realtime"]] == [0.5, 0.75]
    assert found["realtime"][0]["msgpack"]["seed"] == 2**64 - 1
    tape.whole(folder)
