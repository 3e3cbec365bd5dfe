"""`falmock serve --workers` up to its supervisor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import serve_options
from falmock.cli.launch.workers import store_server
from falmock.cli.launch.workers import supervised
from falmock.cli.launch.workers.store_server import NoStore
from falmock.engine.config import Config


class Fake:
    """In the place of a supervisor."""

    stores: list[Any]

    def __init__(self, *parts: Any) -> None:
        Fake.stores.append(parts[-1])

    async def run(self) -> int:
        return 7


@pytest.fixture(autouse=True)
def _supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake.stores = []
    monkeypatch.setattr(supervised, "Supervisor", Fake)


def run(config: Config) -> int:
    return supervised.run([], serve_options.parser().parse_args(["--workers", "2"]), config, Path())


def test_without_a_store_they_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "program", lambda: "/bin/redis-server")
    assert run(Config()) == 7
    assert Fake.stores[0].name == "the private store (redis-server)"


def test_a_store_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "program", lambda: pytest.fail("no program is needed"))
    assert run(replace(Config(), store="redis://a")) == 7
    assert Fake.stores == [None]


def test_no_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> str:
        raise NoStore("there is none")

    monkeypatch.setattr(store_server, "program", fails)
    assert run(Config()) == 1
    assert capsys.readouterr().err == "falmock: there is none\n"
    assert Fake.stores == []
