"""Starts falmock as a process of its own, and ends it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from pytest_falmock import control
from pytest_falmock.errors import FalmockError
from pytest_falmock.settings import Settings

READY = "FALMOCK_READY_FD"
STARTED_AS = "FALMOCK_STARTED_AS"
_AS = "pytest --falmock-mode={mode}"
"""What messages name as the command that started falmock."""
START_SECONDS = 90
STOP_SECONDS = 600
"""How long the last files of a recording may take."""
_SHOWN = 4000
_IS_WINDOWS = os.name == "nt"
"""Where a process cannot be given the end of a socket."""
_PLAIN = {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "400"}


@dataclass(frozen=True)
class Ready:
    """What falmock says when it is ready. `proxied` are the variables of `environment` with the address of the proxy.

    `warnings` are what the user should know about the environment.
    """

    url: str
    environment: dict[str, str]
    proxied: list[str]
    warnings: list[str] = field(default_factory=list)


class Server:
    """A falmock that was started here. It ends when `stop` is called or this process ends, however that ends."""

    def __init__(self, command: Sequence[str], arguments: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
        """Start falmock, and wait until it is ready. Raises FalmockError."""
        if _IS_WINDOWS:
            raise FalmockError("falmock is started on Linux and macOS only: --falmock-mode=off leaves tests alone")
        self._shown = shlex.join([*command, *arguments])
        self._output = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - lives as long as the process
        # falmock ends when our end is closed.
        self._ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                    [*command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=self._output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env={**environ, READY: str(theirs.fileno()), STARTED_AS: _AS, **_PLAIN},
                    pass_fds=(theirs.fileno(),),
                    # Ctrl-C is for the tests: falmock ends after them.
                    start_new_session=True,
                )
            except OSError as error:
                self._close()
                raise FalmockError(f"falmock cannot be started: {command[0]}: {error.strerror}") from None
        try:
            self.ready = self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self) -> Ready:
        text = b""
        until = time.monotonic() + START_SECONDS
        while not text.endswith(b"\n"):
            self._ours.settimeout(max(0.001, until - time.monotonic()))
            try:
                more = self._ours.recv(65536)
            except TimeoutError:
                raise FalmockError(
                    f"falmock was not ready within {START_SECONDS} s: {self._shown}\n{self.output()}"
                ) from None
            if not more:
                raise FalmockError(self._why_not())
            text += more
        return read_ready(text)

    def _why_not(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        ended = "is too old for this package: upgrade it" if code == 0 else f"could not start (exit code {code})"
        if code is None:
            ended = "closed the pipe for its readiness without a word: upgrade it"
        return f"falmock {ended}: {self._shown}\n{self.output()}"

    def output(self) -> str:
        """The end of what it printed."""
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - _SHOWN))
        return self._output.read().decode("utf-8", "replace").strip()

    def stop(self) -> str:
        """End it, wait for that, and return what it printed then. A recording is complete then."""
        before = self._output.seek(0, os.SEEK_END)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except BaseException:
            self.kill()
            raise
        self._output.seek(before)
        shown = self._output.read().decode("utf-8", "replace")
        self._close()
        return shown

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self._ours.close()
        self._output.close()


def read_ready(text: bytes) -> Ready:
    """The line that falmock wrote. Raises FalmockError if it is not one of the control API that this package speaks."""
    try:
        line: dict[str, Any] = json.loads(text)
        version, release = int(line["control"]), line["falmock"]
    except (ValueError, KeyError, TypeError):
        raise FalmockError(f"falmock said {text[:200]!r} when it was ready, expected JSON: upgrade it") from None
    if version != control.VERSION:
        older = "pytest-falmock" if version > control.VERSION else "falmock"
        raise FalmockError(
            f"falmock {release} has version {version} of the control API, pytest-falmock needs {control.VERSION}: upgrade {older}"
        )
    return Ready(line["url"], line["environment"], line["proxied"], line.get("warnings", []))


def arguments(settings: Settings, fixtures: Sequence[Path]) -> list[str]:
    """The arguments of `falmock serve` with these fixtures."""
    words = ["serve", "--port", "0", "--mode", settings.mode]
    for path in fixtures:
        words += ["--fixtures", str(path)]
    return [*words, *settings.options]
