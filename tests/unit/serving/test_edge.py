"""The app's edge."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.serving.edge import ServingEdge
from falmock.serving.upload_spool import SpoolFolder
from falmock.serving.waiting_streams import WaitingStreams
from falmock.wire.message import Content
from falmock.wire.message import Request


def test_the_edge_of_an_app() -> None:
    async def forward(request: Request, forward: Forward) -> Reply:
        return Reply(200, (), request.host.encode(), forward.why)

    class Woken:
        count = 0

        def wake(self) -> None:
            self.count += 1

    async def run() -> None:
        uploads = SpoolFolder()
        edge = ServingEdge(forward, uploads)
        assert abs(edge.now() - time.time()) < 60
        answer = await edge.forward(Request("GET", "fal.run", "/", "", {}, b""), Forward("why"))
        assert (answer.body, answer.why) == (b"fal.run", "why")
        woken, streams = Woken(), (WaitingStreams(), WaitingStreams())
        edge.streams += streams
        for each in streams:
            each.listen("id", woken)
        edge.wake("id")
        assert woken.count == 2
        whole = await edge.join((Content("", 2, data=b"ab"), Content("", 1, data=b"c")))
        assert whole.file is not None
        assert edge.read(FileBody(whole.file, 1, 3)) == b"bc"
        edge.remove([whole.file])
        await asyncio.gather(*uploads._removals)
        uploads.stop()
        files.append(whole.file)

    files: list[str] = []
    asyncio.run(run())
    assert [Path(file).exists() for file in files] == [False]
