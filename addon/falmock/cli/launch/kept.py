"""A server that goes on after a run, and that the next run with the same options uses again."""

from __future__ import annotations

import hashlib
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
from falmock.cli.launch import words
from falmock.cli.launch.control import NoAnswer
from falmock.cli.launch.server import Ready
from falmock.cli.launch.server import Server
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import parse_extra

IDLE = "1h"
"""How long a kept server waits for a call before it ends."""


class Kept(NamedTuple):
    """A kept server, and a digest of its arguments, which may have secrets in them."""

    ready: Ready
    arguments: str


def running(state: Path) -> Kept | None:
    """The server that this file tells of, without the environment for a program; None if it is not running."""
    try:
        value = json.loads(state.read_text("utf-8"))
        found = Kept(Ready.read(value["ready"]), str(value["arguments"]))
        control.call(found.ready.url, "GET", "/health", seconds=2)
    except (OSError, ValueError, KeyError, TypeError, NoAnswer):
        return None
    return found


def use(where: Path, arguments: Sequence[str]) -> Ready:
    """The kept server with these arguments: the one that runs, or a new one. One with other arguments ends.

    `where` is the folder of its state. Raises NotStarted, and OSError if files cannot be written.
    """
    state = where / folder.SERVER
    found = running(state)
    if found is not None:
        if found.arguments == _digest(arguments) and found.ready.falmock == falmock.__version__:
            return _for_this_shell(found.ready, arguments)
        stop(where)
    server = Server([*arguments, "--idle-timeout", IDLE], where / folder.SERVER_LOG, is_kept=True)
    server.start()
    ready = server.ready()
    server.stop()
    # What a program gets is made of the user's variables, which may have secrets in them too.
    kept = ready._replace(environment={}, warnings=())
    state.write_text(json.dumps({"ready": kept._asdict(), "arguments": _digest(arguments)}), "utf-8")
    return ready


def _digest(arguments: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()


def _for_this_shell(ready: Ready, arguments: Sequence[str]) -> Ready:
    """What the server would tell a program that is started here and now."""
    hosts = Hosts(parse_extra(words.hosts(arguments)))
    files = trust_files.write(Path(ready.ca).parent, os.environ)
    made = variables.environment(ready.url, files, os.environ, hosts, is_replay=True)
    return ready._replace(environment=made.variables, warnings=made.warnings)


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
