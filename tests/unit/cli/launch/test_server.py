"""A falmock in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import serve
from falmock.cli.launch import control
from falmock.cli.launch import server as server_
from falmock.cli.launch.server import NotStarted
from falmock.cli.launch.server import Server
from falmock.serving import starter
from unit.cli.launch.fixtures import arguments_of


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return arguments_of(tmp_path)


def ends(pid: int) -> bool:
    """Whether a process, which may be nobody's child, ends soon."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_from_its_start_to_its_end(arguments: list[str], tmp_path: Path) -> None:
    server = Server(arguments, tmp_path / "log", "falmock run --mode {mode} -- x")
    server.start()
    ready = server.ready()
    assert (ready.mode, ready.control) == ("replay", 1)
    assert control.call(ready.url, "GET", "/health")["fixtures"] == 1
    assert server.wait(0.01) is None
    server.stop()
    assert server.wait() == 0
    assert server.wait() == 0
    assert "mode replay; 1 fixture" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [(["--fixtures", "nowhere"], 1, "nowhere"), (["--pase", "x"], 2, "did you mean '--pace'?")],
)
def test_it_does_not_start(arguments: list[str], tmp_path: Path, more: list[str], code: int, text: str) -> None:
    server = Server([*arguments, *more], tmp_path / "log")
    server.start()
    with pytest.raises(NotStarted, match=text) as error:
        server.ready()
    assert error.value.code == code
    assert "usage:" not in str(error.value)


def test_a_kept_one_goes_on(arguments: list[str], tmp_path: Path) -> None:
    server = Server(arguments, tmp_path / "log", is_kept=True)
    server.start()
    ready = server.ready()
    server.stop()
    try:
        assert server.wait() == 0
        assert control.call(ready.url, "GET", "/health")["status"] == "ok"
    finally:
        os.kill(ready.pid, 15)
    os.waitpid(ready.pid, 0)


def test_one_that_is_a_copy(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has no other threads then; here another one stands for the copy."""
    monkeypatch.setattr(server_.sys, "platform", "linux")
    monkeypatch.setattr(server_.threading, "active_count", lambda: 1)
    copy = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read(); sys.exit(5)"], stdin=subprocess.PIPE
    )
    copy.returncode = 0  # it is waited for by its number
    monkeypatch.setattr(os, "fork", lambda: copy.pid)
    server = Server(arguments, tmp_path / "log")
    server.start()
    assert server.wait(0.01) is None
    assert copy.stdin is not None
    copy.stdin.close()
    with pytest.raises(NotStarted) as error:
        server.ready()
    assert error.value.code == 5
    assert server.wait() == 5


def test_what_a_copy_becomes(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []
    monkeypatch.setattr(server_.sys, "platform", "linux")
    monkeypatch.setattr(server_.threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "fork", lambda: 0)

    def become(arguments: list[str], environment: dict[str, str], output: int, keeps: int) -> None:
        became.append((arguments, environment["FALMOCK_STARTED_AS"], environment[starter.READY] == str(keeps)))
        os.fstat(output)
        raise Exit

    monkeypatch.setattr(server_, "become", become)
    with pytest.raises(Exit):
        Server(arguments, tmp_path / "log", "x").start()
    assert became == [(arguments, "x", True)]


def test_it_ends_when_its_starter_is_killed(arguments: list[str], tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom falmock.cli.launch.server import Server\n"
        "server = Server(sys.argv[2:], Path(sys.argv[1]))\nserver.start()\n"
        "print(server.ready().pid, flush=True)\ntime.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log"), *arguments], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter, starter.stdout:
        pid = int(starter.stdout.readline())
        starter.kill()
    assert ends(pid)


def test_one_that_was_never_started(tmp_path: Path) -> None:
    server = Server([], tmp_path / "log")
    server.stop()
    assert server.wait() == 0


def test_one_that_is_never_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_, "SECONDS", 0.1)
    monkeypatch.setattr(
        server_, "COMMAND", (sys.executable, "-S", "-c", "import sys, time; time.sleep(1); sys.exit(0)")
    )
    server = Server([], tmp_path / "log")
    server.start()
    with pytest.raises(NotStarted, match=r"not ready within 0\.1 s"):
        server.ready()
    assert server.wait() == 0
    with pytest.raises(NotStarted, match="was not started"):
        Server([], tmp_path / "log").ready()


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no/log"):
        Server([], tmp_path / "no" / "log").start()


class Exit(BaseException):
    """In place of the end of the process."""


@pytest.mark.parametrize(
    ("result", "code"),
    [(0, 0), (3, 3), (SystemExit(2), 2), (SystemExit("text"), 1), (RuntimeError("broken"), 1)],
)
def test_the_copy_of_the_process(
    result: Any, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[object] = []
    nothing = os.open(os.devnull, os.O_RDONLY)
    for name in ("setsid", "dup2", "closerange", "set_inheritable"):
        monkeypatch.setattr(os, name, lambda *values, name=name: done.append((name, *values)))
    monkeypatch.setattr(os, "open", lambda *_: nothing)
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)

    def ends(number: int) -> None:
        done.append(number)
        raise Exit

    def main(words: list[str]) -> int:
        assert os.environ["OF_TEST"] == "1"
        done.append(words)
        if isinstance(result, BaseException):
            raise result
        return int(result)

    monkeypatch.setattr(os, "_exit", ends)
    monkeypatch.setattr(serve, "main", main)
    monkeypatch.setitem(os.environ, "OF_TEST", "0")
    with pytest.raises(Exit):
        server_.become(["--port", "0"], {"OF_TEST": "1"}, 8, 9)
    os.close(nothing)
    limit = os.sysconf("SC_OPEN_MAX")
    assert done == [
        ("setsid",),
        ("dup2", nothing, 0),
        ("dup2", 8, 1),
        ("dup2", 8, 2),
        ("closerange", 3, 9),
        ("closerange", 10, limit),
        ("set_inheritable", 9, True),
        ["--port", "0"],
        code,
    ]
    assert ("broken" in capsys.readouterr().err) is isinstance(result, RuntimeError)
