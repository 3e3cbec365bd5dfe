from __future__ import annotations

import json
from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Config
from falmock.engine.effects import Socket
from falmock.engine.engine import Engine
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.index import Index
from falmock.recording import document
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import SelfAnswered
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Text
from falmock.wire.message import Request
from unit.fixtures.build import decoded
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import START
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import entries
from unit.recording.exchanges import saves
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded
from unit.recording.exchanges import warnings

REALTIME = "test/realtime/realtime"
RAW = "test/raw/ws"
TIMING = {"type": "x-fal-message", "action": "timings", "timing": 0.25}
OVER = {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs, reconnect when needed!"}
REFUSED = {"status": "error", "error": "Unauthorized"}
BIG = PNG + bytes(300)


def packed(value: Any) -> bytes:
    return bytes(msgpack.packb(value))


def session(*said: tuple[float, str, Any], to: str = REALTIME, query: str = "", **more: Any) -> Session:
    """A session: `>` is the client, `<` the server; bytes and texts are sent unchanged, all else as JSON."""
    messages = tuple(Message(START + at, who == ">", _content(value)) for at, who, value in said)
    headers = {"upgrade": "websocket", "user-agent": "Python/3.11 websockets/17.4"}
    request = Request("GET", "fal.run", f"/{to}", query, headers, b"")
    return Session(request, START, messages, START + more.pop("ended", said[-1][0] if said else 0.0), **more)


def _content(value: Any) -> str | bytes:
    return value if isinstance(value, str | bytes) else json.dumps(value)


def record(*said: tuple[float, str, Any], observed: ObservedTraffic | None = None, **more: Any) -> list[Outcome]:
    return (observed or ObservedTraffic()).recorder.note_session(session(*said, **more))


def frames(*said: tuple[float, str, Any], **more: Any) -> list[Any]:
    """The answers to each message, which must load."""
    outcomes = record(*said, **more)
    assert warnings(outcomes) == []
    found = entries(outcomes)
    document.groups({"fixtures": found}, "f.json")
    return [entry["realtime"] for entry in found]


def test_a_message_and_what_answered_it_is_a_fixture() -> None:
    result = {"images": [{"content": BIG, "content_type": "image/jpeg"}], "seed": 2**64 - 1, "t": 0.5, "id": b"\0\1"}
    outcomes = record(
        (1.0, ">", packed({"prompt": "a cat", "mask": PNG})), (1.25, "<", packed(result)), (1.3, "<", TIMING)
    )
    assert entries(outcomes) == [
        {
            "match": {
                "model": REALTIME,
                "input": {
                    "prompt": "a cat",
                    "mask": {"$file": f"sha256:{sha256(PNG)}", "type": "image/png", "size": len(PNG)},
                },
                "exact": True,
            },
            "realtime": [
                {
                    "at": 0.25,
                    "msgpack": {
                        "images": [
                            {"content": {"$file": f"sha256:{sha256(BIG)}", "as": "bytes"}, "content_type": "image/jpeg"}
                        ],
                        "seed": 2**64 - 1,
                        "t": 0.5,
                        "id": {"$base64": "AAE="},
                    },
                },
                {"at": 0.3, "json": TIMING},
            ],
            "recorded": {"at": "2025-07-15T22:43:19Z", "client": "Python/3.11 websockets/17.4"},
        }
    ]
    (save,) = saves(outcomes)
    assert (save.name, save.about, save.asked) == ("a-cat", f"a message on the socket of {REALTIME}", START + 1)
    assert [(content.sha256, kind) for content, kind in save.contents] == [(sha256(BIG), "image/jpeg")]


def test_the_type_of_bytes_is_told_beside_them_or_by_what_they_are() -> None:
    kinds = []
    for value in (
        {"content": BIG},
        {"content": bytes(300), "content_type": "audio/pcm"},
        {"content_type": "video/mp4", "chunks": [{"data": BIG}]},
        {"content": bytes(300), "content_type": "no type"},
        {"content": bytes(300)},
    ):
        (save,) = saves(record((0, ">", packed({})), (1, "<", packed(value))))
        kinds.append(save.contents[0][1])
    assert kinds == ["image/png", "audio/pcm", "video/mp4", "application/octet-stream", "application/octet-stream"]


@pytest.mark.parametrize(
    ("to", "message", "expected"),
    [
        (REALTIME, packed({"a": 1}), {"a": 1}),
        (REALTIME, '{"a": 1.10}', {"a": 1.10}),
        (REALTIME, "[1]", {"text": "[1]"}),
        (REALTIME, "hello", {"text": "hello"}),
        (REALTIME, packed([1]), {"value": [1]}),
        (REALTIME, packed(None), {"value": None}),
        (RAW, packed({"a": 1}), {"a": 1}),
        (RAW, b"\xff\0", {"binary": {"$file": f"sha256:{sha256(bytes([255, 0]))}", "size": 2}}),
        (RAW, packed([1]), {"binary": {"$file": f"sha256:{sha256(packed([1]))}", "size": 2}}),
    ],
)
def test_inputs(to: str, message: str | bytes, expected: dict[str, Any]) -> None:
    (entry,) = entries(record((0, ">", message), (1, "<", "ok"), to=to))
    found = entry["match"]["input"]
    if "binary" in found:
        found["binary"].pop("type")
    assert found == expected
    assert entry["match"]["model"] == to


def test_frames() -> None:
    raw = bytes(300)
    inline = "data:image/png;base64," + "AAAA" * 400
    told = frames(
        (0, ">", "x"),
        (1, "<", "hello"),
        (1, "<", '{"a": 1.10}'),
        (1, "<", '{"a":1.10}'),
        (1, "<", "[1]"),
        (1, "<", "5"),
        (1, "<", b"\xff\0"),
        (1, "<", packed([1])),
        (1, "<", packed({"$file": "x"})),
        (1, "<", packed({"n": float("nan")})),
        (1, "<", packed({"inline": inline})),
        (2, "<", '{"$file": 1}'),
        (2, "<", '{"$input":"x"}'),
        to=RAW,
    )[0]
    assert [{key: value for key, value in frame.items() if key != "at"} for frame in told] == [
        {"text": "hello"},
        {"text": '{"a": 1.10}'},
        {"json": {"a": 1.1}},
        {"json": [1]},
        {"text": "5"},
        {"binary": "/wA="},
        {"binary": "kQE="},
        {"binary": "gaUkZmlsZaF4"},
        {"binary": "gaFuy3/4AAAAAAAA"},
        {"msgpack": {"inline": {"$file": f"sha256:{sha256(bytes(1200))}", "as": "data-uri", "type": "image/png"}}},
        {"text": '{"$file": 1}'},
        {"text": '{"$input":"x"}'},
    ]
    assert frames((0, ">", "x"), (1, "<", '{"a": 1}')) == [[{"at": 1.0, "json": {"a": 1}}]]
    (entry,) = entries(record((0, ">", "x"), (1, "<", raw), to=RAW))
    assert entry["realtime"] == [{"at": 1.0, "binary": {"$file": f"sha256:{sha256(raw)}"}}]


def test_an_opening_and_the_end() -> None:
    outcomes = record((0.5, "<", "hello"), (1, ">", "bye"), to=RAW, ended=1.5, close=Close(1011, "crashed"))
    opening, last = entries(outcomes)
    assert opening["match"] == {"model": RAW, "opening": True}
    assert opening["realtime"] == [{"at": 0.5, "text": "hello"}]
    assert last["realtime"] == [{"at": 0.5, "close": {"code": 1011, "reason": "crashed"}}]
    assert decoded(opening, last).problems == []
    assert [save.name for save in saves(outcomes)] == ["opening", "bye"]
    assert frames((0, ">", "x"), to=RAW, close=Close(1005), ended=1) == [[{"at": 1.0, "close": {"code": 1000}}]]


def test_the_end_of_a_session_goes_with_the_last_message_but_opens_none() -> None:
    said = ((0, ">", packed({})), (1, "<", packed({"n": 1})), (61, "<", OVER))
    assert frames(*said, ended=61, close=Close()) == [
        [{"at": 1.0, "msgpack": {"n": 1}}, {"at": 61.0, "json": OVER}, {"at": 61.0, "close": {"code": 1000}}]
    ]
    nothing = [SelfAnswered("sockets without messages")]
    assert record((60, "<", OVER), ended=60, close=Close()) == nothing
    assert record(ended=1, close=Close()) == nothing


def test_a_message_without_an_answer_is_answered_by_nothing() -> None:
    assert frames((0, ">", packed({"n": 1}))) == [[]]


def test_results_that_may_stand_with_the_wrong_messages_are_warned_of() -> None:
    asked = [(0, ">", packed({"n": n})) for n in range(3)]
    outcomes = record(*asked, (1, "<", packed({"r": 0})), (2, "<", packed({"r": 2})), ended=9, close=Close())
    assert len(entries(outcomes)) == 3
    (warning,) = warnings(outcomes)
    assert warning.startswith(f"the socket of {REALTIME}: there are not as many results as messages")
    named = record(
        *asked, (1, "<", packed({"r": 0})), (2, "<", packed({"r": 2})), close=Close(), query="max_buffering=1"
    )
    assert warnings(named) == []
    assert [entry["realtime"][:1] for entry in entries(named)] == [
        [{"at": 1.0, "msgpack": {"r": 0}}],
        [],
        [{"at": 2.0, "msgpack": {"r": 2}}],
    ]


def test_a_session_that_broke_off_is_recorded_as_far_as_it_was_answered() -> None:
    said = ((0, ">", packed({"n": 1})), (1, "<", packed({})), (2, ">", packed({"n": 2})), (3, ">", packed({"n": 3})))
    outcomes = record(*said, lost="it broke off")
    assert [entry["match"]["input"] for entry in entries(outcomes)] == [{"n": 1}]
    assert warnings(outcomes) == [
        f"what the socket of {REALTIME} left unanswered (messages: 2) is not recorded: it broke off"
    ]


def test_an_opening_after_which_nothing_was_asked_is_recorded_of_a_whole_session_only() -> None:
    assert len(entries(record((0.5, "<", "hello"), to=RAW))) == 1
    assert entries(record((0.5, "<", "hello"), to=RAW, lost="it broke off")) == []
    assert entries(record((0.5, "<", "hello"), (1, "<", REFUSED), to=RAW, close=Close())) == []
    assert len(entries(record((0.5, "<", "hello"), (1, ">", "x"), to=RAW, lost="it broke off"))) == 1


def test_a_session_that_was_refused_is_none() -> None:
    observed = ObservedTraffic()
    outcomes = record(
        (0, ">", packed({"n": 1})),
        (1, "<", REFUSED),
        observed=observed,
        query="fal_jwt_token=secret-token",
        close=Close(),
    )
    assert entries(outcomes) == []
    assert warnings(outcomes) == [
        f"what the socket of {REALTIME} left unanswered is not recorded: it was refused (unauthorized)"
    ]
    assert observed.recorder.redactor.text("secret-token") != "secret-token"


def test_what_ends_a_realtime_session_whatever_is_recorded_is_not() -> None:
    outcomes = record((0, ">", b"\xc1"), (1, "<", {"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no"}))
    assert entries(outcomes) == []
    assert warnings(outcomes) == [f"a message on the socket of {REALTIME} is not recorded: it is not a msgpack message"]


def test_files_secrets_and_what_does_not_count() -> None:
    observed = ObservedTraffic(ignore=[f"{REALTIME}=seed"])
    token = "the-token-of-the-socket"
    outcomes = record(
        (0, ">", packed({"prompt": token, "seed": 5})),
        (1, "<", packed({"url": CAT, "said": token})),
        (1, "<", f"also {token}"),
        observed=observed,
        query=f"fal_jwt_token={token}&max_buffering=2",
    )
    (entry,) = entries(outcomes)
    assert token not in json.dumps(entry)
    assert entry["match"] == {
        "model": REALTIME,
        "input": {"prompt": {"$any": True}},
        "exact": True,
        "ignore": ["seed"],
    }
    assert saves(outcomes)[0].urls == {CAT: CAT}
    linked = document.linked(entry, uploaded(CAT, PNG))
    assert linked["realtime"][0]["msgpack"]["url"] == {"$file": f"sha256:{sha256(PNG)}", "name": "cat.png"}


def test_only_sockets_of_fal_are_looked_at() -> None:
    observed = session((0, ">", "x"))
    for host in ("example.com", "rest.fal.ai"):
        told = ObservedTraffic().recorder.note_session(observed._replace(request=observed.request._replace(host=host)))
        assert [(type(one), one.calls) for one in told] == [(NotRecorded, 1)]


# any session is played again as it was

VALUES = st.fixed_dictionaries({"n": st.integers(0, 2)}, optional={"b": st.binary(max_size=3), "x": st.floats(0, 1)})
INPUTS = st.one_of(VALUES.map(packed), st.sampled_from(["hi", '{"n": 1}']))
RESULTS = st.one_of(
    VALUES.map(packed),
    st.sampled_from(["hello", json.dumps(TIMING), '{"status": "ok"}']),
    st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(st.none(), st.text(max_size=3), st.binary(max_size=9))).map(
        packed
    ),
)
SAID = st.lists(st.one_of(st.tuples(st.just(">"), INPUTS), st.tuples(st.just("<"), RESULTS)), max_size=12)


@given(said=SAID, close=st.sampled_from([None, Close(), Close(1011), Close(4000, "é" * 61)]))
def test_any_session_is_played_again_as_it_was(said: list[tuple[str, str | bytes]], close: Close | None) -> None:
    observed = session(
        *((float(at), who, content) for at, (who, content) in enumerate(said, 1)),
        ended=float(len(said) + 1),
        close=close if any(who == ">" for who, _ in said) else None,
    )
    loaded = decoded(*entries(ObservedTraffic().recorder.note_session(observed)))
    assert loaded.problems == []
    assert played(observed, Index(loaded.fixtures)) == [
        *(_meant(content) for who, content in said if who == "<"),
        *([observed.close] if observed.close else []),
    ]


def played(observed: Session, index: Index) -> list[Any]:
    """What the engine sends on a socket whose client sends the same at the same times."""
    counter = iter(range(10**6))
    engine = Engine(Config(pace=parse_pace("recorded")), index, lambda _: f"id-{next(counter)}", b"falmock")
    effect = engine.handle(observed.request, observed.opened)
    assert isinstance(effect, Socket)
    conversation = effect.conversation
    sent: list[Frame] = []
    turn = conversation.opened(observed.opened)
    sent += turn.frames
    for message in [message for message in observed.messages if message.from_client]:
        while turn.again is not None and turn.again < message.at:
            turn = conversation.due(turn.again)
            sent += turn.frames
        turn = conversation.received(message.content, message.at)
        assert turn.misses == ()
        sent += turn.frames
    while turn.again is not None and turn.again <= observed.ended:
        turn = conversation.due(turn.again)
        sent += turn.frames
    return [frame if isinstance(frame, Close) else _meant(_said(frame)) for frame in sent]


def _said(frame: Frame) -> str | bytes:
    assert isinstance(frame, Text | Binary)
    return frame.text if isinstance(frame, Text) else frame.data


def _meant(content: str | bytes) -> Any:
    if isinstance(content, bytes):
        return msgpack.unpackb(content)
    try:
        return json.loads(content)
    except ValueError:
        return content
