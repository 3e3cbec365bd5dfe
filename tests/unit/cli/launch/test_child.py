"""A program in the foreground."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from falmock.cli.launch import child
from falmock.cli.launch.child import CannotStart


def python(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", text]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + 9),
        ("import os; raise SystemExit(0 if os.environ['OF_TEST'] == 'a b' else 1)", 0),
    ],
)
def test_its_exit_code(text: str, code: int) -> None:
    assert child.run(python(text), {**os.environ, "OF_TEST": "a b"}) == code


def test_programs_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="there is no program 'no-such'") as missing:
        child.run(["no-such"], {"PATH": "/bin"})
    assert missing.value.code == 127
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o600)
    with pytest.raises(CannotStart, match="cannot be started: Permission denied") as forbidden:
        child.run([str(tmp_path / "text")], {"PATH": "/bin"})
    assert forbidden.value.code == 126


def test_its_path_is_its_own(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    assert child.run(["mine"], {"PATH": str(tmp_path)}) == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(number: int, tmp_path: Path) -> None:
    """And this process keeps its own handlers."""
    ready = tmp_path / "ready"
    text = (
        "import signal, sys, time, pathlib\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(40))\n"
        f"pathlib.Path({str(ready)!r}).touch()\ntime.sleep(60)"
    )

    def send() -> None:
        until = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    thread = threading.Thread(target=send)
    thread.start()
    assert child.run(python(text), dict(os.environ)) == 40
    thread.join()
    assert signal.getsignal(number) == before


def test_a_ctrl_c_at_the_terminal_reaches_the_program_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def fileno(self) -> int:
            return 7

    monkeypatch.setattr(sys, "stdin", Terminal())
    for group, is_for_group in ((os.getpgrp(), True), (os.getpgrp() + 1, False)):
        monkeypatch.setattr(os, "tcgetpgrp", lambda _, group=group: group)
        assert child.is_for_group() is is_for_group


def test_without_a_terminal_it_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "tcgetpgrp", fails)
    assert not child.is_for_group()
