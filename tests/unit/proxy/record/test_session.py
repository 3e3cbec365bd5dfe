"""The end of a recording while files are being fetched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http

from falmock.proxy import own_requests
from falmock.proxy.record.session import AT_ONCE
from falmock.proxy.record.session import RecordingSession
from falmock.recording.disk.writer import Writer
from falmock.redaction.redactor import Redactor

WANTED = [f"https://v3b.fal.media/files/{number}.png" for number in range(AT_ONCE + 2)]


class Recorder:
    """A recorder that has nothing to tell; `ends` counts how often it is asked at an end."""

    def __init__(self) -> None:
        self.redactor = Redactor()
        self.ends = 0

    def finish(self) -> list[Any]:
        self.ends += 1
        return []


@pytest.mark.parametrize("way", ["finish", "fetch_wanted"])
def test_a_recording_that_ends_fetches_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    begun: list[str] = []

    async def sent(flow: http.HTTPFlow, *_: object) -> None:
        begun.append(flow.request.url)
        await (asyncio.sleep(3600) if len(begun) > 1 else asyncio.sleep(0))

    monkeypatch.setattr(own_requests, "_sent", sent)
    monkeypatch.setattr(Writer, "wanted", lambda _: WANTED)
    recorder: Any = Recorder()

    async def use() -> None:
        session = RecordingSession(
            recorder,
            Writer(str(tmp_path)),
            assets=True,
            at_once=False,
            learned=lambda _: None,
            wrote=lambda: None,
        )
        fetching = asyncio.ensure_future(getattr(session, way)())
        async with asyncio.timeout(20):
            while len(begun) < AT_ONCE + 1:  # noqa: ASYNC110 - the first ends without an answer
                await asyncio.sleep(0.01)
            session.close()
            await fetching

    asyncio.run(use())
    assert begun == WANTED[: AT_ONCE + 1]
    first, last = caplog.messages
    assert first == f"falmock: the file {WANTED[0]} could not be fetched (no answer): its URL stays in the fixture"
    assert last == "falmock: the recording ended before all files were fetched: 10 of 10 URLs stay in the fixtures"
    assert recorder.ends == (2 if way == "finish" else 1), "it ends once"
