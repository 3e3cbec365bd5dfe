"""Plays the edge that keeps bodies on disk: files are entries of a dict, and are deleted as soon as the engine drops them."""

from __future__ import annotations

from typing import Any

from falmock.engine.effects import FileBody
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.storage import digest
from unit.engine.calls import Client


class Disk:
    """Sends requests with bodies in files, joins parts, and reads replies from files."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.files: dict[str, bytes] = {}
        self._count = 0

    def content(self, data: bytes) -> Content:
        self._count += 1
        name = f"/tmp/file-{self._count}"
        self.files[name] = data
        return Content(digest(data), len(data), file=name)

    def send(self, method: str, url: str, data: bytes, headers: dict[str, str] | None = None) -> Reply:
        """A request with its body in a file, or any other request with an empty one."""
        host, _, rest = url.removeprefix("https://").partition("/")
        path, _, query = rest.partition("?")
        content = self.content(data) if method == "PUT" or path == "files/upload" else None
        body = b"" if content else data
        request = Request(method, host, f"/{path}", query, headers or {}, body, content)
        effect = self.client.engine.handle(request, self.client.now)
        if isinstance(effect, Join):
            assert content is None
            effect = self.client.engine.joined(request, effect, self.join(effect), self.client.now)
        self.remove_dropped()
        assert isinstance(effect, Reply)
        return effect

    def join(self, join: Join) -> Content:
        whole = b"".join(part.data if part.data is not None else self.files[part.file or ""] for part in join.parts)
        return self.content(whole)

    def remove_dropped(self) -> None:
        for name in self.client.engine.scope.assets.take_dropped():
            del self.files[name]  # fails if one is listed twice

    def read(self, reply: Reply) -> bytes:
        if isinstance(reply.body, bytes):
            return reply.body
        assert isinstance(reply.body, FileBody)
        return self.files[reply.body.file][reply.body.start : reply.body.stop]

    def get(self, url: str, **headers: Any) -> bytes:
        reply = self.client.send("GET", url, headers=headers)
        assert reply.status in (200, 206)
        return self.read(reply)
