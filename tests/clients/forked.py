"""Starts a mitmdump in a third of the time: forked from a process that has imported mitmproxy and falmock already.

It is mitmdump's own `main` with its arguments, in a process of its own; only the imports are shared. Half of the time
of all tests would otherwise be spent on them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TextIO

NURSERY = Path(__file__).with_name("nursery.py")
_lock = threading.Lock()


class Forked:
    """A process, with what `subprocess.Popen` has of one that was started with its output to be read as text."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        reading, output = os.pipe()
        self._news, tell = os.pipe()
        asked = {"args": self.args, "env": dict(env), "cwd": str(cwd or Path.cwd())}
        socket.send_fds(_nursery(), [json.dumps(asked).encode()], [output, tell])
        os.close(output)
        os.close(tell)
        self.stdout: TextIO = os.fdopen(reading, encoding="utf-8")
        self._waiting = threading.Lock()
        self._told = b""
        self.pid = self._number(None) or 0

    def poll(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """How the process ends. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            if self._waiting.acquire(timeout=-1 if until is None else max(0.0, until - time.monotonic())):
                try:
                    if self.returncode is None:
                        self.returncode = self._number(None if until is None else max(0.0, until - time.monotonic()))
                        if self.returncode is not None:
                            os.close(self._news)
                finally:
                    self._waiting.release()
            if until is not None and time.monotonic() >= until:
                break
        return self.returncode

    def _number(self, timeout: float | None) -> int | None:
        """The next number that is told of the process, if it comes in time: first its id, then how it ended."""
        if b"\n" not in self._told:
            if not select.select([self._news], [], [], timeout)[0]:
                return None
            self._told += os.read(self._news, 100)
        number, line, self._told = self._told.partition(b"\n")
        assert line, "the process that mitmdumps are forked from has ended"
        return int(number)


@cache
def _begun() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Where to ask for a process, and the nursery: it ends when this end is closed, which is when the tests are over."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-u", str(NURSERY), str(theirs.fileno())]
    nursery = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()
    return ours, nursery


def _nursery() -> socket.socket:
    with _lock:
        return _begun()[0]
