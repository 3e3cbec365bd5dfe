from __future__ import annotations

import json
from typing import Any

from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.recording.ws_runs import exchanges
from falmock.wire.message import Request
from unit.fixtures.build import decoded
from unit.recording.exchanges import PNG
from unit.recording.exchanges import START
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import entries
from unit.recording.exchanges import sha256
from unit.recording.exchanges import warnings


def start(number: int, status: int = 200, **headers: str) -> tuple[str, Any]:
    return "<", {"type": "start", "request_id": f"id-{number}", "status": status, "headers": headers}


def end(number: int, status: int = 200) -> tuple[str, Any]:
    return "<", {"type": "end", "request_id": f"id-{number}", "status": status, "time_to_first_byte_seconds": 0.1}


def session(*said: tuple[str, Any], to: str = "test/echo") -> Session:
    """A session on a socket of ws.fal.run, a message a second; what is neither text nor bytes goes as JSON."""
    messages = tuple(
        Message(START + at, who == ">", value if isinstance(value, str | bytes) else json.dumps(value))
        for at, (who, value) in enumerate(said)
    )
    headers = {"authorization": "Key id:s3cr3t-of-a-key", "upgrade": "websocket"}
    return Session(Request("GET", "ws.fal.run", f"/{to}", "", headers, b""), START, messages, START + len(said))


def test_runs_become_ordinary_fixtures_in_the_order_they_were_asked() -> None:
    observed = session(
        (">", {"n": 1}),
        (">", {"n": 2}),
        start(1),
        ("<", {"out": 1}),
        end(1),
        start(2, 422),
        ("<", '{"deta'),
        ("<", 'il": "no"}'),
        end(2, 422),
    )
    outcomes = ObservedTraffic().recorder.note_session(observed)
    assert entries(outcomes) == [
        {
            "match": {"model": "test/echo", "input": {"n": 1}, "exact": True},
            "response": {"json": {"out": 1}},
            "queue": {"started": 0.0, "completed": 4.0},
            "recorded": {"at": "2025-07-15T22:43:18Z", "requestId": "id-1"},
        },
        {
            "match": {"model": "test/echo", "input": {"n": 2}, "exact": True},
            "response": {"status": 422, "json": {"detail": "no"}},
            "queue": {"started": 0.0, "completed": 7.0},
            "recorded": {"at": "2025-07-15T22:43:19Z", "requestId": "id-2"},
        },
    ]
    assert warnings(outcomes) == []


def test_bodies_of_other_kinds() -> None:
    kinds = []
    for body in (["Größe"], [PNG[:20], PNG[20:]], []):
        observed = session((">", {}), start(1), *(("<", part) for part in body), end(1))
        (entry,) = entries(ObservedTraffic().recorder.note_session(observed))
        kinds.append(entry["response"])
    assert kinds == [{"text": "Größe"}, {"file": f"sha256:{sha256(PNG)}"}, {"text": ""}]


def test_what_the_start_tells_of_a_body_holds() -> None:
    headers = {"Content-Type": "text/html", "X-Fal-Odd": "1", "X-Fal-Billable-Units": "2"}
    observed = session((">", {}), start(1, **headers), ("<", "{}"), end(1))
    (entry,) = entries(ObservedTraffic().recorder.note_session(observed))
    assert entry["response"] == {
        "headers": {"content-type": "text/html", "x-fal-odd": "1"},
        "billableUnits": 2,
        "text": "{}",
    }


def test_events_are_a_stream() -> None:
    head = start(1, **{"content-type": "text/event-stream; charset=utf-8"})
    observed = session((">", {}), head, ("<", "data: 1\n\n"), ("<", "data: 2\n\n"), end(1))
    (entry,) = entries(ObservedTraffic().recorder.note_session(observed))
    assert entry["stream"] == [{"at": 2.0, "json": 1}, {"at": 3.0, "json": 2}, {"at": 4.0, "end": True}]
    assert decoded(entry).problems == []


def test_what_has_no_whole_answer_is_not_recorded() -> None:
    outcomes = ObservedTraffic().recorder.note_session(session((">", {"n": 1}), start(1), ("<", "{}"), (">", {"n": 2})))
    assert entries(outcomes) == []
    assert warnings(outcomes) == [
        "what the socket of test/echo left unanswered (runs: 2) is not recorded: no whole answer came"
    ]


def test_trouble_is_not_recorded() -> None:
    outcomes = ObservedTraffic().recorder.note_session(session((">", {}), start(1, 503), ("<", {}), end(1, 503)))
    assert entries(outcomes) == []
    assert "503" in warnings(outcomes)[0]


def test_what_looks_like_a_start_is_part_of_a_body() -> None:
    parts = ('{"type": 1}', '{"request_id": "x"}', '["type", "request_id"]', '"request_id')
    observed = session((">", {}), start(1), *(("<", part) for part in parts), end(1), ("<", "behind it"))
    (found,) = exchanges(observed)
    assert found.body == "".join(parts).encode()


def test_an_end_or_an_answer_out_of_the_blue_is_passed_over() -> None:
    assert (
        list(exchanges(session(end(1), start(1), end(1), (">", {}), ("<", {"type": "odd", "request_id": "x"})))) == []
    )


def test_what_headers_tell_is_hidden_in_bodies() -> None:
    head = start(1, **{"set-cookie": "session=s3cr3t-of-a-session; Path=/"})
    observed = session((">", {}), head, ("<", {"said": "s3cr3t-of-a-session and s3cr3t-of-a-key"}), end(1))
    assert "s3cr3t" not in str(entries(ObservedTraffic().recorder.note_session(observed)))
