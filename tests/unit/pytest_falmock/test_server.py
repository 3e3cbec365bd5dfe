"""falmock as a process: its arguments, and what it says when it is ready. See clients/test_pytest_plugin.py for the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pytest_falmock import server
from pytest_falmock.control import VERSION
from pytest_falmock.errors import FalmockError
from pytest_falmock.server import Ready
from pytest_falmock.server import Server
from pytest_falmock.settings import Settings

from falmock.serving import ready
from falmock.serving import starter

LINE = {
    "falmock": "0.1.0",
    "control": VERSION,
    "url": "http://127.0.0.1:1",
    "environment": {"A": "b"},
    "proxied": ["A"],
}


def test_it_speaks_the_version_of_falmock_beside_it() -> None:
    assert ready.CONTROL == VERSION
    assert starter.READY == server.READY


def test_the_line() -> None:
    found = server.read_ready(json.dumps(LINE).encode() + b"\n")
    assert found == Ready("http://127.0.0.1:1", {"A": "b"}, ["A"])


def test_its_warnings() -> None:
    assert server.read_ready(json.dumps({**LINE, "warnings": ["x"]}).encode()).warnings == ["x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({**LINE, "control": VERSION + 1}), "version 2 of the control API, .* upgrade pytest-falmock"),
        (json.dumps({**LINE, "control": VERSION - 1}), "pytest-falmock needs 1: upgrade falmock"),
        ("hello", "expected JSON"),
        ("[]", "expected JSON"),
        ("{}", "expected JSON"),
    ],
)
def test_another_line(text: str, message: str) -> None:
    with pytest.raises(FalmockError, match=message):
        server.read_ready(text.encode())


def test_arguments() -> None:
    settings = Settings("auto", Path("/project"), options=("--pace", "3s"))
    assert server.arguments(settings, [Path("/a b")]) == [
        *("serve", "--port", "0", "--mode", "auto"),
        *("--fixtures", "/a b"),
        *("--pace", "3s"),
    ]


SAYS = f"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    print("started", flush=True)
    os.write(int(os.environ["FALMOCK_READY_FD"]), {json.dumps(LINE)!r}.encode() + b"\\n")
    time.sleep(60)
finally:
    print("ended", flush=True)
"""


def test_it_is_started_and_stopped(tmp_path: Path) -> None:
    started = Server([sys.executable], ["-c", SAYS], tmp_path, {})
    assert started.ready.url == "http://127.0.0.1:1"
    assert started.output() == "started"
    assert started.stop() == "ended\n"


def test_it_is_not_ready_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "START_SECONDS", 0.05)
    with pytest.raises(FalmockError, match=r"was not ready within 0\.05 s"):
        Server([sys.executable], ["-c", "import time; time.sleep(60)"], tmp_path, {})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('no port'); sys.exit(3)", r"could not start \(exit code 3\)(?s:.*)no port"),
        ("pass", "is too old"),
    ],
)
def test_it_does_not_start(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(FalmockError, match=message):
        Server([sys.executable], ["-c", f"import sys; {code}"], tmp_path, {})


def test_there_is_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(FalmockError, match="/nowhere/falmock: No such file"):
        Server(["/nowhere/falmock"], [], tmp_path, {})


def test_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_IS_WINDOWS", True)
    with pytest.raises(FalmockError, match="Linux and macOS only: --falmock-mode=off"):
        Server([sys.executable], [], tmp_path, {})
