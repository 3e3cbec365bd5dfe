"""A second addon beside falmock's: `http://counter.test/` returns what the process holds.

It is a script of mitmproxy, loaded with a second `-s`. The answer is JSON: kinds of things, each with its number.
"""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy import http


class Counting:
    """Counts tasks, open files and sockets, threads, temporary files, and falmock's unfinished work."""

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.request.host == "counter.test":
            gc.collect()
            flow.response = http.Response.make(200, json.dumps(_counts()), {"content-type": "application/json"})


def _counts() -> dict[str, int]:
    held = [f"task {getattr(task.get_coro(), '__qualname__', task)}" for task in asyncio.all_tasks()]
    held += [f"open {_kind(path)}" for path in Path("/proc/self/fd").iterdir()]
    # A pool keeps its threads for the next task.
    held += [f"thread {thread.name}" for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    folders = [Path(tempfile.gettempdir()), *map(Path, ctx.options.fal_fixtures)]
    held += [f"file {path.name}" for folder in folders for path in folder.rglob(".falmock-*")]
    return dict(Counter(held)) | _under_way()


def _kind(path: Path) -> str:
    try:
        name = str(path.readlink())
    except OSError:  # it was the one that reads this folder
        return "folder"
    return name.partition(":")[0]


def _under_way() -> dict[str, int]:
    falmock: Any = ctx.master.addons.get("falmock")
    responder, recording = falmock._responder, falmock._recordings.current
    tickets, lane = responder.origin.tickets, falmock._lane.server
    return {
        "redirected flows": len(responder.redirects._planned),
        "tickets": len(tickets._plays),
        "connections": len(tickets.connections),
        "listeners": len(tickets._listeners),
        "connections in the lane": len(lane.connections),
        "listeners in the lane": len(lane._listeners),
        "bodies listened to": 0 if recording is None else len(recording._listeners._listeners),
    }


addons = [Counting()]
