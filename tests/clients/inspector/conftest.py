"""Fixtures of the tests of the inspector: a browser, a falmock and an app for each file, and a scope that is as new for each test."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page

from clients import running
from clients.inspector import inspecting
from clients.running import CLIENTS
from clients.running import Mitmdump


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with inspecting.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return inspecting.fixtures_in(tmp_path_factory.mktemp("inspector") / "fixtures")


@pytest.fixture(scope="module")
def mock(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    with running.mitmdump(confdir, fixtures=folder) as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(scope="module")
def program(mock: Mitmdump) -> Iterator[Callable[..., Any]]:
    with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
        yield app


@pytest.fixture
def app(mock: Mitmdump, program: Callable[..., Any]) -> Callable[..., Any]:
    """The app, of which falmock knows nothing yet."""
    with inspecting.control(mock) as client:
        assert client.post("/reset", params={"all": "true"}).status_code == 200
    return program


@pytest.fixture
def page(app: Callable[..., Any], chromium: Browser, mock: Mitmdump) -> Iterator[Page]:  # noqa: ARG001
    with inspecting.opened(chromium, mock) as page:
        yield page
