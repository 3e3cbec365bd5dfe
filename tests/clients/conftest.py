"""Fixtures of the tests that drive a real mitmdump."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import sweep
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import upstream


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="Have today's answers be those of tests/golden.")


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CA for the whole session: making a new one for every mitmdump would take longer than the tests."""
    return tmp_path_factory.mktemp("mitmproxy")


@pytest.fixture
def fal() -> Iterator[Upstream]:
    """A stand-in for fal, whose jobs take no time unless they say so."""
    with upstream() as fal:
        fal.pace = Pace()
        yield fal


@pytest.fixture(scope="session", autouse=True)
def _nothing_secret_was_written() -> Iterator[None]:
    """At the end of all, nothing that falmock logged or recorded in any test holds a secret."""
    yield
    leaks = sweep.leaks()
    assert leaks == [], "\n".join(leaks)
