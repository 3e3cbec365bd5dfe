"""Tells the program that started falmock that it is ready, so that nobody has to poll; and ends with that program.

The program passes one end of a pipe or of a pair of sockets. A line of JSON goes there. If it is a socket, falmock then
ends when the other end is closed, as it is when the program dies.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import stat
import threading
from collections.abc import Mapping
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import falmock
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.serving import starter
from falmock.serving.call_lines import address
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables

logger = logging.getLogger(__name__)
CONTROL = 1
"""The version of the control API and of this line. A program that needs another one says so."""
_ANY = ("0.0.0.0", "::")  # noqa: S104 - what is listened on, which is no address to call


def announce(
    host: str, port: int, confdir: Path, config: Config, environ: MutableMapping[str, str] = os.environ
) -> None:
    """Write the line, if somebody waits for it: falmock listens at this host and port, its CA is in `confdir`."""
    given = environ.pop(starter.READY, "")
    if not given:
        return
    try:
        descriptor = int(given)
        is_socket = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        os.write(descriptor, json.dumps(_line(host, port, confdir, config, environ)).encode() + b"\n")
        if is_socket:
            os.set_inheritable(descriptor, False)
            threading.Thread(target=_end_with, args=(socket.socket(fileno=descriptor),), daemon=True).start()
        else:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        logger.warning("falmock: %s=%s: nobody can be told that it is ready: %s", starter.READY, given[:20], error)
        with suppress(OSError, ValueError):
            os.close(int(given))
            os.kill(os.getpid(), signal.SIGTERM)  # whoever waits has no use for it, and would wait for its end


def url_of(host: str, port: int) -> str:
    """The URL of what listens at this host and port, for programs on this machine."""
    return f"http://{address('127.0.0.1' if host in _ANY else host, port)}"


def _line(host: str, port: int, confdir: Path, config: Config, environ: Mapping[str, str]) -> dict[str, Any]:
    url = url_of(host, port)
    files = trust_files.write(confdir, environ)
    made = variables.environment(url, files, environ, config.hosts, is_replay=config.mode is Mode.REPLAY)
    return {
        "falmock": falmock.__version__,
        "control": CONTROL,
        "pid": os.getpid(),
        "mode": config.mode.value,
        "url": url,
        "ca": str(files.ca),
        "environment": made.variables,
        "proxied": variables.PROXIED,
        "warnings": made.warnings,
    }


def _end_with(starter: socket.socket) -> None:
    """End this process, as SIGTERM does, when the other end of the socket is closed."""
    with starter, suppress(OSError):
        while starter.recv(4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
