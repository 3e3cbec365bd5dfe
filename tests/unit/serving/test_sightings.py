"""What is seen of programs, and how it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.serving import processes
from falmock.serving import sightings
from falmock.serving.gate import Caller
from falmock.serving.processes import Process
from falmock.serving.sightings import Program
from falmock.serving.sightings import Sighting
from falmock.serving.sightings import Sightings
from falmock.serving.sightings import lacking

WANTED = {
    "HTTPS_PROXY": "http://127.0.0.1:8080",
    "NODE_OPTIONS": "--require=/hooks/preload.cjs",
    "SSL_CERT_FILE": "/conf/bundle.pem",
    "NO_PROXY": "localhost",
}
ALL = {**WANTED, "NODE_OPTIONS": "--max-old-space-size=500 --require=/hooks/preload.cjs"}
ME = Caller("127.0.0.1", 5000, agent="curl/8")


@pytest.mark.parametrize(
    ("environment", "lacks"),
    [
        (ALL, ()),
        ({**ALL, "HTTPS_PROXY": "http://scope:x@127.0.0.1:8080/"}, ()),
        ({**ALL, "HTTPS_PROXY": "127.0.0.1:8080"}, ()),
        ({**ALL, "HTTPS_PROXY": "http://127.0.0.1:80"}, ("HTTPS_PROXY",)),
        ({**ALL, "NODE_OPTIONS": "--inspect"}, ("NODE_OPTIONS",)),
        ({}, ("HTTPS_PROXY", "NODE_OPTIONS", "SSL_CERT_FILE")),
        ({**ALL, "NO_PROXY": "localhost, .fal.run"}, ("NO_PROXY",)),
        ({**ALL, "NO_PROXY": "fal.run"}, ("NO_PROXY",)),
        ({**ALL, "NO_PROXY": "*"}, ("NO_PROXY",)),
        ({**ALL, "NO_PROXY": "*.run"}, ("NO_PROXY",)),
        ({**ALL, "NO_PROXY": "l.run,other.run,"}, ()),
        ({**ALL, "NO_PROXY": "*", "no_proxy": "localhost"}, ()),
    ],
)
def test_what_an_environment_lacks(environment: dict[str, str], lacks: tuple[str, ...]) -> None:
    assert lacking(environment, WANTED, "queue.fal.run") == lacks


class World:
    """Sightings in a file, and the process that has each port."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "seen"
        self.process: Process | None = Process(30, "/usr/bin/node", ("node", "app.mjs", "--key", "secret"), {})
        self.looked: list[tuple[int, int, str]] = []
        monkeypatch.setattr(processes, "holder", self._holder)
        self.seen = Sightings(self.file, {"HTTPS_PROXY": "http://x:1"}, lambda text: text.replace("secret", "[hidden]"))

    def _holder(self, local: int, remote: int, protocol: str = "tcp") -> Process | None:
        self.looked.append((local, remote, protocol))
        return self.process

    @property
    def written(self) -> list[Sighting]:
        wanted, found = sightings.read(self.file.read_text())
        assert wanted == {"HTTPS_PROXY": "http://x:1"}
        return found


NODE = Program(30, "/usr/bin/node", "node app.mjs --key [hidden]", ("HTTPS_PROXY",))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_a_program_that_goes_past_the_proxy(world: World) -> None:
    world.seen.asked("fal.run", 4000, exists=True)
    world.seen.asked("example.com", 4001, exists=False)
    world.seen.connected(ME, 443, is_past=True)
    world.seen.named(ME, "fal.run")
    for _ in range(2):
        world.seen.answered(ME, "fal.run", "node secret", is_socket=True)
    assert world.looked == [(4000, 0, "udp"), (4001, 0, "udp"), (5000, 443, "tcp")]
    assert world.written == [
        Sighting("asked", "fal.run", True, NODE),
        Sighting("unknown name", "example.com", True, NODE),
        Sighting("connected", "fal.run", True, NODE),
        Sighting("answered", "fal.run", True, NODE, "node [hidden]", (), True),
    ]


def test_a_program_that_comes_to_the_proxy(world: World) -> None:
    world.process = None
    world.seen.connected(ME, 8080, is_past=False)
    world.seen.refused(ME, "fal.run", tuple(range(20)))
    assert world.written == [Sighting("refused", "fal.run", False, None, "curl/8", tuple(range(8)))]


def test_a_connection_that_was_not_seen_to_come(world: World) -> None:
    world.seen.answered(ME, "fal.run", "x", is_socket=False)
    assert world.written == [Sighting("answered", "fal.run", False, None, "x")]


def test_a_long_command_is_cut(world: World) -> None:
    world.process = Process(1, "/a", ("x" * 300,), {})
    world.seen.asked("fal.run", 1, exists=True)
    (seen,) = world.written
    assert seen.program is not None
    assert seen.program.command == f"{'x' * 200}..."


def test_nothing_was_written() -> None:
    assert sightings.read("") == ({}, [])
