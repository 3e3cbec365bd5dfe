"""What a call got over time."""

from __future__ import annotations

from typing import Any

from falmock.engine.effects import Socket
from falmock.fixtures.model import TimedFrame
from falmock.gateway.control.pieces import _text_of
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

EVENTS = {"match": {"model": "t/e"}, "stream": [{"at": 0, "json": {"n": 1}}, {"at": 1, "json": {"n": 2}}]}
FRAMES = {"match": {"model": "t/e"}, "realtime": [{"at": 0, "json": {"n": 1}}]}


def pieces(steered: Steered, number: int) -> Any:
    return steered.ask("GET", f"/journal/{number}")["pieces"]


def test_a_stream() -> None:
    steered = Steered({**answering({}), **EVENTS})
    steered.call("POST", "https://fal.run/t/e/stream", {})
    told = pieces(steered, 1)
    assert [(each["kind"], each["direction"], each["at"]) for each in told] == [("event", "sent", steered.now)] * 2
    assert '{"n":1}' in told[0]["text"].replace(" ", "")


def test_a_run_that_got_the_whole_answer() -> None:
    steered = Steered({**answering({}), **EVENTS})
    steered.run("t/e")
    steered.run("t/none")
    assert (pieces(steered, 1), pieces(steered, 2)) == ([], [])


def test_a_message() -> None:
    steered = Steered(FRAMES)
    socket = steered.call("GET", "https://fal.run/t/e/realtime", upgrade="websocket")
    assert isinstance(socket, Socket)
    socket.conversation.opened(steered.now)
    socket.conversation.received('{"prompt": "a cat"}', steered.now)
    journal = steered.ask("GET", "/journal")["entries"]
    (number,) = [each["number"] for each in journal if each["call"] == "message"]
    told = pieces(steered, number)
    assert [each["direction"] for each in told] == ["received", "sent"]
    assert "a cat" in told[0]["text"]
    assert pieces(steered, 1) == []


def test_frames_that_are_no_text() -> None:
    assert _text_of(TimedFrame(0.0, Binary(b"123"))) == "(3 bytes)"
    assert _text_of(TimedFrame(0.0, Close())) == "(close)"


def test_a_message_that_no_fixture_answers() -> None:
    steered = Steered(FRAMES)
    socket = steered.call("GET", "https://fal.run/t/other/realtime", upgrade="websocket")
    assert isinstance(socket, Socket)
    socket.conversation.opened(steered.now)
    socket.conversation.received('{"prompt": "a cat"}', steered.now)
    total = steered.engines.common.scope.journal.total
    assert [each["direction"] for each in pieces(steered, total)] == ["received"]
