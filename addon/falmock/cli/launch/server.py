"""Starts a falmock in a process of its own, and waits until it is ready."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import BinaryIO
from typing import NamedTuple
from typing import NoReturn

from falmock.serving import starter

COMMAND = (sys.executable, "-P", "-m", "falmock.cli", "serve")
"""The command of a falmock. With -P the working directory is no place to import from."""
SECONDS = 120.0
"""How long it may take until it is ready: a busy machine, and many fixtures."""
_PAUSE = 0.01
"""How often (seconds) a copy of this process is looked at, while only some time may be waited for its end."""
_COLUMNS = "400"
"""How wide its output is: enough for whole URLs."""


class NotStarted(Exception):
    """falmock did not start; the text is what it printed, `code` its exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Ready(NamedTuple):
    """What a falmock tells when it is ready.

    `environment` is for the program, `proxied` are the names whose value is `url`, `warnings` what the user should know.
    """

    falmock: str
    control: int
    pid: int
    mode: str
    url: str
    ca: str
    environment: Mapping[str, str]
    proxied: Sequence[str]
    warnings: Sequence[str]

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Ready:
        """From the line of JSON. Raises KeyError."""
        return cls(*(value[name] for name in cls._fields))


class Server:
    """A falmock with these arguments, whose output goes to a file. It ends with this process, unless `is_kept`.

    `started_as` is the command that its messages name in place of its own.
    """

    def __init__(self, arguments: Sequence[str], log: Path, started_as: str = "", *, is_kept: bool = False) -> None:
        self._arguments = arguments
        self._log = log
        self._is_kept = is_kept
        self._environment = {"PYTHONUNBUFFERED": "1", "COLUMNS": _COLUMNS, starter.STARTED_AS: started_as}
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._line: socket.socket | None = None
        self._told: BinaryIO | None = None

    def start(self) -> None:
        """Start it; `ready` waits until it is. Raises OSError if its output cannot be written."""
        if self._is_kept:  # a plain pipe does not end it
            reading, writing = os.pipe()
            self._told = open(reading, "rb")  # noqa: PTH123, SIM115 - a descriptor, closed by `ready`
        else:
            self._line, its = socket.socketpair()
            self._told, writing = self._line.makefile("rb"), its.detach()
        try:
            self._process = self._spawned(writing)
        except BaseException:
            self._told.close()
            self.stop()
            raise
        finally:
            os.close(writing)

    def _spawned(self, descriptor: int) -> subprocess.Popen[bytes] | Forked:
        environment = {**self._environment, starter.READY: str(descriptor)}
        with self._log.open("wb") as output:
            if sys.platform == "linux" and not self._is_kept and threading.active_count() == 1:
                return Forked(self._arguments, environment, output, descriptor)
            return subprocess.Popen(  # noqa: S603 - no shell
                [*COMMAND, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                pass_fds=(descriptor,),
                start_new_session=True,  # a Ctrl-C at the terminal is for the program
            )

    def ready(self) -> Ready:
        """What it tells when it is ready. Raises NotStarted."""
        import json  # while the other process starts
        import select

        if self._told is None:
            raise NotStarted("it was not started", 1)
        with self._told:
            is_told = select.select([self._told], [], [], SECONDS)[0]
            line = self._told.readline() if is_told else b""
        if not line.endswith(b"\n"):
            self.stop()
            code = self.wait(0 if not is_told else None)
            why = "" if is_told else f"\nit was not ready within {SECONDS:g} s"
            raise NotStarted(_without_usage(self._log.read_text("utf-8", "replace")) + why, code or 0)
        return Ready.read(json.loads(line))

    def stop(self) -> None:
        """Begin to end it, unless it is kept: then it is left alone."""
        if self._line is not None:
            self._line.close()
        if self._is_kept and isinstance(self._process, subprocess.Popen):
            self._process.returncode = 0  # nobody waits for it

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code when it has ended and written everything; None if it still runs after so many seconds."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def _without_usage(text: str) -> str:
    """What a command printed, without the list of its options before an error."""
    lines = text.strip().splitlines()
    while lines and lines[0].startswith(("usage:", " ")):
        lines.pop(0)
    return "\n".join(lines)


class Forked:
    """A falmock in a copy of this process, which has no Python to start: a tenth of the time until it is ready.

    This process must have no other threads. Only on Linux: elsewhere a copy may not use all of the system's libraries.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], output: BinaryIO, keeps: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            become(arguments, environment, output.fileno(), keeps)
        self._code: int | None = None

    def wait(self, seconds: float | None) -> int:
        """Its exit code when it has ended. Raises subprocess.TimeoutExpired if it still runs after so many seconds."""
        import time

        until = None if seconds is None else time.monotonic() + seconds
        while self._code is None:
            ended, status = os.waitpid(self.pid, 0 if until is None else os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
            elif until is not None and time.monotonic() >= until:
                raise subprocess.TimeoutExpired("falmock", seconds or 0.0)
            else:
                time.sleep(_PAUSE)
        return self._code


def become(arguments: Sequence[str], environment: Mapping[str, str], output: int, keeps: int) -> NoReturn:
    """Be `falmock serve` from now on; `output` and `keeps` are the only descriptors that stay open."""
    code = 1
    try:
        os.setsid()  # a Ctrl-C at the terminal is for the program
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        os.closerange(3, keeps)
        os.closerange(keeps + 1, os.sysconf("SC_OPEN_MAX"))
        os.set_inheritable(keeps, True)  # a recorder becomes mitmdump
        os.environ.update(environment)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text file
        from falmock.cli import serve

        code = serve.main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing of it may go on in this copy
        sys.excepthook(*sys.exc_info())
    finally:
        for file in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                file.flush()
        os._exit(code)
