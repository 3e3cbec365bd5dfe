"""What falmock agrees with the program that started it: a line of JSON on a pipe when it is ready, and that they end together."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from collections.abc import MutableMapping
from pathlib import Path

import falmock
from falmock.serving.call_lines import address
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables

logger = logging.getLogger(__name__)
DESCRIPTOR = "FALMOCK_READY_FD"
"""The environment variable with the number of the pipe's descriptor."""
STARTER = "FALMOCK_STARTER_FD"
"""The environment variable with the descriptor of a pipe that the starter keeps open: when it ends, however it ends, falmock
ends too."""
CONTROL = 1
"""The version of the control API and of this line. A program that needs another one says so."""


_ANY = ("0.0.0.0", "::")  # noqa: S104 - what is listened on, which is no address to call


def announce(host: str, port: int, confdir: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Write the line, if somebody waits for it: falmock listens at this host and port, its CA is in `confdir`."""
    descriptor = environ.pop(DESCRIPTOR, "")
    if not descriptor:
        return
    try:
        with open(int(descriptor), "w", encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
            url = f"http://{address('127.0.0.1' if host in _ANY else host, port)}"
            files = trust_files.write(confdir)
            line = {
                "falmock": falmock.__version__,
                "control": CONTROL,
                "pid": os.getpid(),
                "url": url,
                "ca": str(files.ca),
                "environment": variables.variables(url, files, environ),
                "proxied": variables.PROXIED,
            }
            pipe.write(json.dumps(line) + "\n")
    except (OSError, ValueError) as error:
        logger.warning("falmock: %s=%s: nobody can be told that it is ready: %s", DESCRIPTOR, descriptor[:20], error)


def end_with_starter(
    environ: MutableMapping[str, str] = os.environ,
    end: Callable[[], object] = lambda: os.kill(os.getpid(), signal.SIGTERM),
) -> None:
    """Call `end` when the program that started falmock ends, if it asked for that."""
    descriptor = environ.pop(STARTER, "")
    if descriptor:
        threading.Thread(target=_wait, args=(descriptor, end), name="falmock-starter", daemon=True).start()


def _wait(descriptor: str, end: Callable[[], object]) -> None:
    try:
        with open(int(descriptor), "rb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor
            while pipe.read(1024):
                pass
    except (OSError, ValueError) as error:
        logger.warning("falmock: %s=%s: it does not end with what started it: %s", STARTER, descriptor[:20], error)
    else:
        end()
