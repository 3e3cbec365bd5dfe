"""Starts a real mitmdump with falmock, and real programs that use it as their proxy."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import NoReturn

import pytest

from clients.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
ADDON = ROOT / "addon" / "falmock_addon.py"
CLIENTS = Path(__file__).parent
FLOWS = bool(os.environ.get("FALMOCK_TEST_FLOWS"))
"""Whether calls go through mitmproxy's flows in all tests; else mostly through the fast lane."""
REPLICAS = tuple(filter(None, os.environ.get("FALMOCK_TEST_REPLICAS", "").split(",")))
"""In place of one mitmdump: these falmocks with one store behind a balancer (see `replicas/group.py`)."""
MITMDUMP = Path(sys.executable).with_name("mitmdump")
FALMOCK = (sys.executable, "-m", "falmock.cli")
KEY = "kid:ksecret"
STARTED: list[Mitmdump] = []
"""Every mitmdump with falmock so far. After all tests, their output is searched for secrets."""
START_SECONDS = 60
STOP_SECONDS = 10
_LISTENING = re.compile(r"listening at (?:\S*:)?(\d+)\.?$", re.MULTILINE)
_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass
class Mitmdump:
    """A mitmdump process: its output so far, and the ports of its modes in the order of their start."""

    process: subprocess.Popen[str] | Forked
    confdir: Path
    lines: list[str]
    is_read: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the output."""

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def ports(self) -> list[int]:
        return [int(port) for port in _LISTENING.findall(self.output)]

    def port(self, mode: str) -> int:
        """The port of the mode whose name in the log matches this regular expression. Several modes start in any order."""
        found = re.search(rf"\] {mode} listening at (?:\S*:)?(\d+)\.?$", self.output, re.MULTILINE)
        assert found is not None, f"no {mode!r} listening in:\n{self.output}"
        return int(found[1])

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def ca(self) -> Path:
        return self.confdir / "mitmproxy-ca-cert.pem"

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Wait until the output contains `text`, and return the output."""
        self.wait_until(lambda: text in self.output, seconds, f"no {text!r}")
        return self.output

    def wait_until(self, holds: Callable[[], bool], seconds: float = 30, complaint: str = "it did not come") -> None:
        """Wait until `holds` is true. It is called after every line of output, and every 0.1 s."""
        until = time.monotonic() + seconds
        with _changed:
            while not _changed.wait_for(holds, 0.1):
                if time.monotonic() > until:
                    raise AssertionError(f"{complaint} within {seconds} s:\n{self.output}")

    def env(self, **more: str) -> dict[str, str]:
        """The environment that makes an app use this proxy."""
        env = {name: value for name, value in os.environ.items() if name.lower() not in _PROXY_NAMES}
        return env | {
            "HTTPS_PROXY": self.proxy,
            "HTTP_PROXY": self.proxy,
            "SSL_CERT_FILE": str(self.ca),
            "NODE_EXTRA_CA_CERTS": str(self.ca),
            "FAL_KEY": KEY,
            "OPENSSL_CONF": str(CLIENTS / "openssl.cnf"),
            **more,
        }


def trust_for_sockets(ca: Path) -> ssl.SSLContext:
    """A TLS context for sync WebSocket clients, without TLS 1.3: see `openssl.cnf`."""
    context = ssl.create_default_context(cafile=str(ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


_changed = threading.Condition()


@contextmanager
def mitmdump(
    confdir: Path,
    *args: str,
    fixtures: Path | None = None,
    addon: Path = ADDON,
    modes: int = 1,
    cwd: Path | None = None,
    program: Sequence[str] = (str(MITMDUMP),),
    alone: bool = False,
) -> Iterator[Mitmdump]:
    """A running mitmdump with falmock on a free port. It is ready when `modes` listeners and falmock have started.

    With FALMOCK_TEST_REPLICAS, several falmocks are in its place, unless `alone` is true.
    """
    if REPLICAS and not alone and modes == 1 and addon == ADDON:
        from clients.replicas.group import group  # which starts its falmocks with this function

        with group(confdir, *args, fixtures=fixtures, cwd=cwd, kinds=REPLICAS) as mocks:
            yield mocks
        return
    command = ["--listen-host", "127.0.0.1", "-p", "0", *args]
    if fixtures is not None:
        command += ["--set", f"fal_fixtures={fixtures}"]
    mock = start(confdir, *command, addon=addon, cwd=cwd, program=program)
    try:
        with _changed:
            up = _changed.wait_for(
                lambda: (len(mock.ports) >= modes and "falmock 0" in mock.output) or mock.process.poll() is not None,
                START_SECONDS,
            )
        if not up or mock.process.poll() is not None:
            raise AssertionError(f"mitmdump did not come up:\n{mock.output}")
        yield mock
    finally:
        stop(mock)


@contextmanager
def serve(
    confdir: Path,
    *args: str,
    fixtures: Path | None = None,
    cwd: Path | None = None,
    program: Sequence[str] = FALMOCK,
) -> Iterator[Mitmdump]:
    """A running `falmock serve` on a free port, without mitmproxy. It takes options as mitmdump does, too."""
    given = [*args, *(("--fixtures", str(fixtures)) if fixtures is not None else ())]
    mock = start_serve(confdir, "--port", "0", *given, cwd=cwd, program=program)
    try:
        with _changed:
            up = _changed.wait_for(lambda: "falmock 0" in mock.output or mock.process.poll() is not None, START_SECONDS)
        if not up or mock.process.poll() is not None:
            raise AssertionError(f"falmock serve did not come up:\n{mock.output}")
        yield mock
    finally:
        stop(mock)


def start_serve(confdir: Path, *args: str, cwd: Path | None = None, program: Sequence[str] = FALMOCK) -> Mitmdump:
    """Start `falmock serve` with these arguments. It may end with an error."""
    process = subprocess.Popen(
        [*program, "serve", "--confdir", str(confdir), *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "400"},
    )
    return followed(process, confdir)


def start(
    confdir: Path,
    *args: str,
    addon: Path = ADDON,
    cwd: Path | None = None,
    program: Sequence[str] = (str(MITMDUMP),),
) -> Mitmdump:
    """Start mitmdump with the addon and these arguments. It may end with an error."""
    command = [*program, "-s", str(addon), "--set", f"confdir={confdir}", *args]
    if FLOWS and not any(arg.startswith("fal_fast=") for arg in args):
        command += ["--set", "fal_fast=off"]
    # Wide enough for the log to show whole URLs.
    env = os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "400"}
    process: subprocess.Popen[str] | Forked
    if list(program) == [str(MITMDUMP)] and addon == ADDON:
        process = Forked(command, env, cwd)
    else:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env=env,
        )
    return followed(process, confdir, is_ours=addon == ADDON)


def followed(process: subprocess.Popen[str] | Forked, confdir: Path, *, is_ours: bool = True) -> Mitmdump:
    """Read the output of a mitmdump in the background; `is_ours` says that it has falmock."""
    mock = Mitmdump(process, confdir, [])
    if is_ours:
        STARTED.append(mock)
    threading.Thread(target=_collect, args=(mock,), daemon=True).start()
    return mock


def stop(mock: Mitmdump) -> None:
    """End the process: SIGTERM, and SIGKILL after some seconds."""
    if mock.process.poll() is None:
        mock.process.send_signal(signal.SIGTERM)
        try:
            mock.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            mock.process.kill()
            mock.process.wait()
    mock.is_read.wait(STOP_SECONDS)


def exit_code(mock: Mitmdump, seconds: float = START_SECONDS) -> int | None:
    """The exit code of the process. If it does not end by itself, it is stopped and None is returned."""
    try:
        code = mock.process.wait(seconds)
    except subprocess.TimeoutExpired:
        stop(mock)
        return None
    mock.is_read.wait(STOP_SECONDS)
    return code


def _collect(mock: Mitmdump) -> None:
    assert mock.process.stdout is not None
    with mock.process.stdout as output:
        for line in output:
            with _changed:
                mock.lines.append(line)
                _changed.notify_all()
    mock.is_read.set()
    mock.process.wait()
    with _changed:
        _changed.notify_all()


def run(command: Sequence[str], env: dict[str, str], seconds: float = 120, cwd: Path | None = None) -> str:
    """The standard output of a program, which must end with 0."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, cwd=cwd, check=False)
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def app(script: Path, mock: Mitmdump | None, seconds: float = 60, **env: str) -> Iterator[Callable[..., Any]]:
    """A Python or Node program that uses the mock, if any, and performs acts: `app("run", ...)` returns what it got.

    It reads a line of JSON for each act, `[name, arguments]`, and answers with one. It must not write to standard error,
    as a client that falls back to something else would.
    """
    command = [sys.executable] if script.suffix == ".py" else ["node", "--require", str(CLIENTS / "preload.cjs")]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [*command, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=mock.env(**env) if mock else os.environ | env,
        ) as process,
    ):

        def complained() -> str:
            complaints.seek(0)
            return complaints.read()

        def act(name: str, **arguments: Any) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            watchdog = threading.Timer(seconds, process.kill)
            watchdog.start()
            line = ""
            with suppress(BrokenPipeError):
                print(json.dumps([name, arguments]), file=process.stdin, flush=True)
                line = process.stdout.readline()
            watchdog.cancel()
            assert line, f"{script.name} ended, or took over {seconds} s, in {name}:\n{complained()}"
            return json.loads(line)

        yield act
        process.communicate(timeout=seconds)
        ended = process.returncode, complained()
        assert ended == (0, ""), ended


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def lacking(message: str) -> NoReturn:
    """Skip a test because this machine lacks what it needs. In CI, which must have everything, the test fails."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def write_fixtures(folder: Path, *fixtures: object, name: str = "fixtures.json") -> Path:
    """A folder with one fixture file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"fixtures": fixtures}), "utf-8")
    return folder
