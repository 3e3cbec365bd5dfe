"""Tells the program that started falmock that it is ready: a line of JSON on a pipe, so that nobody has to poll."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import MutableMapping
from pathlib import Path

import falmock
from falmock.serving.call_lines import address
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables

logger = logging.getLogger(__name__)
DESCRIPTOR = "FALMOCK_READY_FD"
"""The environment variable with the number of the pipe's descriptor."""
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
