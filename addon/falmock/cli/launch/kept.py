"""A server that goes on after a run, and that the next run with the same options uses again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import falmock
from falmock.cli.launch import control
from falmock.cli.launch import folder
from falmock.cli.launch.control import NoAnswer
from falmock.cli.launch.server import Ready
from falmock.cli.launch.server import Server

IDLE = "1h"
"""How long a kept server waits for a call before it ends."""


def running(state: Path) -> tuple[Ready, list[str]] | None:
    """The server that this file tells of, and its arguments; None if it is not running."""
    try:
        value = json.loads(state.read_text("utf-8"))
        ready, arguments = Ready.read(value["ready"]), list(value["arguments"])
        control.call(ready.url, "GET", "/health", seconds=2)
    except (OSError, ValueError, KeyError, TypeError, NoAnswer):
        return None
    return ready, arguments


def use(where: Path, arguments: Sequence[str]) -> Ready:
    """The kept server with these arguments: the one that runs, or a new one. One with other arguments ends.

    `where` is the folder of its state. Raises NotStarted, and OSError if its files cannot be written.
    """
    state = where / folder.SERVER
    found = running(state)
    if found is not None:
        ready, its = found
        if its == list(arguments) and ready.falmock == falmock.__version__:
            return ready
        stop(where)
    server = Server([*arguments, "--idle-timeout", IDLE], where / folder.SERVER_LOG, is_kept=True)
    server.start()
    ready = server.ready()
    server.stop()
    state.write_text(json.dumps({"ready": ready._asdict(), "arguments": list(arguments)}), "utf-8")
    return ready


def stop(where: Path) -> bool:
    """End the kept server; returns whether there was one."""
    state = where / folder.SERVER
    found = running(state)
    if found is not None:
        with suppress(OSError):
            os.kill(found[0].pid, signal.SIGTERM)
    with suppress(OSError):
        state.unlink()
    return found is not None
