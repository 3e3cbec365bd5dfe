"""Programs that end with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from falmock.cli.launch.workers import with_parent

STARTER = """
import os, subprocess, sys
program = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
code = "import runpy, sys; m = runpy.run_path(sys.argv.pop(1)); g = m['main'].__globals__; g['IS_TOLD'] = IS_TOLD; sys.exit(m['main'](sys.argv[1:]))"
code = code.replace("= IS_TOLD", "= " + sys.argv[2])
subprocess.run([sys.executable, "-c", code, sys.argv[1], str(os.getpid()), *program])
"""
BOTH = [pytest.param("True", marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")), "False"]


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("is_told", BOTH)
def test_one_whose_parent_is_killed(is_told: str) -> None:
    command = [sys.executable, "-c", STARTER, with_parent.__file__, is_told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_there(pid)
        starter.kill()
        until = time.monotonic() + 10
        while is_there(pid) and time.monotonic() < until:
            time.sleep(0.02)
        gone = not is_there(pid)
        if not gone:
            os.kill(pid, signal.SIGKILL)
        assert gone


def test_its_exit_code() -> None:
    program = [sys.executable, "-c", "import sys; sys.exit(7)"]
    command = [sys.executable, "-I", "-S", with_parent.__file__, str(os.getpid()), *program]
    assert subprocess.run(command, check=False).returncode == 7


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_one_whose_parent_has_ended_before() -> None:
    command = [sys.executable, "-I", "-S", with_parent.__file__, "1", "/bin/echo", "started"]
    done = subprocess.run(command, check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def test_elsewhere_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(with_parent, "IS_TOLD", False)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert with_parent.main([str(os.getppid()), sys.executable, "-c", "import sys; sys.exit(3)"]) == 3
    finally:
        signal.signal(signal.SIGTERM, before)
