"""A worker: one falmock of several, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress

from falmock.cli.launch.server import COMMAND
from falmock.cli.launch.server import SECONDS
from falmock.cli.launch.workers.assignment import GO
from falmock.cli.launch.workers.assignment import Assignment
from falmock.serving import starter

_END_SECONDS = 10.0
"""How long a worker may take to end."""


class WorkerProcess:
    """A worker that is starting or runs. It ends when this process does."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self._process = process
        self._line = line
        self._ready_at: float | None = None

    @classmethod
    async def started(
        cls, words: Sequence[str], assignment: Assignment, environment: Mapping[str, str] = os.environ
    ) -> WorkerProcess:
        """Start `falmock serve` with these arguments as a worker. Raises OSError."""
        line, its = socket.socketpair()
        with its:
            mine = {starter.READY: str(its.fileno()), starter.WORKER: assignment.as_text()}
            activity = () if assignment.activity < 0 else (assignment.activity,)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(*COMMAND, *words),
                    stdin=asyncio.subprocess.DEVNULL,
                    env={**environment, **mine},
                    pass_fds=(its.fileno(), *assignment.descriptors, *activity),
                    start_new_session=True,  # a Ctrl-C at the terminal is for this process, which ends them
                )
            except BaseException:
                line.close()
                raise
        return cls(process, line)

    def go(self) -> None:
        """Let it begin, if it is held."""
        with suppress(OSError):  # it has ended
            self._line.send(GO)

    async def is_ready(self) -> bool:
        """Wait until it is ready, or has ended: then False. One that takes too long is ended."""
        self._line.setblocking(False)
        loop, told = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(SECONDS):
                while not told.endswith(b"\n") and (more := await loop.sock_recv(self._line, 65536)):
                    told += more
        except TimeoutError:
            self.kill()
        except OSError:
            return False
        if told.endswith(b"\n"):
            self._ready_at = time.monotonic()
        return self._ready_at is not None

    async def wait(self) -> int:
        """Its exit code when it has ended."""
        code = await self._process.wait()
        self._line.close()
        return code

    @property
    def served(self) -> float:
        """How long (seconds) it has been ready; 0 if it never was, however long its start took."""
        return 0.0 if self._ready_at is None else time.monotonic() - self._ready_at

    async def stop(self) -> None:
        """End it: by SIGTERM, and by SIGKILL if it takes too long."""
        self._send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _END_SECONDS)
        except TimeoutError:
            self.kill()
        await self.wait()

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
