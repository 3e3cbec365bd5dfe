"""Files from disk and uploads, on one connection to the origin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import Upload
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.proxy.loopback import on_loopback
from unit.proxy.loopback import reply
from unit.proxy.loopback import requesting
from unit.proxy.loopback import until

BIG = 8 * 1024 * 1024
"""More than the buffers of a connection hold."""


# files


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * (BIG // 256))
    return path


@on_loopback
async def test_a_file_is_sent_from_disk(origin: Origin, film: Path) -> None:
    whole = film.read_bytes()  # noqa: ASYNC240
    async with await requesting(origin, reply(FileBody(str(film), 1, BIG))) as peer:
        _, headers = await peer.head()
        assert headers["content-length"] == str(BIG - 1)
        assert await peer.reader.readexactly(BIG - 1) == whole[1:]


@on_loopback
async def test_a_file_is_read_no_faster_than_the_client_takes_it(origin: Origin, film: Path) -> None:
    big = 64 * 1024 * 1024
    with film.open("r+b") as opened:
        opened.truncate(big)
    async with await requesting(origin, reply(FileBody(str(film), 0, big))) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        connection = await connection_of(origin)
        await until(lambda: connection._is_paused)
        assert connection.transport.get_write_buffer_size() < 1024 * 1024
        assert connection._session._source._sent < big / 2
        peer.vanish()
        await until(lambda: not origin.tickets.connections)


async def connection_of(origin: Origin) -> Any:
    await until(lambda: bool(origin.tickets.connections))
    return next(iter(origin.tickets.connections))


@on_loopback
async def test_a_file_that_is_gone_is_told(origin: Origin, film: Path) -> None:
    film.unlink()  # noqa: ASYNC240
    async with await requesting(origin, reply(FileBody(str(film), 0, BIG))) as peer:
        status, headers = await peer.head()
        assert status == "HTTP/1.1 500 Internal Server Error"
        assert b"film.mp4" in await peer.reader.readexactly(int(headers["content-length"]))


@on_loopback
async def test_a_file_that_shrinks_on_its_way_breaks_off(origin: Origin, film: Path) -> None:
    async with await requesting(origin, reply(FileBody(str(film), 0, BIG))) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        connection = await connection_of(origin)
        await until(lambda: connection._is_paused)
        film.write_bytes(b"")  # noqa: ASYNC240
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await peer.head()
        assert len(await peer.rest()) < BIG


# uploads


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.data = b""
        self.drops = 0

    def write(self, data: bytes) -> None:
        self.data += data

    def drop(self) -> None:
        self.drops += 1

    def content(self) -> Content:
        return content_of(self.data)


def storing(done: Callable[[Content], Reply]) -> Callable[[Content], Any]:
    async def answer(content: Content) -> Reply:
        await asyncio.sleep(0)
        return done(content)

    return answer


@pytest.mark.parametrize("chunked", [True, False])
@on_loopback
async def test_an_upload_goes_to_its_sink_and_is_answered(origin: Origin, *, chunked: bool) -> None:
    sink = Kept()
    data = bytes(range(256)) * 4096
    play = Upload(sink, storing(lambda content: reply(f"{content.size}".encode())))
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(data)}"
    async with await requesting(origin, play, headers=[framing]) as peer:
        for start in range(0, len(data), 65536):
            part = data[start : start + 65536]
            peer.writer.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        peer.writer.write(b"0\r\n\r\n" if chunked else b"")
        assert (await peer.head())[0] == "HTTP/1.1 200 OK"
        assert await peer.reader.readexactly(7) == b"1048576"
    assert (sink.data == data, sink.drops) == (True, 0)


@on_loopback
async def test_an_upload_that_breaks_off_is_dropped_and_never_asked_about(origin: Origin) -> None:
    sink, asked = Kept(), []
    play = Upload(sink, storing(lambda content: asked.append(content) or reply(b"")))  # type: ignore[func-returns-value]
    async with await requesting(origin, play, headers=["Content-Length: 10"]) as peer:
        peer.writer.write(b"12345")
        await until(lambda: sink.data == b"12345")
        peer.vanish()
        await until(lambda: not origin.tickets.connections)
    assert (sink.drops, asked) == (1, [])


@on_loopback
async def test_an_upload_that_cannot_be_taken_is_told(origin: Origin, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Content) -> Reply:
        raise OSError("no space left")

    async with await requesting(origin, Upload(Kept(), storing(fails)), body=b"data") as peer:
        assert (await peer.head())[0] == "HTTP/1.1 500 Internal Server Error"
    assert "no space left" in caplog.text


@on_loopback
async def test_the_client_of_an_upload_goes_while_it_is_stored(origin: Origin) -> None:
    stored, never, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(_: Content) -> Reply:
        stored.set()
        try:
            await never.wait()
        finally:
            ended.set()
        return reply(b"")

    async with await requesting(origin, Upload(Kept(), answer), body=b"data") as peer:
        await stored.wait()
        peer.vanish()
        await ended.wait()
