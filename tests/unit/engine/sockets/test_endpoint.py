"""Sockets to endpoints, as clients and the runtime speak on them (PROTOCOL.md section 5)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import SocketStep
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.sockets.endpoint import frames_of
from falmock.fixtures.matching.canonical import file_reference
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Asset
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Ping
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.realtime import UNAUTHORIZED
from falmock.wire.realtime import encode
from falmock.wire.realtime import error_frame
from falmock.wire.storage import digest
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.talks import LCM
from unit.engine.talks import TIMED_OUT
from unit.engine.talks import Talk
from unit.engine.talks import broken
from unit.engine.talks import frames
from unit.engine.talks import packed
from unit.engine.talks import said

CAT = {"prompt": "a cat"}
DOG = {"prompt": "a dog"}
TIMINGS = {"type": "x-fal-message", "action": "timings", "timing": 0.0123}
ANY = frames(LCM, {"msgpack": {"any": True}})


def timed(*at: float, model: str = LCM, **match: Any) -> dict[str, Any]:
    """A fixture with frames that contain their due times."""
    return frames(model, *({"at": seconds, "msgpack": seconds} for seconds in at), **match)


# which fixture answers


def test_each_message_is_answered_by_its_own_fixture() -> None:
    cat = frames(LCM, {"msgpack": {"seed": 2**63, "scale": 1.0}}, {"json": TIMINGS}, input=CAT)
    dog = frames(f"{LCM}/realtime", {"msgpack": {"a": "dog"}}, input=DOG)
    talk = Talk(Client(cat, dog, ANY)).quiet()
    talk >> CAT << packed({"seed": 2**63, "scale": 1.0}) << said(TIMINGS)
    talk >> DOG << packed({"a": "dog"})
    talk >> {} << packed({"any": True})
    assert talk.quiet().misses == []


def test_the_id_as_connected_goes_before_the_id_without_realtime() -> None:
    talk = Talk(Client(ANY, frames(f"{LCM}/realtime", {"msgpack": 1})))
    talk >> CAT << packed(1)


def test_the_most_specific_fixture_answers_a_message_with_frames_or_without() -> None:
    cat = {"match": {"model": LCM, "input": CAT}, "response": {"json": {"cat": 1}}, "queue": {"completed": 0}}
    dog = {"match": {"model": LCM, "input": DOG}, "fault": "internal_server_error"}
    anything = {"match": {}, "response": {"json": {"wide": 1}}, "queue": {"completed": 0}}
    as_called = frames(f"{LCM}/realtime", {"msgpack": {"called": 1}}, input={"as": "called"})
    same = {"match": as_called["match"] | {"model": LCM}, "response": {"json": {}}}
    talk = Talk(Client(cat, dog, anything, same, ANY, as_called)) >> CAT << packed({"cat": 1})
    talk >> {"prompt": "a mouse"} << packed({"any": True})
    talk >> {"as": "called"} << packed({"called": 1})
    assert (talk >> DOG).error()["error"] == "INTERNAL_ERROR"
    assert talk.effect.fault is None
    alike = Client({"match": {"model": LCM}, "response": {"json": {}}}, ANY, anything)
    Talk(alike) >> CAT << packed({"any": True})
    Talk(alike, "a/b/realtime") >> CAT << packed({"wide": 1})


def test_a_run_is_never_answered_with_frames() -> None:
    client = Client(ANY)
    assert client.run(LCM).status == 404
    assert client.submit(LCM).status == 404
    assert client.run(f"{LCM}/realtime").status == 404


def test_a_fixture_may_answer_runs_and_messages() -> None:
    client = Client({**ANY, "response": {"json": {"whole": True}}})
    assert client.run(LCM).body == b'{"whole":true}'
    Talk(client) >> CAT << packed({"any": True})


def test_equal_matches_answer_in_turn_apart_from_runs() -> None:
    both = {"match": {"model": LCM}}
    client = Client(
        *({**both, "response": {"json": turn}, "realtime": [{"msgpack": turn}]} for turn in range(3)),
    )
    assert client.run(LCM).body == b"0"
    Talk(client) >> CAT << packed(0)
    Talk(client) >> DOG << packed(1)
    assert client.run(LCM).body == b"1"
    Talk(client) >> CAT << packed(2)
    Talk(client) >> CAT << packed(2)


def test_the_context_of_the_handshake_counts() -> None:
    client = Client(frames(LCM, {"msgpack": 1}, context="test-1"))
    Talk(client, **{"x-aimock-context": "test-1"}) >> CAT << packed(1)
    assert (Talk(client) >> CAT).error()["error"] == "MISS"


def test_what_is_sent_when_a_socket_opens() -> None:
    hello = frames(LCM, {"json": {"hello": 1}}, {"at": 2, "ping": "still there?"}, opening=True)
    client = Client(hello, pace=RECORDED)
    talk = Talk(client) << said({"hello": 1})
    talk.wait(1.9).quiet().wait(0.1) << Ping(b"still there?")
    assert (talk >> CAT).error()["error"] == "MISS"


def test_an_unmatched_message_gets_the_report_and_the_socket_stays_open() -> None:
    talk = Talk(Client(frames(LCM, {"msgpack": 1}, input=CAT)))
    error = (talk >> DOG).error()
    assert (error["type"], error["error"]) == ("x-fal-error", "MISS")
    assert f"no fixture answers this call to {LCM}/realtime" in error["reason"]
    assert 'Asked: MESSAGE {"prompt":"a dog"}' in error["reason"].replace('": "', '":"')
    assert 'test.json#0\n     $.prompt: expected "a cat", found "a dog"' in error["reason"]
    assert '"realtime": [{"msgpack": {}}]' in error["reason"]
    assert "--set fal_mode=record\n" in error["reason"]
    assert [miss.text for miss in talk.misses] == [error["reason"]]
    talk >> CAT << packed(1)


def test_where_no_fixture_is_for_the_endpoint_the_socket_is_accepted_all_the_same() -> None:
    error = (Talk(Client(ANY), "a/b/realtime") >> CAT).error()
    assert f"there are fixtures for {LCM}" not in error["reason"]
    assert "There is no fixture for any endpoint" in error["reason"]


def test_messages_are_in_the_journal() -> None:
    client = Client(frames(LCM, {"msgpack": 1}, input=CAT))
    Talk(client) >> CAT >> DOG
    _, hit, missed = client.engine.scope.journal.entries
    assert (hit.method, hit.path, hit.fixture, hit.miss) == ("MESSAGE", f"/{LCM}/realtime", "test.json#0", None)
    assert missed.fixture is None
    assert "a dog" in (missed.miss or "")


# what messages mean


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"prompt": "a cat", "image": b"\x00\x01"}, id="msgpack"),
        pytest.param('{"image": "data:image/png;base64,AAE=", "prompt": "a cat"}', id="JSON text, as Swift sends it"),
    ],
)
def test_bytes_are_compared_by_content(message: Any) -> None:
    file = file_reference(digest(b"\x00\x01"))
    talk = Talk(Client(frames(LCM, {"msgpack": 1}, input=CAT | {"image": file}, exact=True)))
    talk >> message << packed(1)


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("hello", {"text": "hello"}),
        ("[1]", {"text": "[1]"}),
        ('"{}"', {"text": '"{}"'}),
        (encode("hello"), {"value": "hello"}),
        (encode([b"x"]), {"value": [file_reference(digest(b"x"))]}),
        (encode({"a": {"b": [b"x", None, 1.0]}}), {"a": {"b": [file_reference(digest(b"x")), None, 1]}}),
    ],
)
def test_what_is_no_map_of_json_kinds(message: str | bytes, meant: object) -> None:
    talk = Talk(Client(frames(LCM, {"msgpack": 1}, input=meant, exact=True)))
    talk >> message << packed(1)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not a msgpack message: Unpack failed: incomplete input"),
        (b"\xc1", "not a msgpack message: FormatError"),
        (b"\x81\x01\x02", "not a msgpack message: int is not allowed for map key when strict_map_key=True"),
        (b"\xd4\x05a", "extension type 5 of 1 bytes is not supported"),
        (encode({"x": math.nan}), "The input cannot be read: nan is not a JSON number"),
    ],
)
def test_what_cannot_be_read_breaks_the_session(message: bytes, reason: str) -> None:
    client = Client(timed(1.0), pace=RECORDED)
    talk = Talk(client) >> CAT >> message << broken(reason) << Close()
    (talk >> CAT).wait(100).quiet()


def test_a_socket_of_the_apps_own_takes_any_bytes() -> None:
    sound = frames("a/b/ws", {"binary": "AAE="}, input={"binary": file_reference(digest(b"\xc1\xc1"))})
    fixtures = [
        sound,
        frames("a/b/ws", {"text": "plain"}, {"close": {"code": 4000, "reason": "bye"}}, input={"text": "hi"}),
    ]
    talk = Talk(Client(*fixtures), "a/b/ws")
    talk >> b"\xc1\xc1" << Binary(b"\x00\x01")
    talk >> "hi" << Text("plain") << Close(4000, "bye")
    (talk >> "hi").quiet()


# an ordinary answer as the only frame


@pytest.mark.parametrize(
    ("path", "message", "frame"),
    [
        (f"{LCM}/realtime", encode(CAT), packed({"seed": 2**63, "x": 1.0})),
        (f"{LCM}/realtime", json.dumps(CAT), packed({"seed": 2**63, "x": 1.0})),
        (LCM, json.dumps(CAT), Text('{"seed":9223372036854775808,"x":1.0}')),
        (LCM, encode(CAT), packed({"seed": 2**63, "x": 1.0})),
    ],
)
def test_a_response_is_the_only_frame(path: str, message: Any, frame: Any) -> None:
    client = Client({"match": {"model": LCM, "method": "POST"}, "response": {"json": {"seed": 2**63, "x": 1.0}}})
    Talk(client, path) >> message << frame


def test_a_response_takes_its_time() -> None:
    client = Client(
        {"match": {"model": LCM}, "response": {"json": 1}, "queue": {"started": 1, "completed": 3}}, pace=RECORDED
    )
    (Talk(client) >> CAT).wait(2.9).quiet().wait(0.1) << packed(1)


def test_an_error_is_what_the_runtime_makes_of_it() -> None:
    failing = {"match": {"model": LCM}, "response": {"error": {"message": "too bright"}}}
    Talk(Client(failing)) >> CAT << broken("too bright") << Close()
    Talk(Client(failing), LCM) >> "hi" << Text('{"detail":"too bright"}')


@pytest.mark.parametrize(
    ("response", "frame"),
    [
        ({"text": "é"}, Text("é")),
        ({"audio": {"b64Json": "AAE="}}, None),
        (
            {"json": 2**70},
            broken("This answer cannot be written as msgpack: msgpack cannot write it: Integer value out of range"),
        ),
    ],
)
def test_other_responses(response: dict[str, Any], frame: Any) -> None:
    talk = Talk(Client({"match": {"model": LCM}, "response": response})) >> CAT
    assert talk.inbox[0] == frame or frame is None
    assert len(talk.inbox) == 1


# time


def test_frames_come_at_their_times_after_the_message() -> None:
    client = Client(timed(1.0, 1.5), pace=RECORDED)
    talk = Talk(client).wait(10) >> CAT
    talk.quiet().wait(1.0) << packed(1.0)
    talk.quiet().wait(0.4).quiet().wait(0.1) << packed(1.5)


@pytest.mark.parametrize(
    ("pace", "at"), [("instant", [0, 0]), ("x10", [0.1, 0.4]), ("2s", [0.5, 2]), ("polls:1,2", [0, 0])]
)
def test_every_pace(pace: str, at: list[float]) -> None:
    client = Client(timed(1.0, 4.0), pace=parse_pace(pace))
    talk = Talk(client) >> CAT
    seen = [0.0] * len(talk.inbox)
    began = client.now
    while len(seen) < 2:
        assert talk.again is not None
        before = len(talk.inbox)
        talk.wait(talk.again - client.now)
        seen += [client.now - began] * (len(talk.inbox) - before)
    assert seen == pytest.approx(at, abs=1e-6)


def test_a_message_that_takes_as_long_in_all_as_was_asked_for() -> None:
    client = Client(timed(0.0), pace=parse_pace("2s"))
    (Talk(client) >> CAT).wait(1.9).quiet().wait(0.2) << packed(0.0)


def test_answers_begin_in_the_order_of_the_messages() -> None:
    slow, quick = timed(2.0, 2.0, 5.0, input=CAT), timed(0.0, 0.5, input=DOG)
    talk = Talk(Client(slow, quick, pace=RECORDED)) >> CAT >> DOG
    talk.quiet().wait(2) << packed(2.0) << packed(2.0) << packed(0.0) << packed(0.5)
    talk.quiet().wait(3) << packed(5.0)


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("?max_buffering=2", [0, 8, 9]),
        ("?max_buffering=1", [0, 9]),
        ("", range(10)),
        ("?max_buffering=0", range(10)),
        ("?max_buffering=61", range(10)),
        ("?max_buffering=%C2%B2", range(10)),
    ],
)
def test_the_oldest_that_waits_is_dropped(query: str, answered: Any) -> None:
    fixtures = [frames(LCM, {"at": 5, "msgpack": place}, input={"n": place}) for place in range(10)]
    talk = Talk(Client(*fixtures, pace=RECORDED), f"{LCM}/realtime{query}")
    for place in range(10):
        talk >> {"n": place}
    talk.wait(20)
    assert talk.inbox == [packed(place) for place in answered]
    talk.inbox.clear()
    (talk >> {"n": 1}).wait(5) << packed(1)


def test_a_message_that_gets_nothing() -> None:
    talk = Talk(Client(frames(LCM)), f"{LCM}/realtime?max_buffering=1") >> CAT >> CAT >> CAT
    assert talk.quiet().misses == []


# the end of a session


def test_a_session_without_messages_ends() -> None:
    client = Client(ANY, pace=parse_pace("x10"))
    talk = Talk(client).wait(59.9).quiet() >> CAT << packed({"any": True})
    talk.wait(59.9).quiet().wait(0.2) << TIMED_OUT << Close()
    (talk >> CAT).wait(1000).quiet()
    assert talk.again is None


def test_a_session_does_not_end_before_what_is_due() -> None:
    talk = Talk(Client(timed(70.0), pace=RECORDED)) >> CAT
    talk.wait(65).quiet().wait(5) << packed(70.0) << TIMED_OUT << Close()


def test_a_socket_of_the_apps_own_has_no_time_to_end() -> None:
    Talk(Client(ANY), LCM).wait(10_000).quiet()


def test_a_recorded_end_waits_for_more_messages_first() -> None:
    ends = frames(
        LCM,
        {"at": 0.5, "msgpack": 1},
        {"at": 10.5, "json": {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no more"}},
        {"at": 10.6, "close": {}},
    )
    talk = Talk(Client(ends)) >> CAT << packed(1)
    talk.wait(10).quiet() >> CAT << packed(1)
    talk.wait(10.5) << said({"type": "x-fal-error", "error": "TIMEOUT", "reason": "no more"})
    talk.wait(0.1) << Close()


def test_a_recorded_timeout_closes_even_where_the_client_was_quicker() -> None:
    ends = frames(LCM, {"at": 1, "json": {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no more"}})
    talk = (Talk(Client(ends)) >> CAT).wait(1)
    assert talk.error()["reason"] == "no more"
    talk << Close()


def test_a_refused_socket_says_nothing_more() -> None:
    talk = Talk(Client(ANY), f"{LCM}/realtime?fal_jwt_token=e30.eyJleHAiOjF9.x") << UNAUTHORIZED << Close()
    (talk >> CAT).wait(100).quiet()
    assert talk.effect.conversation.due(0.0) == SocketStep()


# whatever comes


@settings(max_examples=50, deadline=None)
@given(
    doings=st.lists(st.binary(max_size=30) | st.text(max_size=20) | st.tuples(st.floats(0, 30)), max_size=12),
    is_realtime=st.booleans(),
)
def test_nothing_that_a_client_does_breaks_it(*, doings: list[Any], is_realtime: bool) -> None:
    client = Client(timed(0.0, 3.0, 100.0), pace=RECORDED)
    talk = Talk(client, f"{LCM}/realtime" if is_realtime else LCM)
    for doing in doings:
        if isinstance(doing, tuple):
            talk.wait(*doing)
        else:
            talk >> doing
    talk.wait(1000)
    closes = [place for place, frame in enumerate(talk.inbox) if isinstance(frame, Close)]
    assert closes == ([len(talk.inbox) - 1] if is_realtime else [])


# faults of fixtures


def test_the_fault_of_a_fixture_strikes_the_messages_it_answers() -> None:
    late = {**frames(LCM, {"msgpack": {"a": 1}}, {"at": 1, "msgpack": {"a": 2}}, input=CAT), "fault": {"latency": 2}}
    client = Client(late, frames(LCM, {"msgpack": {"b": 1}}, input=DOG), pace=RECORDED)
    talk = Talk(client) >> DOG << packed({"b": 1})
    (talk >> CAT).quiet().wait(2) << packed({"a": 1})
    talk.quiet().wait(1) << packed({"a": 2})
    assert talk.effect.fault is None
    assert [entry.fault for entry in client.engine.scope.journal.entries] == [None, None, "latency"]
    both = Client({**late, "response": {"json": 1}, "fault": {"latency": 2, "truncate": 1}})
    Talk(both) >> CAT
    assert both.engine.scope.journal.entries[-1].fault == "latency"


def test_an_error_in_place_of_the_frames_of_a_message() -> None:
    fault = {"error": {"name": "internal_server_error", "message": "too hot"}, "nth": 2}
    client = Client({**frames(LCM, {"msgpack": {"a": 1}}), "fault": fault}, pace=RECORDED)
    talk = Talk(client) >> CAT << packed({"a": 1})
    talk >> CAT
    assert talk.error()["error"] == "INTERNAL_ERROR"
    talk << Close()
    assert client.engine.scope.journal.entries[-1].fault == "internal_server_error"
    own = Talk(Client({**frames("a/own", {"json": 1}), "fault": "missing"}), "a/own") >> "{}"
    assert own.error()["detail"][0]["type"] == "missing"


def test_a_fault_of_the_socket_is_none_of_its_messages() -> None:
    fault = {"latency": 2, "socket": {"close": 1011, "after": 1}}
    talk = Talk(Client({**frames(LCM, {"msgpack": {"a": 1}}), "fault": fault}))
    assert (talk.effect.fault, talk.effect.delay) == ("latency + socket 1011", 2)
    (talk >> CAT).quiet().wait(2) << packed({"a": 1}) << Close(1011)


def test_a_message_that_gets_the_error_of_a_fixture_with_figures() -> None:
    error = {"type": "image_too_small", "message": "tiny", "ctx": {"min_height": 9}, "loc": ["body", "image_url"]}
    talk = Talk(Client({"match": {"model": LCM}, "response": {"error": error}, "queue": {"completed": 0}}))
    assert "tiny" in (talk >> CAT).error()["reason"]


JSON = Answer(200, "application/json", b'{"a":1.0}')
TEXT = Answer(200, "text/plain; charset=utf-8", b"\xff")
FILE = Answer(200, "image/png", b"", asset=digest(b"x"))
ERROR = Answer(422, "application/json", b'{"detail":"no"}', error="no", error_type="value_error")
IN_MEMORY = Asset(digest(b"x"), "x.png", "image/png", 1, data=b"x")
ON_DISK = IN_MEMORY._replace(data=None, file="_assets/x.png")
GONE = error_frame("INTERNAL_ERROR", "The asset of this answer is no longer in the fixtures")


@pytest.mark.parametrize(
    ("answer", "asset", "packed", "plain"),
    [
        (JSON, None, (Binary(encode({"a": 1.0})),), (Text('{"a":1.0}'),)),
        (TEXT, None, (Text("\ufffd"),), (Text("\ufffd"),)),
        (FILE, IN_MEMORY, (Binary(b"x"),), (Binary(b"x"),)),
        (FILE, ON_DISK, (Stored("_assets/x.png", 0, 1),), (Stored("_assets/x.png", 0, 1),)),
        (FILE, None, (GONE,), (GONE,)),
        (ERROR, None, (error_frame("INTERNAL_ERROR", "no"), Close()), (Text('{"detail":"no"}'),)),
    ],
)
def test_answers(answer: Answer, asset: Asset | None, packed: tuple[Frame, ...], plain: tuple[Frame, ...]) -> None:
    assert frames_of(answer, asset, packs=True, is_realtime=True) == packed
    assert frames_of(answer, asset, packs=False, is_realtime=False) == plain


def test_json_that_msgpack_cannot_write() -> None:
    (frame,) = frames_of(JSON._replace(body=b"18446744073709551616"), None, packs=True, is_realtime=True)
    assert isinstance(frame, Text)
    assert "cannot be written as msgpack" in frame.text


def test_an_answer_is_written_once_however_many_messages_wait_for_it() -> None:
    answer = Answer(200, "application/json", b'{"x": "%s"}' % (b"y" * 1000))
    first, again = (frames_of(answer, None, packs=True, is_realtime=True) for _ in range(2))
    assert again[0] is first[0]
    assert frames_of(answer, None, packs=False, is_realtime=True) != first
