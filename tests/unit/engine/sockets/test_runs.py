"""Runs over a socket, read as `fal.apps.ws` reads them (PROTOCOL.md section 5.4)."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any
from typing import NamedTuple

import pytest

from falmock.engine.jobs.pace import parse_pace
from falmock.engine.sockets import accept
from falmock.fixtures.format import codec
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Asset
from falmock.wire.auth import AuthRule
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.storage import digest
from falmock.wire.ws_run import CHUNK
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.talks import UPGRADE
from unit.engine.talks import Talk

ECHO = {"match": {"model": "a/b"}, "response": {"json": {"seed": 2**64 - 1}, "billableUnits": 2}}
CAT = json.dumps({"prompt": "a cat"})


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: list[str | bytes]
    first_byte: float


def talk(client: Client, path: str = "a/b", **headers: str) -> Talk:
    return Talk(client, path, "ws.fal.run", **headers)


def read(talk: Talk) -> Answer:
    """The next answer, read as the client does it."""
    start = meta(talk, "start")
    body: list[str | bytes] = []
    while not is_meta(talk.inbox[0]):
        frame = talk.inbox.pop(0)
        assert isinstance(frame, Text | Binary)
        body.append(frame.text if isinstance(frame, Text) else frame.data)
    end = meta(talk, "end")
    assert end["request_id"] == start["request_id"]
    assert end["status"] == start["status"]
    return Answer(start["status"], start["headers"], body, end["time_to_first_byte_seconds"])


def is_meta(frame: object) -> bool:
    if not isinstance(frame, Text):
        return False
    try:
        value = json.loads(frame.text)
    except json.JSONDecodeError:
        return False
    return isinstance(value, dict) and "type" in value and "request_id" in value


def meta(talk: Talk, kind: str) -> dict[str, Any]:
    assert is_meta(talk.inbox[0])
    value = talk.error()
    assert value["type"] == kind
    return value


@pytest.mark.parametrize("message", [CAT, CAT.encode()])
def test_a_run(message: str | bytes) -> None:
    socket = talk(Client(ECHO)).quiet() >> message
    answer = read(socket)
    assert (answer.status, answer.body, answer.first_byte) == (200, ['{"seed":18446744073709551615}'], 0.0)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-fal-billable-units"] == "2"
    assert socket.quiet().wait(10_000).quiet().again is None


def test_runs_are_answered_in_the_order_they_came_at_their_times() -> None:
    def takes(seconds: float, prompt: str) -> dict[str, Any]:
        match = {"model": "a/b", "input": {"prompt": prompt}}
        return {"match": match, "response": {"json": prompt}, "queue": {"started": 0, "completed": seconds}}

    socket = talk(Client(takes(2, "slow"), takes(1, "quick"), pace=RECORDED))
    socket >> '{"prompt": "slow"}' >> '{"prompt": "quick"}'
    socket.quiet().wait(1.9).quiet().wait(0.1)
    assert [read(socket).body, read(socket).body] == [['"slow"'], ['"quick"']]
    (socket >> '{"prompt": "quick"}').wait(0.9).quiet().wait(0.2)
    assert read(socket).first_byte == 1.0


def test_a_client_that_asks_for_more_than_may_wait_is_told_and_closed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "MAX_WAITING", 3)
    client = Client({**ECHO, "queue": {"started": 0, "completed": 1}}, pace=RECORDED)
    socket = talk(client)
    for _ in range(4):  # one is worked on, three wait
        socket >> CAT
    socket.quiet().wait(1)
    assert len(socket.inbox) == 12, "they were asked for at the same time"
    socket.inbox.clear()
    for _ in range(5):
        socket >> CAT
    (close,) = socket.inbox
    assert isinstance(close, Close)
    assert (close.code, close.reason.partition(":")[0]) == (TRY_AGAIN_LATER, "3 runs wait on this socket")
    assert len(close.reason) <= 123
    assert client.engine.scope.journal.entries[-1].why == f"closed: {close.reason}"
    socket.inbox.clear()
    (socket >> CAT).wait(100).quiet()


def test_runs_that_wait_take_next_to_nothing() -> None:
    big = {**ECHO, "response": {"text": "x" * 1_000_000}, "queue": {"started": 0, "completed": 10}}
    socket = talk(Client(big, pace=RECORDED)) >> CAT
    tracemalloc.start()
    try:
        for _ in range(50):
            socket >> CAT
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()
    assert [len(str(read(socket.wait(10)).body[0])) for _ in range(2)] == [1_000_000] * 2


def test_a_stream_comes_piece_by_piece() -> None:
    streams = {
        "match": {"model": "a/b"},
        "stream": [{"at": 1, "json": 1}, {"at": 3, "json": 2}, {"at": 4, "end": True}],
    }
    socket = talk(Client(streams, pace=parse_pace("x2")), "a/b/stream") >> CAT
    socket.quiet().wait(0.5)
    assert len(socket.inbox) == 2
    socket.wait(1.0)
    assert len(socket.inbox) == 3
    socket.wait(0.5)
    answer = read(socket)
    assert answer.body == ["data: 1\n\n", "data: 2\n\n"]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.first_byte == 0.5


def test_the_next_answer_begins_where_a_stream_ends() -> None:
    streams = {"match": {"model": "a/b"}, "stream": [{"json": 1}, {"at": 3, "json": 2}]}
    socket = talk(
        Client(
            streams,
            {**ECHO, "match": {"model": "a/b", "input": {"quick": 1}}, "queue": {"completed": 0}},
            pace=RECORDED,
        )
    )
    socket >> CAT >> '{"quick": 1}'
    assert len(socket.wait(2.9).inbox) == 2
    socket.wait(0.1)
    assert [len(read(socket).body), len(read(socket).body)] == [2, 1]


def test_a_stream_of_nothing() -> None:
    assert read(talk(Client({"match": {"model": "a/b"}, "stream": []})) >> CAT).body == []


@pytest.mark.parametrize(
    ("response", "body"),
    [
        ({"text": ""}, []),
        ({"text": "é"}, ["é"]),
        ({"json": {"type": "image", "request_id": "x"}}, [b'{"type":"image","request_id":"x"}']),
        ({"text": "x", "headers": {"Content-Type": "application/octet-stream"}}, [b"x"]),
    ],
)
def test_bodies(response: dict[str, Any], body: list[str | bytes]) -> None:
    assert read(talk(Client({"match": {"model": "a/b"}, "response": response})) >> CAT).body == body


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_file_comes_in_chunks(*, on_disk: bool) -> None:
    content = bytes(range(256)) * (CHUNK // 128) + b"end"
    asset = Asset(digest(content), "x.png", "image/png", len(content), data=None if on_disk else content)
    if on_disk:
        asset = asset._replace(file="x.png")
    raw = json.dumps({"fixtures": [{"match": {}, "response": {"file": "x.png"}}]}).encode()
    loaded = codec.decode(raw, "f.json", lambda _: asset)
    client = Client()
    client.engine.use_fixtures(Index(loaded.fixtures, loaded.assets))
    socket = talk(client) >> CAT
    if on_disk:
        size = len(content)
        assert socket.inbox[1:-1] == [
            Stored("x.png", start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)
        ]
    else:
        body = read(socket).body
        assert [len(part) for part in body] == [CHUNK, CHUNK, 3]
        assert b"".join(part for part in body if isinstance(part, bytes)) == content


def test_the_fault_of_a_fixture_strikes_its_runs() -> None:
    fault = {"error": "runner_disconnected", "latency": 2, "nth": 2}
    client = Client({**ECHO, "fault": fault})
    socket = talk(client)
    assert read(socket >> CAT).status == 200
    assert read((socket >> CAT).quiet().wait(2)).status == 503
    assert read(socket >> CAT).status == 200
    assert [entry.fault for entry in client.engine.scope.journal.entries] == [
        None,
        None,
        "runner_disconnected + latency",
        None,
    ]
    assert client.engine.scope.journal.entries[2].fixture == "test.json#0"


def test_a_late_and_a_false_run() -> None:
    streams = {"match": {"model": "a/s"}, "stream": [{"json": 1}, {"at": 1, "json": 2}], "fault": {"latency": 2}}
    socket = talk(Client(streams, pace=RECORDED), "a/s/stream") >> CAT
    socket.quiet().wait(2)
    assert len(socket.inbox) == 2
    answer = read(socket.wait(1))
    assert (answer.body, answer.first_byte) == (["data: 1\n\n", "data: 2\n\n"], 2)
    assert answer.headers["x-falmock-fault"] == "latency"
    malformed = talk(Client({**ECHO, "fault": {"body": "malformed-json"}})) >> CAT
    assert read(malformed).body == ['{"seed":18446744073709551615,']
    both = Client({**ECHO, "fault": {"truncate": 1, "body": "malformed-json"}})
    assert read(talk(both) >> CAT).headers["x-falmock-fault"] == "body malformed-json"
    assert both.engine.scope.journal.entries[-1].fault == "body malformed-json"
    cut = talk(Client({**ECHO, "fault": {"truncate": 1}})) >> CAT
    assert "x-falmock-fault" not in read(cut).headers


def test_an_unmatched_run_gets_the_report() -> None:
    socket = talk(Client({**ECHO, "match": {"model": "a/b", "input": {"prompt": "a dog"}}})) >> CAT
    answer = read(socket)
    assert answer.status == 404
    detail = json.loads(str(answer.body[0]))["detail"]
    assert 'expected "a dog", found "a cat"' in detail
    assert [miss.text for miss in socket.misses] == [detail]


@pytest.mark.parametrize(("message", "status"), [("{", 422), ("5", 422), (b"\xff", 400)])
def test_what_is_no_input(message: str | bytes, status: int) -> None:
    assert read(talk(Client(ECHO)) >> message).status == status


def test_the_start_deadline_of_the_handshake_holds_for_each_run() -> None:
    slow = {**ECHO, "queue": {"started": 5, "completed": 6}}
    socket = talk(Client(slow, pace=RECORDED), **{"x-fal-request-timeout": "2"}) >> CAT
    assert read(socket.quiet().wait(2)).status == 504


def test_runs_are_in_the_journal() -> None:
    client = Client(ECHO)
    talk(client) >> CAT
    opened, run = client.engine.scope.journal.entries
    assert (opened.status, opened.host, opened.fixture) == (101, "ws.fal.run", None)
    assert (run.method, run.fixture) == ("MESSAGE", "test.json#0")


def test_without_a_key_where_one_is_asked_for() -> None:
    client = Client(ECHO, auth=AuthRule(required=True))
    assert client.send("GET", "https://ws.fal.run/a/b", None, UPGRADE).status == 401
    assert read(talk(client, authorization="Key a:b") >> CAT).status == 200
