"""Starts a mitmdump in a third of the time: it is forked from a process that has imported mitmproxy and falmock.

It runs mitmdump's own `main` with its arguments, in a separate process. Otherwise all tests would take twice as long.
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

SERVER = Path(__file__).with_name("fork_server.py")
_lock = threading.Lock()


class Forked:
    """A process with those parts of `subprocess.Popen` that tests use; its output is text."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        reading, output = os.pipe()
        self._reports, report = os.pipe()
        request = {"args": self.args, "env": dict(env), "cwd": str(cwd or Path.cwd())}
        socket.send_fds(_requests(), [json.dumps(request).encode()], [output, report])
        os.close(output)
        os.close(report)
        self.stdout: TextIO = os.fdopen(reading, encoding="utf-8")
        self._waiting = threading.Lock()
        self._received = b""
        self.pid = self._number(None) or 0

    def poll(self) -> int | None:
        """The exit code; None while the process runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; `timeout` is in seconds. Raises subprocess.TimeoutExpired."""
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
                            os.close(self._reports)
                finally:
                    self._waiting.release()
            if until is not None and time.monotonic() >= until:
                break
        return self.returncode

    def _number(self, timeout: float | None) -> int | None:
        """The next number that the server reports in time, else None: first the process id, then the exit code."""
        if b"\n" not in self._received:
            if not select.select([self._reports], [], [], timeout)[0]:
                return None
            self._received += os.read(self._reports, 100)
        number, line, self._received = self._received.partition(b"\n")
        assert line, "the process that mitmdumps are forked from has ended"
        return int(number)


@cache
def _started() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The socket for requests, and the fork server. It ends when this socket is closed, after all tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-u", str(SERVER), str(theirs.fileno())]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()
    return ours, server


def _requests() -> socket.socket:
    with _lock:
        return _started()[0]
