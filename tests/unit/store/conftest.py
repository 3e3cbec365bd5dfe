"""One server of each engine for all tests of a run."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator

import pytest

from falmock.store.interface import Store
from unit.store.servers import ENGINES
from unit.store.servers import Server
from unit.store.servers import maker
from unit.store.servers import server


@pytest.fixture(scope="session", params=ENGINES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(request.param) as started:
        yield started


@pytest.fixture(scope="session", params=("memory", *ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Server | None]:
    if request.param == "memory":
        yield None
        return
    with server(request.param) as started:
        yield started


@pytest.fixture
def make(engine: Server | None) -> Callable[[], Store]:
    return maker(engine)
