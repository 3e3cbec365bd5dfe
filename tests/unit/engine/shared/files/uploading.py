"""Replicas of falmock that share one store, and clients that upload to any of them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from falmock.app import App
from falmock.edge import Client
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.shared.files.registry import SharedAssets
from falmock.serving.upload_spool import join
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.storage import digest
from unit.apps import TestEdge
from unit.apps import app_of
from unit.stores import Counting

REST = "https://rest.fal.ai/storage"
_ids = itertools.count(1)


class SpoolingEdge(TestEdge):
    """An edge with a folder for large content, whose files it removes."""

    def __init__(self, folder: Path, clock: Any) -> None:
        super().__init__(folder)
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True)

    def now(self) -> float:
        now: float = self._clock()
        return now

    async def join(self, parts: tuple[Content, ...]) -> Content:
        await asyncio.sleep(0)
        return join(parts, self.new_file())

    def new_file(self) -> Path:
        assert self.folder is not None
        return self.folder / f"spooled-{next(_ids)}"

    def remove(self, files: list[str]) -> None:
        super().remove(files)
        for file in files:
            Path(file).unlink()

    @property
    def files(self) -> list[str]:
        assert self.folder is not None
        return sorted(str(path) for path in self.folder.iterdir())


class CountingStore(Counting):
    """The store of one replica, which notes the round trips of calls; not those of what goes on in the background."""

    def __init__(self, store: Any) -> None:
        super().__init__(store, "load", "commit", "ranged", "blob", "put_blob")

    async def before(self, name: str) -> None:
        await super().before(name)
        await asyncio.sleep(0)  # calls at once take turns


class Replicas:
    """Replicas with these fixtures, and the store that they share; each can be killed and started again."""

    def __init__(
        self, tmp_path: Path, *fixtures: Any, count: int = 2, shared: Path | None = None, limit: int = 0, **config: Any
    ) -> None:
        self.now = 1_000_000.0
        self.store = MemoryStore(lambda: self.now)
        self.stores: dict[int, CountingStore] = {}
        self.edges: dict[int, SpoolingEdge] = {}
        self._killed: list[App] = []
        self._made = (tmp_path, fixtures, shared, limit, config)
        self.apps: list[App] = [self._start(number, shared) for number in range(count)]

    def start(self, number: int, shared: Path | None) -> None:
        """Start one more replica, with a shared folder of its own."""
        self.apps[number:] = [self._start(number, shared)]

    def _start(self, number: int, shared: Path | None) -> App:
        tmp_path, fixtures, _, limit, config = self._made
        edge = self.edges[number] = SpoolingEdge(tmp_path / f"spool-{next(_ids)}", lambda: self.now)
        app = app_of(*fixtures, edge=edge, new_id=lambda now: uuid7(now, next(_ids)), **config)
        store = self.stores[number] = CountingStore(self.store)
        self._share(app, store, shared)
        if limit:
            self.assets(app).limit = limit
        return app

    def _share(self, app: App, store: Any, folder: Path | None) -> None:
        app.share(store, b"secret", files=folder)

    def assets(self, app: App) -> SharedAssets:
        assets = app.engines.common.scope.assets
        assert isinstance(assets, SharedAssets)
        return assets

    def kill(self, number: int) -> None:
        """A replica dies with all that it kept by itself; another one comes in its place."""
        self.remove_files(number)
        self.apps[number].stop()
        self._killed.append(self.apps[number])
        self.apps[number] = self._start(number, self._made[2])

    async def leave(self) -> None:
        """Nothing goes on in the background any more, also not for those that were killed."""
        for app in (*self._killed, *self.apps):
            await app.leave()

    def remove_files(self, number: int) -> None:
        """All that a replica has on disk is gone."""
        for file in self.edges[number].files:
            Path(file).unlink()

    async def send(
        self,
        number: int,
        method: str,
        url: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        *,
        spooled: bool = False,
        direct: bool = False,
    ) -> Reply:
        """The reply of a replica to a call."""
        self.stores[number].trips.clear()
        parts = urlsplit(url)
        named = {"content-type": "application/json"} if not isinstance(body, bytes) else {}
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, parts.hostname or "", parts.path, parts.query, {**named, **(headers or {})}, body)
        if direct:
            request = request._replace(peer="127.0.0.1")
        if spooled:
            file = self.edges[number].new_file()
            file.write_bytes(body)
            request = request._replace(body=b"", content=Content(digest(body), len(body), file=str(file)))
        reply = await self.apps[number].answer(request, Client(is_direct=direct))
        assert isinstance(reply, Reply), reply
        if isinstance(reply.body, FileBody):
            reply = reply._replace(body=self.edges[number].read(reply.body))
        return reply

    async def json(self, number: int, method: str, url: str, body: Any = b"", **more: Any) -> Any:
        """The JSON of a good reply."""
        reply = await self.send(number, method, url, body, **more)
        assert reply.status < 300, reply
        return json.loads(reply.body)  # type: ignore[arg-type]

    async def initiate(self, number: int, name: str = "a b.txt", *, multipart: bool = False) -> Any:
        route = "initiate-multipart" if multipart else "initiate"
        body = {"content_type": "text/plain", "file_name": name}
        return await self.json(number, "POST", f"{REST}/upload/{route}?storage_type=fal-cdn-v3", body)

    async def multipart(self, numbers: Sequence[int], contents: Sequence[bytes], *, spooled: bool = False) -> Any:
        """The URLs of a multipart upload whose parts went to these replicas, and the parts to complete it with."""
        urls = await self.initiate(numbers[0], multipart=True)
        base, _, query = urls["upload_url"].partition("?")
        parts = []
        for place, (content, number) in enumerate(zip(contents, itertools.cycle(numbers), strict=False), 1):
            parts.append(await self.json(number, "PUT", f"{base}/{place}?{query}", content, spooled=spooled))
        return urls["file_url"], f"{base}/complete?{query}", {"parts": parts}


class Alone(Replicas):
    """One falmock, with its state in memory."""

    def __init__(self, tmp_path: Path, *fixtures: Any, **config: Any) -> None:
        super().__init__(tmp_path, *fixtures, count=1, **config)

    def _share(self, app: App, store: Any, folder: Path | None) -> None:
        """Nothing is shared."""


def header(reply: Reply, name: str) -> str:
    """A header of a reply; "" if there is none."""
    return next((value.decode() for key, value in reply.headers if key.decode().lower() == name), "")
