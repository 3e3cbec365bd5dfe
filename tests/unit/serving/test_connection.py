"""What one connection to the origin receives, chunk by chunk."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import Delivery
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.proxy.origin.server import Origin
from falmock.serving.call_handler import CallHandler
from falmock.serving.call_handler import CallServer
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.http_session import HttpSession
from falmock.serving.session import Ending
from falmock.serving.upload_spool import SpoolFolder
from unit.apps import app_of
from unit.proxy.loopback import Peer
from unit.proxy.loopback import Script
from unit.proxy.loopback import on_loopback
from unit.proxy.loopback import reply
from unit.proxy.loopback import request
from unit.proxy.loopback import requesting
from unit.proxy.loopback import until

EVENTS = ((b"Content-Type", b"text/event-stream"),)


def stream(*steps: StreamStep, **more: Any) -> Stream:
    return Stream(200, EVENTS, Script(*steps), "test", **more)


# streams


@on_loopback
async def test_each_piece_is_a_chunk_of_its_own(origin: Origin) -> None:
    play = stream(StreamStep((b"one", b"two"), again=0), StreamStep((b"three",), again=0), StreamStep(end=End.WHOLE))
    async with await requesting(origin, play) as peer:
        status, headers = await peer.head()
        assert status == "HTTP/1.1 200 OK"
        assert headers == {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        assert [await peer.chunk() for _ in range(4)] == [b"one", b"two", b"three", b""]


@on_loopback
async def test_a_client_of_http_1_0_gets_no_chunks(origin: Origin) -> None:
    ticket = await origin.admit(stream(StreamStep((b"one", b"two"), again=0), StreamStep(end=End.WHOLE)))
    async with await Peer.connected(origin) as peer:
        peer.writer.write(request(ticket).replace(b"HTTP/1.1", b"HTTP/1.0"))
        _, headers = await peer.head()
        assert "transfer-encoding" not in headers
        assert await peer.rest() == b"onetwo"


@on_loopback
async def test_a_client_that_asks_for_it_is_closed_on(origin: Origin) -> None:
    async with await requesting(origin, reply(b"hello"), headers=["Connection: close"]) as peer:
        await peer.head()
        assert await peer.rest() == b"hello"


@on_loopback
async def test_an_empty_piece_is_no_end(origin: Origin) -> None:
    async with await requesting(
        origin, stream(StreamStep((b"", b"one", b""), again=0), StreamStep((b"two",), end=End.WHOLE))
    ) as peer:
        await peer.head()
        assert [await peer.chunk() for _ in range(3)] == [b"one", b"two", b""]


@on_loopback
async def test_a_piece_goes_out_when_it_is_due_and_not_with_the_next(origin: Origin) -> None:
    play = stream(StreamStep((b"one",)), StreamStep((b"two",), end=End.WHOLE), key="a job")
    async with await requesting(origin, play) as peer:
        await peer.head()
        assert await peer.chunk() == b"one"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.reader.read(1), 0.05)
        origin.tickets.wake("another job")
        origin.tickets.wake("a job")
        assert [await peer.chunk(), await peer.chunk()] == [b"two", b""]
    origin.tickets.wake("a job")


@on_loopback
async def test_a_source_is_asked_when_it_said_and_not_before(origin: Origin) -> None:
    now = time.time()
    source = Script(
        StreamStep((b"one",), again=now + 0.2), StreamStep((b"two",), again=now + 0.3), StreamStep(end=End.WHOLE)
    )
    async with await requesting(origin, Stream(200, EVENTS, source, "test")) as peer:
        await peer.head()
        assert [await peer.chunk() for _ in range(3)] == [b"one", b"two", b""]
    # A timer may fire early by the resolution of the loop's clock.
    assert [asked >= now + wanted - 0.02 for asked, wanted in zip(source.asked, (0, 0.2, 0.3), strict=True)] == [
        True
    ] * 3


@on_loopback
async def test_a_stream_may_begin_late(origin: Origin) -> None:
    source = Script(StreamStep((b"one",), end=End.WHOLE))
    started = time.time()
    async with await requesting(origin, Stream(200, EVENTS, source, "test", delay=0.1, key="a job")) as peer:
        await until(lambda: bool(origin.tickets._listeners))
        origin.tickets.wake("a job")
        assert source.asked == []
        await peer.head()
        assert source.asked[0] >= started + 0.08
        assert await peer.chunk() == b"one"


@on_loopback
async def test_a_stream_that_is_cut_has_no_end(origin: Origin) -> None:
    async with await requesting(origin, stream(StreamStep((b"one",), end=End.CUT))) as peer:
        await peer.head()
        assert await peer.rest() == b"3\r\none\r\n"


@on_loopback
async def test_a_stream_that_is_reset(origin: Origin) -> None:
    async with await requesting(origin, stream(StreamStep((b"one",)), StreamStep(end=End.RESET), key="a job")) as peer:
        await peer.head()
        assert await peer.chunk() == b"one"
        origin.tickets.wake("a job")
        assert await peer.is_reset()


@on_loopback
async def test_a_source_that_fails_breaks_the_stream_off_and_is_logged(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    async with await requesting(origin, stream(StreamStep((b"one",), again=0))) as peer:
        await peer.head()
        assert await peer.rest() == b"3\r\none\r\n"
    assert [record.message for record in caplog.records] == ["falmock: a stream broke off"]


@pytest.mark.parametrize("leaves", ["vanish", "close"])
@on_loopback
async def test_nobody_steps_a_stream_whose_client_is_gone(origin: Origin, leaves: str) -> None:
    class Endless:
        asked = 0

        def step(self, now: float) -> StreamStep:
            self.asked += 1
            return StreamStep((b"x",), again=now + 0.001)

    source = Endless()
    async with await requesting(origin, Stream(200, EVENTS, source, "test", key="a job")) as peer:
        await peer.head()
        await until(lambda: source.asked > 3)
        peer.vanish() if leaves == "vanish" else peer.writer.close()
        await until(lambda: not origin.tickets.connections)
    asked = source.asked
    origin.tickets.wake("a job")
    await asyncio.sleep(0.02)
    assert source.asked == asked


@on_loopback
async def test_a_client_that_does_not_read_is_not_stepped(origin: Origin) -> None:
    class Flood:
        asked = 0

        def step(self, now: float) -> StreamStep:
            self.asked += 1
            if self.asked < 200:
                return StreamStep((bytes(64 * 1024),), again=now)
            return StreamStep(end=End.WHOLE)

    source = Flood()
    async with await requesting(origin, Stream(200, EVENTS, source, "test", key="a job")) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: source.asked > 0)
        stalled = 0
        while stalled != source.asked:
            stalled = source.asked
            await asyncio.sleep(0.05)
        assert stalled < 199
        origin.tickets.wake("a job")
        assert source.asked == stalled
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await peer.head()
        total = 0
        while chunk := await peer.chunk():
            total += len(chunk)
        assert (total, source.asked) == (199 * 64 * 1024, 200)


# replies


@on_loopback
async def test_a_reply_has_its_length_and_the_connection_goes_on(origin: Origin) -> None:
    async with await requesting(origin, reply(b"first")) as peer:
        status, headers = await peer.head()
        assert (status, headers) == ("HTTP/1.1 200 OK", {"content-type": "text/plain", "content-length": "5"})
        assert await peer.reader.readexactly(5) == b"first"
        peer.ask(await origin.admit(stream(StreamStep((b"second",), end=End.WHOLE))))
        await peer.head()
        assert [await peer.chunk(), await peer.chunk()] == [b"second", b""]
        peer.ask(await origin.admit(reply(b"third")), body=b"a body that nobody reads")
        await peer.head()
        assert await peer.reader.readexactly(5) == b"third"
        assert len(origin.tickets.connections) == 1


@on_loopback
async def test_requests_that_come_at_once_are_answered_in_turn(origin: Origin) -> None:
    async with await requesting(origin, reply(b"one", Delivery(piece=1, pause=0.01))) as peer:
        peer.ask(await origin.admit(reply(b"two")))
        peer.ask(await origin.admit(reply(b"six")))
        for expected in (b"one", b"two", b"six"):
            await peer.head()
            assert await peer.reader.readexactly(3) == expected


@pytest.mark.parametrize(
    "garbage", [b"\0\0\0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: fal.run\r\n\r\n"], ids=["noise", "stranger"]
)
@on_loopback
async def test_what_follows_a_request_and_is_none_ends_the_connection_after_its_answer(
    origin: Origin, garbage: bytes
) -> None:
    async with await requesting(origin, reply(b"hello", Delivery(first_byte=0.02))) as peer:
        peer.writer.write(garbage)
        await peer.head()
        assert await peer.rest() == b"hello"


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
@on_loopback
async def test_connect_begins_no_tunnel(origin: Origin, version: bytes, caplog: pytest.LogCaptureFixture) -> None:
    ticket = await origin.admit(reply(b"hello"))
    async with await Peer.connected(origin) as peer:
        peer.writer.write(request(ticket, "CONNECT").replace(b"HTTP/1.1", version))
        assert await peer.rest() == b""
    assert not caplog.records


@pytest.mark.parametrize(("status", "phrase"), [(204, "No Content"), (304, "Not Modified")])
@on_loopback
async def test_a_reply_that_has_no_body_has_no_length(origin: Origin, status: int, phrase: str) -> None:
    async with await requesting(origin, Reply(status, (), b"", "test")) as peer:
        assert await peer.head() == (f"HTTP/1.1 {status} {phrase}", {})
        peer.ask(await origin.admit(reply(b"next")))
        await peer.head()
        assert await peer.reader.readexactly(4) == b"next"


@on_loopback
async def test_a_head_is_told_the_length_of_what_a_get_would_bring(origin: Origin) -> None:
    async with await requesting(origin, reply(b"", length=2**31), method="HEAD") as peer:
        _, headers = await peer.head()
        assert headers["content-length"] == str(2**31)
        peer.ask(await origin.admit(reply(b"next")))
        await peer.head()
        assert await peer.reader.readexactly(4) == b"next"


@on_loopback
async def test_what_has_no_body_is_sent_none(origin: Origin) -> None:
    drip = Delivery(piece=2)
    bodiless = Stream(204, (), Script(StreamStep((b"one",), end=End.WHOLE)), "test")
    for play, method in ((reply(b"hello", drip), "HEAD"), (bodiless, "POST"), (reply(b"hello", drip), "HEAD")):
        async with await requesting(origin, play, method=method) as peer:
            await peer.head()
            peer.ask(await origin.admit(reply(b"next")))
            assert (await peer.head())[0] == "HTTP/1.1 200 OK"
            assert await peer.reader.readexactly(4) == b"next"


@pytest.mark.parametrize("delay", [0.0, 0.01])
@on_loopback
async def test_an_answer_that_http_cannot_carry_is_broken_off(
    origin: Origin, delay: float, caplog: pytest.LogCaptureFixture
) -> None:
    bad = Stream(200, ((b"X-Bad", b"two\nlines"),), Script(), "test", delay=delay)
    async with await requesting(origin, bad) as peer:
        assert await peer.rest() == b""
    assert "an answer cannot be sent over HTTP" in caplog.text


@on_loopback
async def test_a_reply_may_be_late(origin: Origin) -> None:
    started = time.monotonic()
    async with await requesting(origin, reply(b"late", delay=0.1)) as peer:
        await peer.head()
        assert time.monotonic() - started >= 0.08
        assert await peer.reader.readexactly(4) == b"late"


@on_loopback
async def test_the_client_of_a_late_reply_goes(origin: Origin) -> None:
    async with await requesting(origin, reply(b"late", delay=60)) as peer:
        await until(lambda: bool(origin.tickets.connections))
        peer.vanish()
        await until(lambda: not origin.tickets.connections)


@on_loopback
async def test_a_drip_comes_after_the_headers_and_in_pieces(origin: Origin) -> None:
    async with await requesting(origin, reply(b"abcdef", Delivery(first_byte=0.1, piece=2, pause=0.05))) as peer:
        _, headers = await peer.head()
        headed = time.monotonic()
        assert headers["content-length"] == "6"
        came = []
        while len(b"".join(came)) < 6:
            came.append(await peer.reader.read(100))
        assert time.monotonic() - headed >= 0.15
        assert b"".join(came) == b"abcdef"


@pytest.mark.parametrize(("cut", "came"), [(3, b"abc"), (0, b""), (6, b"abcdef")])
@on_loopback
async def test_a_cut_closes_before_the_end_that_was_told(origin: Origin, cut: int, came: bytes) -> None:
    async with await requesting(origin, reply(b"abcdef", Delivery(cut=cut))) as peer:
        _, headers = await peer.head()
        assert headers["content-length"] == "6"
        assert await peer.rest() == came


@pytest.mark.parametrize("length", [3, 9, 0])
@on_loopback
async def test_a_length_that_is_not_the_bodys(origin: Origin, length: int) -> None:
    async with await requesting(origin, reply(b"abcdef", Delivery(length=length))) as peer:
        _, headers = await peer.head()
        assert headers["content-length"] == str(length)
        assert await peer.rest() == b"abcdef"


@pytest.mark.parametrize("length", [3, 6, 9])
@on_loopback
async def test_a_stream_that_tells_a_length(origin: Origin, length: int) -> None:
    play = stream(StreamStep((b"abc", b""), again=0), StreamStep((b"def",), end=End.WHOLE), length=length)
    async with await requesting(origin, play) as peer:
        _, headers = await peer.head()
        assert headers["content-length"] == str(length)
        assert "transfer-encoding" not in headers
        assert await peer.rest() == b"abcdef"


@on_loopback
async def test_a_reset_behind_the_headers(origin: Origin) -> None:
    async with await requesting(origin, reply(b"abcdef", Delivery(reset=ResetPoint.AFTER_HEADERS))) as peer:
        assert await peer.is_reset()


# whatever is played, and however it is asked for


_PIECES = st.lists(st.binary(max_size=40), max_size=6)
_STEPS = st.lists(_PIECES, max_size=6)


@given(_STEPS, st.sampled_from([End.WHOLE, End.CUT]), st.lists(st.integers(1, 200), max_size=6))
@settings(max_examples=60)
def test_a_stream_arrives_in_its_pieces_however_its_request_is_cut(
    steps: list[list[bytes]], end: End, cuts: list[int]
) -> None:
    @on_loopback
    async def conversation(origin: Origin) -> None:
        play = stream(*(StreamStep(tuple(pieces), again=0) for pieces in steps), StreamStep(end=end))
        ticket = await origin.admit(play)
        async with await Peer.connected(origin) as peer:
            await peer.dribble(request(ticket, headers=["Accept: text/event-stream"], body=b"{}"), cuts)
            await peer.head()
            expected = [piece for pieces in steps for piece in pieces if piece]
            assert [await peer.chunk() for _ in expected] == expected
            assert await (peer.chunk() if end is End.WHOLE else peer.rest()) == b""

    conversation()


def test_an_answer_that_fails_ends_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    aborted: list[bool] = []

    async def fails() -> Any:
        raise RuntimeError("oh")

    async def run() -> None:
        listener: Any = SimpleNamespace(clock=time.time)
        transport: Any = SimpleNamespace(abort=lambda: aborted.append(True))
        connection = Connection(listener)
        connection.transport = transport
        connection.play_later(SimpleNamespace(play=lambda *_: None), fails())
        await until(lambda: bool(aborted))

    asyncio.run(run())
    assert "RuntimeError: oh" in caplog.text


class Closed(asyncio.Transport):
    """The transport of a client that is gone."""

    def is_closing(self) -> bool:
        return True


def test_the_session_of_a_lost_connection_is_freed_at_once() -> None:
    asyncio.run(_lose_a_connection())


async def _lose_a_connection() -> None:
    sessions: list[weakref.ref[HttpSession]] = []

    def begin(connection: Connection) -> HttpSession:
        session = HttpSession(CallHandler(server, connection, Caller()))
        sessions.append(weakref.ref(session))
        return session

    server = CallServer(app_of(), SpoolFolder(), None, time.time)  # type: ignore[arg-type]  # no call needs the gate
    connection = Connection(server, begin)
    connection.connection_made(Closed())
    gc.disable()
    try:
        connection.connection_lost(None)
        assert sessions[0]() is None
    finally:
        gc.enable()
    connection.data_received(b"")  # nothing happens any more


def test_it_reads_no_more_than_its_session_uses() -> None:
    told: list[str] = []

    async def run() -> None:
        session: Any = SimpleNamespace(
            reads=False,
            wake_at=None,
            ending=Ending.OPEN,
            is_socket=False,
            successor=None,
            take=lambda: b"",
            receive=lambda *_: None,
        )
        listener: Any = SimpleNamespace(clock=time.time, connections=set())
        connection = Connection(listener, lambda _: session)
        transport: Any = SimpleNamespace(
            is_closing=lambda: False,
            pause_reading=lambda: told.append("pause"),
            resume_reading=lambda: told.append("resume"),
        )
        connection.connection_made(transport)
        for reads in (True, False, False, True, True):
            session.reads = reads
            connection.data_received(b"x")

    asyncio.run(run())
    assert told == ["pause", "resume"]


@pytest.mark.parametrize("pieces", range(1, 40))
def test_all_that_is_due_is_sent_however_many_steps_it_takes(pieces: int) -> None:
    sent: list[bytes] = []

    async def run() -> None:
        session: Any = SimpleNamespace(reads=True, ending=Ending.OPEN, is_socket=False, successor=None, wake_at=0.0)
        made: list[bytes] = []

        def wake(_: float) -> None:
            made.append(b"%d" % len(sent))
            session.wake_at = 0.0 if len(sent) + 1 < pieces else None

        def take() -> bytes:
            data = b"".join(made)
            made.clear()
            return data

        session.wake, session.take, session.receive = wake, take, lambda *_: None
        connection = Connection(SimpleNamespace(clock=time.time, connections=set()), lambda _: session)  # type: ignore[arg-type, return-value]
        transport: Any = SimpleNamespace(is_closing=lambda: False, write=sent.append)
        connection.connection_made(transport)
        connection.data_received(b"x")
        await until(lambda: len(sent) == pieces)

    asyncio.run(run())
    assert sent == [b"%d" % number for number in range(pieces)]
