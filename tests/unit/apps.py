"""An app without mitmproxy: this module provides its edge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falmock.app import App
from falmock.engine.config import Config
from falmock.engine.context import NewId
from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.fixtures.matching.index import Index
from falmock.serving import bodies
from falmock.serving.upload_spool import join
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Content
from falmock.wire.message import Request
from unit.engine.calls import index_of


class TestEdge:
    """An edge with a fixed clock, and a fal that gives one answer."""

    __test__ = False

    def __init__(self, folder: Path | None = None) -> None:
        self.time = 1_000_000.0
        self.folder = folder
        self.forwarded: list[Request] = []
        self.woken: list[str] = []
        self.removed: list[str] = []

    def now(self) -> float:
        return self.time

    async def forward(self, request: Request, forward: Forward) -> Reply:  # noqa: ARG002
        self.forwarded.append(request)
        return Reply(200, (), b"fal's own", "fal")

    def wake(self, request_id: str) -> None:
        self.woken.append(request_id)

    def read(self, body: FileBody) -> bytes:
        return bodies.read_file(body)

    async def join(self, parts: tuple[Content, ...]) -> Content:
        assert self.folder is not None, "this test has no folder for uploads"
        return join(parts, self.folder / "whole")

    def remove(self, files: list[str]) -> None:
        self.removed += files


def app_of(
    *fixtures: dict[str, Any],
    edge: Any = None,
    index: Index | None = None,
    new_id: NewId = lambda now: uuid7(now, 1),
    webhooks: Any = None,
    **config: Any,
) -> App:
    """An app with these fixtures and this configuration."""
    app = App(edge or TestEdge(), new_id, b"secret", {}, webhooks)
    app.engines.use_config(Config(**config))
    app.engines.use_fixtures(index_of(*fixtures) if index is None else index)
    return app
