from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.fixtures.fault import StreamEnd
from falmock.fixtures.fault import StreamFault
from falmock.recording.streams import is_requested
from falmock.wire import calls
from falmock.wire.formats import sse
from falmock.wire.routes import route
from unit.fixtures.build import decoded
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import START
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import exchange
from unit.recording.exchanges import sha256

SSE = {"content-type": "text/event-stream; charset=utf-8"}
ANY_LLM = "fal-ai/any-llm/stream"


def stream(
    observed: ObservedTraffic, *chunks: tuple[float, bytes], to: str = ANY_LLM, took: float = 0.0, **more: Any
) -> None:
    """A call that was answered with these chunks, each with its time in seconds after the call."""
    headers = SSE | more.pop("headers", {})
    body = b"".join(chunk for _, chunk in chunks)
    timed = tuple((START + at, chunk) for at, chunk in chunks)
    ends = took or max((at for at, _ in chunks), default=0.0)
    sent = more.pop("sent", {"prompt": "hi"})
    observed.run(to, sent, body, headers=headers, chunks=timed, took=ends, **more)


def told(*chunks: tuple[float, bytes], **more: Any) -> Any:
    """The recorded `stream`, which must load."""
    observed = ObservedTraffic()
    stream(observed, *chunks, **more)
    assert observed.warnings == []
    assert decoded(observed.entry).problems == []
    return observed.entry["stream"]


def test_a_stream_is_recorded_by_its_events_and_their_times() -> None:
    observed = ObservedTraffic()
    asked = {"user-agent": "fal-client/1.0.3 (python)"}
    stream(observed, (0.1, b'event: event\ndata: {"output": "a"}\n\n'), (0.304, b'data: {"n": 1.10}\n\n'), asked=asked)
    assert observed.entry == {
        "match": {"model": ANY_LLM, "input": {"prompt": "hi"}, "exact": True},
        "stream": [{"at": 0.1, "event": "event", "json": {"output": "a"}}, {"at": 0.3, "json": {"n": 1.10}}],
        "recorded": {"at": "2025-07-15T22:43:18Z", "client": "fal-client/1.0.3 (python)"},
    }
    assert (
        str(observed.entry["stream"][1]["json"]["n"]) == "1.10"
        or repr(observed.entry["stream"][1]["json"]["n"]) == "1.10"
    )
    assert observed.save.name == "hi"


def test_what_is_no_json_is_kept_as_it_is() -> None:
    chunks = (
        (0.0, b"data: [DONE]\n\n"),
        (0.0, b"data: a\ndata: b\n\n"),
        (0.0, b'data: {"$file": 1}\n\ndata: [{"$seed": true}]\n\n'),
    )
    assert [event["data"] for event in told(*chunks)] == ["[DONE]", "a\nb", '{"$file": 1}', '[{"$seed": true}]']


def test_comments_are_dropped_and_ids_told_where_they_change() -> None:
    events = told((0, b": ping\n\nretry: 5\nid: 1\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n"))
    assert events == [
        {"at": 0.0, "retry": 5, "id": "1", "json": 1},
        {"at": 0.0, "json": 2},
        {"at": 0.0, "id": "", "json": 3},
    ]


def test_the_time_to_the_next_connection_is_kept_where_it_came() -> None:
    raw = b"retry: 5\n\nid: 1\nretry: 0\ndata: 1\n\ndata: x\nretry: 70\n\nretry: 9\n\n"
    events = told((0, raw + b"retry: soon\n\n"))
    assert events == [
        {"at": 0.0, "retry": 5},
        {"at": 0.0, "retry": 0, "id": "1", "json": 1},
        {"at": 0.0, "retry": 70, "data": "x"},
        {"at": 0.0, "retry": 9},
    ]
    (streamed,) = [fixture.streamed for fixture in decoded({"match": {}, "stream": events}).fixtures]
    assert sse.Parser().blocks(b"".join(piece.data for piece in streamed.pieces)) == sse.Parser().blocks(raw)


def test_an_event_has_the_time_of_its_end_and_time_does_not_go_back() -> None:
    assert told((1, b"data: "), (2, b"1\n"), (3, b"\n"), (2.5, b"data: 2\n\n")) == [
        {"at": 3.0, "json": 1},
        {"at": 3.0, "json": 2},
    ]


def test_a_stream_that_lingers_tells_when_it_ended() -> None:
    assert told((1, b"data: 1\n\n"), took=1.04) == [{"at": 1.0, "json": 1}]
    assert told((1, b"data: 1\n\n"), took=2) == [{"at": 1.0, "json": 1}, {"at": 2.0, "end": True}]
    assert told(took=0.5) == [{"at": 0.5, "end": True}]


def test_headers_that_matter_and_units() -> None:
    headers = {"content-type": "text/event-stream", "x-fal-billable-units": "1.50", "x-fal-odd": "1", "date": "today"}
    value = told((0, b"data: 1\n\n"), headers=headers)
    assert value["events"] == [{"at": 0.0, "json": 1}]
    assert value["headers"] == {"content-type": "text/event-stream", "x-fal-odd": "1"}
    assert repr(value["billableUnits"]) == "1.50"


def test_a_stream_whose_times_nobody_knows_comes_at_its_end() -> None:
    observed = ObservedTraffic()
    observed.run(ANY_LLM, {}, b"data: 1\n\ndata: 2\n\n", headers=SSE, took=1.5)
    assert observed.entry["stream"] == [{"at": 1.5, "json": 1}, {"at": 1.5, "json": 2}]


def test_files_of_events_are_linked_inline_ones_taken_out() -> None:
    observed = ObservedTraffic()
    inline = "data:image/png;base64," + "AAAA" * 400
    stream(observed, (0, json.dumps({"image": {"url": CAT}, "inline": inline}).join(("data: ", "\n\n")).encode()))
    value = observed.entry["stream"][0]["json"]
    assert value["image"] == {"url": CAT}
    assert value["inline"] == {"$file": f"sha256:{sha256(bytes(1200))}", "as": "data-uri", "type": "image/png"}
    assert observed.save.urls == {CAT: CAT}
    assert [content.size for content, _ in observed.save.contents] == [1200]
    observed.download(CAT, PNG)
    assert [link.url for link in observed.links] == [CAT]


def test_secrets_in_events_are_taken_out() -> None:
    observed = ObservedTraffic()
    event = json.dumps({"debug": "called with s3cr3t-key-of-mine", "client_ip": "203.0.113.7"})
    text = f"data: {event}\n\ndata: from 203.0.113.7 by s3cr3t-key-of-mine\n\n"
    stream(observed, (0, text.encode()), asked={"authorization": "Key id:s3cr3t-key-of-mine"})
    assert "s3cr3t" not in str(observed.entry)
    assert "203.0.113.7" not in str(observed.entry)


def test_a_stream_that_broke_off_is_not_recorded() -> None:
    observed = ObservedTraffic()
    stream(observed, (0, b"data: 1\n\n"), lost="it broke off")
    assert observed.entries == []
    assert observed.warnings == [f"the run of {ANY_LLM} is not recorded: it broke off"]


def test_what_is_no_stream_is_recorded_as_a_run() -> None:
    observed = ObservedTraffic()
    observed.run(ANY_LLM, {}, {"output": "a"})
    stream(observed, (0, b'{"detail": "no"}'), status=422)
    stream(observed, (0, b"Not an event"))
    kinds = [list(entry["response"])[-1] for entry in observed.entries]
    assert kinds == ["json", "text", "text"]
    assert all("stream" not in entry for entry in observed.entries)


def test_a_run_that_asked_for_none_keeps_the_text() -> None:
    observed = ObservedTraffic()
    stream(observed, (0, b"data: 1\n\n"), to="a/b")
    assert observed.entry["response"]["text"] == "data: 1\n\n"


def test_raw_pieces_are_kept_with_their_times() -> None:
    headers = {"content-type": "audio/mpeg"}
    value = told((0.5, b"\0\1"), (1, b"\2"), to="a/tts/stream", headers=headers)
    assert value == {
        "events": [{"at": 0.5, "bytes": "AAE="}, {"at": 1.0, "bytes": "Ag=="}],
        "headers": {"content-type": "audio/mpeg"},
    }


@pytest.mark.parametrize(
    ("kind", "pieces", "is_stream"),
    [
        ("application/json", (b'{"a":', b" 1}"), False),
        ("application/json", (b'{"a": 1}\n', b'{"a": 2}\n'), True),
        ("application/x-ndjson", (b'{"a": 1}\n', b'{"a": 2}\n'), True),
        ("text/plain", (b"all at once",), False),
        ("text/plain", (b"word by ", b"word"), True),
    ],
)
def test_text_is_a_stream_where_it_comes_in_pieces_and_json_where_it_is_several(
    kind: str, pieces: tuple[bytes, ...], *, is_stream: bool
) -> None:
    observed = ObservedTraffic()
    stream(observed, *enumerate(pieces), to="a/tts/stream", headers={"content-type": kind})
    assert ("stream" in observed.entry) is is_stream
    if not is_stream:
        assert observed.entry["response"] in (
            {"json": {"a": 1}},
            {"text": "all at once", "headers": {"content-type": kind}},
        )


BROKEN = {"lost": "its stream broke off", "broke_off": True}
JSON, SOUND = {"content-type": "application/json"}, {"content-type": "audio/mpeg"}


def test_a_stream_that_broke_off_is_told_of() -> None:
    observed = ObservedTraffic()
    stream(observed, (0.1, b"data: 1\n\n"), **BROKEN)
    assert observed.entries == []
    assert observed.warnings == [f"the run of {ANY_LLM} is not recorded: its stream broke off"]


@pytest.mark.parametrize(
    ("headers", "body", "kept"),
    [
        (SSE, b"data: 1\n\ndata: 2\n\ndata: 3", [{"json": 1}, {"json": 2}]),
        (SSE, b"data: 1\n", []),
        (SSE, b"", []),
        (SOUND, b"ID3", [{"bytes": "SUQz"}]),
        (JSON, b'{"output": 1}', [{"bytes": "eyJvdXRwdXQiOiAxfQ=="}]),
        ({"content-type": "text/plain"}, b"ab", [{"bytes": "YWI="}]),
    ],
)
def test_where_it_is_wanted_it_is_recorded_to_where_it_broke_off(
    headers: dict[str, str], body: bytes, kept: list[Any]
) -> None:
    observed = ObservedTraffic(errors=True)
    stream(observed, *([(0.1, body)] if body else []), took=9.0, headers=headers, to="a/b/stream", **BROKEN)
    stated = observed.entry["stream"]
    assert (stated if headers is SSE else stated["events"]) == [{"at": 0.1, **event} for event in kept]
    assert observed.entry["fault"] == {"stream": {"after": len(kept), "cut": True}}
    loaded = decoded(observed.entry)
    assert loaded.problems == []
    assert loaded.fixtures[0].fault is not None
    assert loaded.fixtures[0].fault.stream == StreamFault(StreamEnd.CUT, len(kept))


@pytest.mark.parametrize(
    "broken", [{"lost": "its events are encoded (compress)"}, {**BROKEN, "status": 500}, {**BROKEN, "headers": JSON}]
)
def test_what_is_lost_for_another_reason_is_never_recorded(broken: dict[str, Any]) -> None:
    observed = ObservedTraffic(errors=True)
    stream(observed, **broken)
    assert observed.entries == []
    assert len(observed.warnings) == 1


def test_what_did_not_break_off_has_no_fault() -> None:
    observed = ObservedTraffic(errors=True)
    stream(observed, (0.1, b"data: 1\n\n"))
    assert "fault" not in observed.entry


@pytest.mark.parametrize(
    ("line", "sent", "asked", "wanted"),
    [
        ("POST https://fal.run/a/b/stream", {}, {}, True),
        ("POST https://fal.run/a/b", {}, {"accept": "application/json, text/event-stream"}, True),
        ("POST https://fal.run/openrouter/router/openai/v1/chat/completions", {"stream": True}, {}, True),
        ("POST https://fal.run/a/b", {"stream": False}, {}, False),
        ("POST https://fal.run/a/b", {"stream": 1}, {}, False),
        ("POST https://fal.run/a/b", b'"stream"', {}, False),
        ("POST https://fal.run/a/b", {}, {"accept": "*/*"}, False),
    ],
)
def test_calls_that_want_a_stream(line: str, sent: Any, asked: dict[str, str], *, wanted: bool) -> None:
    observed = exchange(line, sent, asked=asked)
    role = ObservedTraffic().recorder.hosts.role("fal.run")
    assert role is not None
    call = route(role, "POST", observed.request.path, "")
    assert isinstance(call, calls.Run | calls.Stream)
    assert is_requested(call, observed.request) is wanted


LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=6)
EVENTS = st.lists(
    st.tuples(
        st.one_of(st.just("message"), LINES),
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=9), st.just("{}")
        ),
        LINES,
    ),
    max_size=5,
)


@given(events=EVENTS, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_any_events_however_they_are_cut_are_streamed_again(
    events: list[tuple[str, str, str]], cuts: list[int]
) -> None:
    body = b"".join(sse.event(data, kind, event_id) for kind, data, event_id in events)
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [(at / 10, body[start:end]) for at, (start, end) in enumerate(itertools.pairwise(places))]
    observed = ObservedTraffic()
    stream(observed, *chunks)
    loaded = decoded(observed.entry)
    assert loaded.problems == []
    streamed = loaded.fixtures[0].streamed
    assert streamed is not None
    again = sse.Parser().feed(b"".join(piece.data for piece in streamed.pieces))
    assert [(event.type, _meant(event.data), event.id) for event in again] == [
        (kind, _meant(data), event_id) for kind, data, event_id in events
    ]


def _meant(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data
