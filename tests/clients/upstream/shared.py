"""One stand-in for all tests of a file, which has them by `fal, _calm = shared.fal, shared.calm`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import upstream
from clients.upstream.files import CDN


@pytest.fixture(scope="module")
def fal() -> Iterator[Upstream]:
    """The stand-in."""
    with upstream() as fal:
        yield fal


@pytest.fixture(autouse=True)
def calm(fal: Upstream) -> Iterator[None]:
    """For each test: no job takes time unless it says so, and what the test changed is as it was."""
    fal.pace = Pace()
    yield
    fal.troubles.clear()
    fal.keys = None
    fal.files.upload_host = CDN
