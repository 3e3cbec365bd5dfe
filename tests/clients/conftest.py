"""Fixtures of the tests that drive a real mitmdump."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CA for the whole session: making a new one for every mitmdump would take longer than the tests."""
    return tmp_path_factory.mktemp("mitmproxy")
