"""A server that goes on after a run, and that the next run with the same options uses again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import falmock
from falmock.cli.launch import control
from falmock.cli.launch import folder
from falmock.cli.launch.control import NoAnswer
from falmock.cli.launch.server import Ready
from falmock.cli.launch.server import Server

IDLE = "1h"
"""How long a kept server waits for a call before it ends."""


class Kept(NamedTuple):
    """A kept server: the arguments it was started with, and what its starter had in the variables that it sets."""

    ready: Ready
    arguments: list[str]
    variables: dict[str, str | None]


def running(state: Path) -> Kept | None:
    """The server that this file tells of; None if it is not running."""
    try:
        value = json.loads(state.read_text("utf-8"))
        found = Kept(Ready.read(value["ready"]), list(value["arguments"]), dict(value["variables"]))
        control.call(found.ready.url, "GET", "/health", seconds=2)
    except (OSError, ValueError, KeyError, TypeError, NoAnswer):
        return None
    return found


def use(where: Path, arguments: Sequence[str]) -> Ready:
    """The kept server with these arguments: the one that runs, or a new one. One that is not as this one would be ends.

    `where` is the folder of its state. Raises NotStarted, and OSError if its files cannot be written.
    """
    state = where / folder.SERVER
    found = running(state)
    if found is not None:
        is_same = found.arguments == list(arguments) and found.variables == _variables(found.ready)
        if is_same and found.ready.falmock == falmock.__version__:
            return found.ready
        stop(where)
    server = Server([*arguments, "--idle-timeout", IDLE], where / folder.SERVER_LOG, is_kept=True)
    server.start()
    ready = server.ready()
    server.stop()
    kept = Kept(ready, list(arguments), _variables(ready))
    state.write_text(json.dumps({**kept._asdict(), "ready": ready._asdict()}), "utf-8")
    return ready


def _variables(ready: Ready) -> dict[str, str | None]:
    """What is in the variables that a server sets, which it takes into account."""
    return {name: os.environ.get(name) for name in ready.environment}


def stop(where: Path) -> bool:
    """End the kept server; returns whether there was one."""
    state = where / folder.SERVER
    found = running(state)
    if found is not None:
        with suppress(OSError):
            os.kill(found.ready.pid, signal.SIGTERM)
    with suppress(OSError):
        state.unlink()
    return found is not None
