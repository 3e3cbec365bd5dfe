"""`falmock doctor` in this process: what it starts, what it says, and its exit code. tests/clients has real programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import doctor
from falmock.cli.launch import child
from falmock.cli.launch import namespace
from falmock.cli.launch.child import CannotStart
from falmock.cli.launch.diagnosis import Finding
from falmock.cli.launch.server import NotStarted
from falmock.cli.launch.server import Ready
from falmock.serving.environment.variables import KEY

URL = "http://127.0.0.1:5000"
READY = Ready(
    "0.1", 1, 7, "replay", URL, "ca.pem", {"HTTPS_PROXY": URL, "FAL_KEY": KEY}, ["HTTPS_PROXY"], ["it is odd"]
)
FINE = ["answered", "fal.run", False, [7, "/usr/bin/app", "app", []], "", [], False]
PAST = ["connected", "fal.run", True, [7, "/usr/bin/app", "app", ["HTTPS_PROXY"]], "", [], False]
UNKNOWN = ["unknown name", "example.com", True, None, "", [], False]


class World:
    """A server that sees what is in `seen`, and a program that ends with `code`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.problem = ""
        self.seen: list[list[Any]] = [FINE]
        self.code: int | Exception = 0
        self.fails: Exception | None = None
        self.done: list[str] = []
        self.environment: dict[str, str] = {}
        self.arguments: list[str] = []
        monkeypatch.setattr(namespace, "problem", lambda: self.problem)
        monkeypatch.setattr(namespace, "enter", lambda: self.done.append("enter"))
        monkeypatch.setattr(doctor, "Server", self._server)
        monkeypatch.setattr(child, "run", self._run)
        monkeypatch.setenv("FAL_KEY", "real:key")

    def _server(self, arguments: Sequence[str], log: Path) -> World:  # noqa: ARG002
        self.arguments = list(arguments)
        return self

    def start(self) -> None:
        self.done.append("start")

    def ready(self) -> Ready:
        if self.fails is not None:
            raise self.fails
        return READY

    def stop(self) -> None:
        if self.done[-1] != "stop":
            self.done.append("stop")
            lines = [{"HTTPS_PROXY": URL}, *self.seen]
            observed = Path(self.arguments[self.arguments.index("--observe") + 1])
            observed.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def wait(self, seconds: float) -> int:  # noqa: ARG002
        return 0

    def _run(self, command: Sequence[str], environment: dict[str, str]) -> int:
        assert list(command) == ["app", "--x"]
        self.done.append("run")
        self.environment = environment
        if isinstance(self.code, Exception):
            raise self.code
        return self.code


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_all_is_fine(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--pace", "3s", "--", "app", "--x"]) == 0
    assert world.done == ["enter", "start", "run", "stop"]
    assert world.arguments[:4] == ["--port", "0", "--pace", "3s"]
    assert world.arguments[-2:] == ["--transparent-at", "1.2.3.4"]
    assert (world.environment["HTTPS_PROXY"], world.environment["FAL_KEY"]) == (URL, KEY)
    assert capsys.readouterr().err.splitlines() == [
        "falmock: it is odd",
        "falmock: the program ended with exit code 0",
        "falmock: app (PID 7: app) came through the proxy to fal.run",
        "falmock: all calls came through the proxy",
    ]


def test_a_program_goes_past_the_proxy(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.seen, world.code = [PAST, UNKNOWN], 3
    assert doctor.main(["--", "app", "--x"]) == 1
    told = capsys.readouterr().err
    assert "ended with exit code 3\n" in told
    assert (
        "went past the proxy to fal.run\nfalmock:   -> it does not have falmock's HTTPS_PROXY: set HTTPS_PROXY=" in told
    )
    assert "not there in the program's network: example.com" in told


def test_no_call_was_seen(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.seen = []
    assert doctor.main(["--", "app", "--x"]) == 1
    assert "no call to fal was seen" in capsys.readouterr().err


def test_without_a_network_of_its_own(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.problem = "it is forbidden"
    assert doctor.main(["--", "app", "--x"]) == 0
    assert world.done == ["start", "run", "stop"]
    assert "--transparent-at" not in world.arguments
    told = capsys.readouterr().err
    assert "what goes past the proxy was not seen, since the program has no network of its own: it is forbidden" in told
    assert "all calls that were seen came through the proxy" in told
    world.seen = []
    assert doctor.main(["--", "app", "--x"]) == 1
    assert "no call to fal came through the proxy" in capsys.readouterr().err


def test_a_setup_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:8088")
    assert doctor.main(["--as-is", "--", "app", "--x"]) == 0
    assert world.arguments[:2] == ["--port", "8088"]
    assert world.environment["HTTPS_PROXY"] == "http://127.0.0.1:8088"
    assert world.environment["FAL_KEY"] == KEY  # what goes past may reach fal


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"HTTPS_PROXY": "http://127.0.0.1:8080"}, 8080),
        ({"https_proxy": "http://user:x@localhost:1234/"}, 1234),
        ({"HTTPS_PROXY": "http://proxy.example.com:3128"}, 8080),
        ({"HTTPS_PROXY": "http://127.0.0.1:99999", "https_proxy": "http://[::1]:80"}, 80),
        ({}, 8080),
    ],
)
def test_the_port_of_a_setup(environ: dict[str, str], port: int) -> None:
    assert doctor.proxy_port(environ) == port


@pytest.mark.parametrize(
    ("fails", "code", "text"),
    [
        (NotStarted("bad option", 2), 2, "falmock serve did not start:\nbad option"),
        (NotStarted("port 8080 is taken", 1), 96, "port 8080 is taken"),
        (OSError("no space"), 96, "it cannot start: no space"),
    ],
)
def test_it_cannot_start(
    world: World, fails: Exception, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.fails = fails
    assert doctor.main(["--", "app", "--x"]) == code
    assert text in capsys.readouterr().err
    assert world.done[-1] == "stop"


def test_the_program_cannot_start(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.code = CannotStart("there is no program 'app'", 127)
    assert doctor.main(["--", "app", "--x"]) == 127
    assert "there is no program 'app'" in capsys.readouterr().err


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        doctor.main(["--as-is"])
    assert end.value.code == 2
    assert "falmock doctor [options] -- python app.py" in capsys.readouterr().err


def test_help_lists_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        doctor.main(["--help", "--", "x"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert "falmock doctor -- npm test" in told
    assert "--pace" in told
    assert "exit codes:" in told


def test_versions(tmp_path: Path) -> None:
    assert doctor.version(sys.executable) == ".".join(map(str, sys.version_info[:3]))
    assert doctor.version(str(tmp_path / "none")) == ""
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\n")
    silent.chmod(0o755)
    assert doctor.version(str(silent)) == ""


def test_many_names_are_cut() -> None:
    fine = Finding("x", "came")
    (line, _) = doctor.notes([fine], [f"{n}.test" for n in range(20)], "")
    assert line.endswith("9.test")
