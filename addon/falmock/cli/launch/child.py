"""Runs a program in the foreground, as a shell does: same terminal, signals passed on, its exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from types import FrameType

from falmock.cli.launch import exit_codes

_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
"""The signals that the program gets too. SIGINT is not always among them, see `is_for_group`."""


class CannotStart(Exception):
    """The program cannot be started; the text says why, `code` is the exit code that shells have for it."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the program until it ends; returns its exit code. Raises CannotStart."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    try:
        process = subprocess.Popen([program or command[0], *command[1:]], env=environment)  # noqa: S603 - no shell
    except FileNotFoundError:
        raise CannotStart(f"there is no program {command[0]!r}", exit_codes.NOT_FOUND) from None
    except OSError as error:
        raise CannotStart(
            f"{command[0]} cannot be started: {error.strerror or error}", exit_codes.NOT_EXECUTABLE
        ) from None
    with _passed_on(process):
        code = process.wait()
    return exit_codes.OF_SIGNALS - code if code < 0 else code


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Give the program the signals that this process gets."""

    def pass_on(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and is_for_group():
            return
        with suppress(OSError):  # it has just ended
            process.send_signal(number)

    names = [name for name in (*_PASSED_ON, "SIGINT") if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for name in names if (number := getattr(signal, name))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_for_group() -> bool:
    """Whether a SIGINT comes from a Ctrl-C at the terminal, which sends it to the program as well."""
    if sys.platform == "win32":
        return True
    for file in (sys.stdin, sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            return os.tcgetpgrp(file.fileno()) == os.getpgrp()
    return False
