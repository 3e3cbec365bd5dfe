from __future__ import annotations

import asyncio

import pytest

from falmock.serving import tcp_reset


def test_the_peer_sees_a_reset() -> None:
    async def talk() -> None:
        accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        here = await accepted.get()
        tcp_reset.reset(here.transport)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.transport.abort()
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(talk(), 30))
