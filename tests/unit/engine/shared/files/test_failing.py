"""Uploads while the store fails, and while their clients go away: what was answered holds, and no file stays behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from falmock.store.interface import Unavailable
from falmock.store.interface import Unknown
from unit.engine.shared.files.uploading import Replicas

TEXT = {"content-type": "text/plain"}
LARGE = b"x" * 2**21


def failing(replicas: Replicas, number: int, call: str, error: Exception, *, after: bool = False) -> None:
    """Let a call of the store fail at one replica, before or after it is done."""
    store = replicas.stores[number]

    async def fail(*given: Any) -> Any:
        if after:
            await getattr(replicas.store, call)(*given)
        raise error

    store.__dict__[call] = fail


@pytest.mark.parametrize("call", ["load", "put_blob", "commit"])
def test_nothing_is_told_that_is_not_kept(tmp_path: Path, call: str) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = await replicas.initiate(0)
        failing(replicas, 0, call, Unavailable("it is away"))
        refused = await replicas.send(0, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True)
        assert refused.status == 503
        assert b"it is away" in refused.body  # type: ignore[operator]
        assert replicas.edges[0].files == []
        assert (await replicas.send(1, "GET", urls["file_url"])).status == 404
        assert (await replicas.send(1, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True)).status == 200
        del replicas.stores[0].__dict__[call]
        assert (await replicas.send(0, "GET", urls["file_url"])).body == LARGE

    asyncio.run(work())


def test_an_upload_of_which_nobody_knows_may_be_sent_again(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = await replicas.initiate(0)
        failing(replicas, 0, "commit", Unknown("no answer"), after=True)
        assert (await replicas.send(0, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True)).status == 503
        assert replicas.edges[0].files == []
        assert (await replicas.send(1, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True)).status == 200
        assert (await replicas.send(1, "GET", urls["file_url"])).body == LARGE

    asyncio.run(work())


def test_a_client_that_goes_away_takes_its_file_with_it(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = await replicas.initiate(0)
        writing, wait = asyncio.Event(), asyncio.Event()

        async def slow(*given: Any) -> None:
            await replicas.store.put_blob(*given)
            writing.set()
            await wait.wait()

        replicas.stores[0].__dict__["put_blob"] = slow
        sending = asyncio.ensure_future(replicas.send(0, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True))
        await writing.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        replicas.remove_files(0)  # as the edge does
        del replicas.stores[0].__dict__["put_blob"]
        assert (await replicas.send(0, "GET", urls["file_url"])).status == 404
        await replicas.send(1, "PUT", urls["upload_url"], LARGE, TEXT, spooled=True)
        assert (await replicas.send(0, "GET", urls["file_url"])).body == LARGE

    asyncio.run(work())
