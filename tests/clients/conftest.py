"""Fixtures of the tests that drive a real mitmdump."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import sweep
from clients.elsewhere import Elsewhere
from clients.elsewhere import serving
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import upstream


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="Write the current answers to tests/golden.")


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CA for the whole session: a new one for each mitmdump would take longer than the tests."""
    return tmp_path_factory.mktemp("mitmproxy")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What starts without a folder for its CA has one for the whole session, and not in the home of who tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALMOCK_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def fal() -> Iterator[Upstream]:
    """A stand-in for fal. Its jobs take no time unless their inputs say otherwise."""
    with upstream() as fal:
        fal.pace = Pace()
        yield fal


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A server that is none of fal's, and a proxy."""
    with serving(Elsewhere()) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _nothing_secret_was_written() -> Iterator[None]:
    """After all tests, nothing that falmock logged or recorded contains a secret."""
    yield
    leaks = sweep.leaks()
    assert leaks == [], "\n".join(leaks)
