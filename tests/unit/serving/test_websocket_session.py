"""What a WebSocket of the origin sends to wsproto's own client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import cast

import pytest
from wsproto import events
from wsproto.frame_protocol import CloseReason

from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import HEADER
from falmock.serving import connection
from falmock.serving import websocket_session
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Ping
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from unit.proxy.loopback import on_loopback
from unit.proxy.loopback import requesting
from unit.proxy.loopback import until
from unit.proxy.talking import NOTHING
from unit.proxy.talking import Caller
from unit.proxy.talking import Message
from unit.proxy.talking import Talk
from unit.proxy.talking import echo
from unit.proxy.talking import says

# the handshake


@on_loopback
async def test_a_handshake_with_headers_of_ours_and_the_first_words(origin: Origin) -> None:
    talk = says(Text("hello"), Binary(b"\0"))
    async with await Caller.connected(origin, talk, headers=((b"x-fal-request-id", b"an id"),)) as caller:
        assert caller.accepted is not None
        assert (b"x-fal-request-id", b"an id") in caller.accepted.extra_headers
        assert not any(name.lower() == HEADER.encode() for name, _ in caller.accepted.extra_headers)
        assert [await caller.message(), await caller.message()] == ["hello", b"\0"]


@pytest.mark.parametrize("deflate", [True, False])
@on_loopback
async def test_messages_both_ways_with_and_without_deflate(origin: Origin, *, deflate: bool) -> None:
    talk = Talk(echo)
    sent: list[Message] = ["", b"", "text é", bytes(range(256)), "long " * 50_000, bytes(300_000)]
    async with await Caller.connected(origin, talk, deflate=deflate) as caller:
        assert caller.accepted is not None
        assert bool(caller.accepted.extensions) is deflate
        for message in sent:
            kind = events.TextMessage if isinstance(message, str) else events.BytesMessage
            caller.say(kind(data=message))
            assert await caller.message() == message
    assert talk.messages == sent


UPGRADE = ["Upgrade: websocket", "Connection: Upgrade"]
VERSION, KEY = "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKES = {
    "no upgrade": ([], 400),
    "no key": ([*UPGRADE, VERSION], 400),
    "another version": ([*UPGRADE, KEY, "Sec-WebSocket-Version: 7"], 426),
    "two versions": ([*UPGRADE, KEY, VERSION, VERSION], 426),
    "two keys": ([*UPGRADE, KEY, KEY, VERSION], 400),
    "a bad list": ([*UPGRADE, KEY, VERSION, "Sec-WebSocket-Protocol: a,,b"], 400),
}


@pytest.mark.parametrize(("headers", "status"), HANDSHAKES.values(), ids=HANDSHAKES)
@on_loopback
async def test_a_bad_handshake_is_refused(origin: Origin, headers: Sequence[str], status: int) -> None:
    talk = says(Text("hello"))
    async with await requesting(origin, Socket(talk, "test"), method="GET", headers=headers) as peer:
        answer = await peer.rest()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Sec-WebSocket-Version: 13\r\n" in answer
    assert answer.endswith(b"\n")
    assert talk.messages == []


@pytest.mark.parametrize(
    "more", ["X-Any: \xe9", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99", "Origin: \x80"]
)
@on_loopback
async def test_what_a_handshake_does_not_need_may_be_anything(origin: Origin, more: str) -> None:
    talk = says(Text("hello"))
    headers = [*UPGRADE, KEY, VERSION, more]
    async with await requesting(origin, Socket(talk, "test"), method="GET", headers=headers) as peer:
        await until(lambda: bool(origin.tickets.connections))
        answer = await peer.reader.readuntil(b"hello")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Extensions" not in answer


@on_loopback
async def test_a_handshake_that_takes_its_time(origin: Origin) -> None:
    started = time.monotonic()
    async with await Caller.connected(origin, says(Text("hello")), delay=0.2) as caller:
        assert time.monotonic() - started >= 0.19
        assert await caller.message() == "hello"


@on_loopback
async def test_nobody_is_accepted_who_is_gone(origin: Origin) -> None:
    headers = [*UPGRADE, KEY, VERSION]
    async with await requesting(origin, Socket(Talk(), "test", delay=60), method="GET", headers=headers) as peer:
        await until(lambda: bool(origin.tickets.connections))
        connection: Any = next(iter(origin.tickets.connections))
        await until(lambda: connection._timer is not None)
        peer.vanish()
        await until(lambda: not origin.tickets.connections)
    assert connection._timer is None


# what the client says


@on_loopback
async def test_the_parts_of_a_message_are_one_with_pings_between_them(origin: Origin) -> None:
    talk = Talk(echo)
    async with await Caller.connected(origin, talk) as caller:
        caller.say(
            events.TextMessage(data="a", message_finished=False),
            events.Ping(payload=b"still there?"),
            events.TextMessage(data="b", message_finished=False),
            events.TextMessage(data="c"),
        )
        assert await caller.next() == events.Pong(payload=b"still there?")
        assert await caller.message() == "abc"
    assert talk.messages == ["abc"]


@on_loopback
async def test_a_message_that_is_too_long_ends_the_socket(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_session, "MAX_MESSAGE", 1000)
    talk = Talk(echo)
    async with await Caller.connected(origin, talk) as caller:
        caller.say(events.BytesMessage(data=bytes(1000)))
        assert await caller.message() == bytes(1000)
        for _ in range(11):
            caller.say(events.BytesMessage(data=bytes(100), message_finished=False))
        assert (await caller.closed())[0] == 1009
    assert talk.messages == [bytes(1000)]


BROKEN = {
    "a frame without a mask": (b"\x81\x02hi", 1002),
    "reserved bits": (b"\xf1\x80\0\0\0\0", 1002),
    "text that is not UTF-8": (b"\x81\x81\0\0\0\0\xff", 1007),
    "a continuation of nothing": (b"\x80\x80\0\0\0\0", 1002),
    "a long ping": (b"\x89\xfe\x00\xff\0\0\0\0" + bytes(255), 1002),
}


@pytest.mark.parametrize("what", BROKEN)
@on_loopback
async def test_what_is_no_frame_ends_the_socket(origin: Origin, what: str, caplog: pytest.LogCaptureFixture) -> None:
    data, code = BROKEN[what]
    async with await Caller.connected(origin, Talk(echo)) as caller:
        caller.say_raw(data)
        assert (await caller.closed())[0] == code
    assert caplog.records == []


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, None), (1001, "bye"), (4321, "é"), (CloseReason.NO_STATUS_RCVD, None)]
)
@on_loopback
async def test_the_client_closes(origin: Origin, code: int, reason: str | None) -> None:
    talk = Talk(echo, first=SocketStep(again=0.1))
    async with await Caller.connected(origin, talk) as caller:
        caller.say(events.CloseConnection(code=code, reason=reason))
        answer = await caller.next()
        assert isinstance(answer, events.CloseConnection)
        assert (answer.code, answer.reason or None) == (code, reason)
        assert await caller.next() is None
        await until(lambda: not origin.tickets.connections)
        turns = len(talk.dues)  # on a slow machine a turn was due before that
        await asyncio.sleep(0.12)
    assert len(talk.dues) == turns


@on_loopback
async def test_a_client_that_reads_nothing_is_hung_up_on(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "MAX_UNREAD", 1024 * 1024)
    image = Binary(bytes(16 * 1024 * 1024))
    async with await Caller.connected(origin, Talk(lambda *_: SocketStep((image,)))) as caller:
        caller.say(events.TextMessage(data="one"), events.TextMessage(data="two"))
        await until(lambda: not origin.tickets.connections)
    assert "does not read what it is sent" in caplog.text


@on_loopback
async def test_what_comes_behind_a_close_is_not_read(origin: Origin) -> None:
    talk = Talk(lambda *_: SocketStep((Close(1000),)))
    async with await Caller.connected(origin, talk) as caller:
        caller.say(events.TextMessage(data="one"), events.TextMessage(data="two"))
        assert await caller.closed() == (1000, None)
    assert talk.messages == ["one"]


@on_loopback
async def test_nobody_is_due_when_the_client_is_gone(origin: Origin) -> None:
    talk = Talk(echo, first=SocketStep((Text("hello"),), again=0.1))
    async with await Caller.connected(origin, talk) as caller:
        await caller.message()
        caller.vanish()
        await until(lambda: not origin.tickets.connections)
        turns = len(talk.dues)  # on a slow machine a turn was due before that
        await asyncio.sleep(0.12)
    assert len(talk.dues) == turns


# what we say


@on_loopback
async def test_the_conversation_is_asked_when_it_said(origin: Origin) -> None:
    talk = Talk(first=SocketStep((Text("first"),), again=0.1), later=SocketStep((Text("later"),)))
    started = asyncio.get_running_loop().time()
    async with await Caller.connected(origin, talk) as caller:
        assert [await caller.message(), await caller.message()] == ["first", "later"]
        assert asyncio.get_running_loop().time() - started >= 0.08
        assert len(talk.dues) == 1


@on_loopback
async def test_a_message_moves_the_time_to_ask(origin: Origin) -> None:
    talk = Talk(echo, first=SocketStep(again=0.03))
    async with await Caller.connected(origin, talk) as caller:
        caller.say(events.TextMessage(data="hello"))
        await caller.message()
        turns = len(talk.dues)  # on a slow machine a turn was due before the message came
        await asyncio.sleep(0.06)
    assert len(talk.dues) == turns


@on_loopback
async def test_a_ping_of_ours_is_answered_and_nobody_is_told(origin: Origin) -> None:
    talk = Talk(echo, first=SocketStep((Ping(b"there?"),)))
    async with await Caller.connected(origin, talk) as caller:
        ping = await caller.next()
        assert ping == events.Ping(payload=b"there?")
        caller.say(cast("events.Ping", ping).response(), events.TextMessage(data="hello"))
        assert await caller.message() == "hello"
    assert talk.messages == ["hello"]


@pytest.mark.parametrize(
    ("close", "seen"),
    [
        (Close(), (1000, None)),
        (Close(1011, "it broke"), (1011, "it broke")),
        (Close(4999, "é" * 100), (4999, "é" * 61)),
        (Close(1006), (1000, None)),
    ],
)
@on_loopback
async def test_a_close_of_ours_is_the_last_word(origin: Origin, close: Close, seen: tuple[int, str | None]) -> None:
    async with await Caller.connected(origin, says(Text("one"), close, Text("two"))) as caller:
        assert await caller.message() == "one"
        assert await caller.closed() == seen
        await until(lambda: not origin.tickets.connections)


@on_loopback
async def test_a_close_of_ours_waits_for_its_answer(origin: Origin) -> None:
    async with await Caller.connected(origin, says(Close(1000), Text("too late"), Close(1001))) as caller:
        close = await caller.next()
        assert isinstance(close, events.CloseConnection)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.next(), 0.05)
        caller.say(close.response())
        assert await caller.next() is None


@on_loopback
async def test_the_client_closes_while_we_are_about_to(origin: Origin) -> None:
    async with await Caller.connected(origin, says(Close(1011)), deflate=True) as caller:
        assert isinstance(await caller.next(), events.Ping)
        caller.say(events.CloseConnection(code=1001))
        answer = await caller.next()
        assert isinstance(answer, events.CloseConnection)
        assert answer.code == 1001
        assert await caller.next() is None


@on_loopback
async def test_a_close_that_is_not_answered_is_not_waited_for(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_session, "CLOSE_TIMEOUT", 0.05)
    async with await Caller.connected(origin, says(Close(1000))) as caller:
        assert isinstance(await caller.next(), events.CloseConnection)
        assert await caller.next() is None


@on_loopback
async def test_with_deflate_the_close_waits_until_the_client_has_read_all(origin: Origin) -> None:
    talk = says(Text("one"), Close(4001, "bye"))
    async with await Caller.connected(origin, talk, deflate=True) as caller:
        assert await caller.message() == "one"
        ping = await caller.next()
        assert isinstance(ping, events.Ping)
        caller.say(events.TextMessage(data="not heard"), events.Ping(payload=b"nor this"), ping.response())
        assert await caller.closed() == (4001, "bye")
        await until(lambda: not origin.tickets.connections)
    assert talk.messages == []


@on_loopback
async def test_with_deflate_a_client_that_does_not_say_so_is_closed_all_the_same(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_session, "CLOSE_TIMEOUT", 0.05)
    async with await Caller.connected(origin, says(Close()), deflate=True) as caller:
        assert isinstance(await caller.next(), events.Ping)
        caller.say(events.Pong(payload=b"another"))
        assert isinstance(await caller.next(), events.CloseConnection)
        assert await caller.next() is None


@on_loopback
async def test_a_message_from_disk(origin: Origin, tmp_path: Path) -> None:
    file = tmp_path / "image.png"
    file.write_bytes(bytes(range(10)))
    async with await Caller.connected(origin, says(Stored(str(file), 2, 5), Stored(str(file), 5, 10))) as caller:
        assert [await caller.message(), await caller.message()] == [b"\x02\x03\x04", b"\x05\x06\x07\x08\x09"]


@on_loopback
async def test_a_file_that_is_gone_closes_the_socket(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Caller.connected(origin, says(Stored(str(tmp_path / "none"), 0, 1), Text("never"))) as caller:
        assert (await caller.closed())[0] == 1011
    assert [record.message for record in caplog.records] == ["falmock: an asset of the fixtures cannot be read"]


@on_loopback
async def test_the_first_part_of_a_message_from_disk(origin: Origin, tmp_path: Path) -> None:
    file = tmp_path / "image.png"
    file.write_bytes(bytes(range(10)))
    async with await Caller.connected(origin, says(Stored(str(file), 2, 5, final=False), Close(1011))) as caller:
        event = await caller.next()
        assert isinstance(event, events.BytesMessage)
        assert (bytes(event.data), event.message_finished) == (b"\x02\x03\x04", False)
        assert (await caller.closed())[0] == 1011


@pytest.mark.parametrize(
    ("message", "half"),
    [
        (Text("abcd"), b"\x81\x04a"),
        (Text("a"), b"\x81\x01"),
        (Binary(bytes(200)), b"\x82\x7e\x00\xc8" + bytes(98)),
        (Stored("image.png", 2, 7), b"\x82\x05\x02\x03"),
    ],
)
@on_loopback
async def test_a_frame_that_is_cut(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: Text | Binary | Stored, half: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image.png").write_bytes(bytes(range(10)))
    talk = Talk(lambda *_: SocketStep((Ping(), Cut(message), Text("never"))))
    async with await Caller.connected(origin, talk) as caller:
        caller.say(events.TextMessage(data="a"), events.TextMessage(data="b"), events.CloseConnection(code=1000))
        assert await caller.rest() == b"\x89\x00" + half
    assert talk.messages == ["a"]


@on_loopback
async def test_a_frame_of_a_file_that_is_gone_is_told_of_and_not_cut(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Caller.connected(origin, says(Cut(Stored(str(tmp_path / "none"), 0, 1)))) as caller:
        assert (await caller.closed())[0] == 1011
    assert [record.message for record in caplog.records] == ["falmock: an asset of the fixtures cannot be read"]


@on_loopback
async def test_a_client_that_stays_when_it_is_left_is_hung_up_on(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_session, "CLOSE_TIMEOUT", 0.05)
    async with await Caller.connected(origin, says(Cut(Text("abcd")))):
        await until(lambda: not origin.tickets.connections)


@on_loopback
async def test_what_has_to_come_as_it_is_is_not_deflated(origin: Origin) -> None:
    for exact in (False, True):
        talk = says(Text("half", final=False), Close(1011))
        async with await Caller.connected(origin, talk, deflate=True, exact=exact) as caller:
            assert caller.accepted is not None
            assert bool(caller.accepted.extensions) is not exact


@pytest.mark.parametrize("part", [Text("half", final=False), Binary(b"half", final=False)])
@on_loopback
async def test_a_message_that_breaks_off(origin: Origin, part: Text | Binary) -> None:
    async with await Caller.connected(origin, says(part, Reset(), Text("never"))) as caller:
        event = await caller.next()
        assert isinstance(event, events.TextMessage | events.BytesMessage)
        assert not event.message_finished
        assert event.data in ("half", b"half")
        assert await caller.next() is None


@pytest.mark.parametrize("when", ["opened", "received", "due"])
@on_loopback
async def test_a_conversation_that_fails_closes_and_is_logged(
    origin: Origin, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> SocketStep:
        raise ValueError("it failed")

    talk = Talk(first=SocketStep(again=0.01) if when == "due" else NOTHING)
    setattr(talk, when, fails)
    async with await Caller.connected(origin, talk) as caller:
        if when == "received":
            caller.say(events.TextMessage(data="hello"))
        assert (await caller.closed())[0] == 1011
    assert [record.message for record in caplog.records] == ["falmock: a WebSocket failed"]
