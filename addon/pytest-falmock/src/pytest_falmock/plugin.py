"""The pytest plugin: options, the fixture `falmock`, the mark `falmock`, and what is told about them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_falmock import marks
from pytest_falmock import report
from pytest_falmock import session
from pytest_falmock import settings
from pytest_falmock.errors import FalmockError
from pytest_falmock.mock import Falmock
from pytest_falmock.session import Handed
from pytest_falmock.session import Session

_WORKER = "PYTEST_XDIST_WORKER"
_INPUT, _OUTPUT, _KEY = "workerinput", "workeroutput", "falmock"
_FOLDER, _REPORT = ".falmock", "last.json"
_NO_TESTS = (
    *("help", "version", "markers", "collectonly", "setupplan", "cacheshow"),
    *("showfixtures", "show_fixtures_per_test"),
)
"""The options with which pytest runs no test."""
_SESSION = pytest.StashKey[Session]()


@dataclass
class _Running:
    """A test that runs: how many of its misses were told, and whether they are why it failed."""

    mock: Falmock
    told: int = 0
    failed: bool = False


_RUNNING = pytest.StashKey[_Running]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    settings.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before the first `conftest.py` is imported, so that clients made there have the environment."""
    handed = session.read_handed(os.environ.get(session.HANDED, ""), os.getppid()) if _WORKER in os.environ else None
    if _WORKER not in os.environ or handed is not None:
        _begin(early_config, early_config.known_args_namespace, handed)


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark; start now where that was too early."""
    config.addinivalue_line("markers", marks.LINE)
    if _SESSION not in config.stash:
        _begin(config, config.option, session.read_handed(getattr(config, _INPUT, {}).get(_KEY, "")))


def _begin(config: pytest.Config, namespace: Any, handed: Handed | None) -> None:
    if any(getattr(namespace, name, None) for name in _NO_TESTS):
        return
    try:
        chosen = settings.read(config, namespace, os.environ)
        if chosen.mode == settings.OFF:
            return
        started = Session(chosen, os.environ.get(_WORKER, "") if handed is not None else "", handed)
    except FalmockError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_SESSION] = started
    config.add_cleanup(lambda: _end(started))


def _end(started: Session) -> None:
    with suppress(FalmockError):
        started.stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what answers."""
    started = config.stash.get(_SESSION, None)
    if started is None:
        return []
    first = f"falmock: mode {started.settings.mode} at {started.ready.url}"
    return [first, *(f"falmock: {text}" for text in started.ready.warnings)]


# tests


@pytest.fixture
def falmock(request: pytest.FixtureRequest) -> Iterator[Falmock]:
    """falmock as this test sees it: see pytest_falmock.Falmock."""
    item, started = request.node, request.config.stash.get(_SESSION, None)
    if started is None:
        pytest.skip("falmock is off (--falmock-mode=off): this test asks it for something")
    with _failing(), started.test(item.nodeid, item.path, marks.read(item)) as mock:
        running = item.stash[_RUNNING] = _Running(mock)
        try:
            yield mock
        finally:
            del item.stash[_RUNNING]
            started.tests += 1
        _fail_for_misses(running)


@contextmanager
def _failing() -> Iterator[None]:
    """Have a FalmockError fail the test, without a traceback."""
    try:
        yield
    except FalmockError as error:
        raise pytest.fail.Exception(f"falmock: {error}", pytrace=False) from None


@pytest.fixture(autouse=True)
def _falmock_of_mark(request: pytest.FixtureRequest) -> None:
    """The mark alone is enough."""
    if request.node.get_closest_marker(marks.NAME) is not None and _SESSION in request.config.stash:
        request.getfixturevalue("falmock")


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail if calls missed. This is called after the test itself, and only if that did not raise."""
    running = item.stash.get(_RUNNING, None)
    if running is not None:
        with _failing():
            _fail_for_misses(running)


def _fail_for_misses(running: _Running) -> None:
    mock = running.mock
    if mock.mode != "replay":
        return
    misses = mock.misses
    new = misses[running.told :]
    running.told = len(misses)
    if new and not mock.misses_allowed:
        running.failed = True
        pytest.fail(report.missed(new), pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Put the journal into the report of a test that failed. Its misses are told then: they do not fail it again."""
    running = item.stash.get(_RUNNING, None)
    if running is None or call.excinfo is None:
        return
    try:
        calls = running.mock.journal
    except FalmockError as error:
        text = str(error)
    else:
        running.told = sum(each["miss"] is not None for each in calls)
        text = report.journal(calls, has_reports=not running.failed)
    if not call.excinfo.errisinstance(pytest.skip.Exception):
        item.add_report_section(call.when, "falmock", text)


# the end


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist ends what it started, and tells the controller what happened there."""
    started = session.config.stash.get(_SESSION, None)
    output = getattr(session.config, _OUTPUT, None)
    if started is not None and output is not None:
        started.stop()
        output[_KEY] = json.dumps([started.tests, started.reports])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new worker of pytest-xdist where falmock is."""
    started = node.config.stash.get(_SESSION, None)
    if started is not None:
        node.workerinput[_KEY] = started.handed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001
    """A worker of pytest-xdist has ended."""
    started = node.config.stash.get(_SESSION, None)
    told = getattr(node, _OUTPUT, {}).get(_KEY)
    if started is not None and told is not None:
        tests, reports = json.loads(told)
        started.tests += tests
        started.reports += reports


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Wait for what is recorded; say in one line what happened."""
    started = config.stash.get(_SESSION, None)
    if started is None:
        return
    records = started.settings.records
    if records:
        terminalreporter.write_line("falmock: completing the recordings...")
        terminalreporter.flush()
    said = started.stop()
    whole = report.joined(started.reports) if started.reports else None
    if whole is not None and (started.tests or whole["calls"]):
        file = _write(
            config, report.as_json(whole, ["pytest", *config.invocation_params.args], int(exitstatus), started.seconds)
        )
        terminalreporter.write_line(report.summary(whole, started.tests, file))
    for line in said if records else ():
        terminalreporter.write_line(line)


def _write(config: pytest.Config, value: dict[str, Any]) -> str:
    """Write the report where `falmock run` writes it; return the path, or why it is not there."""
    folder = config.rootpath / _FOLDER
    try:
        folder.mkdir(exist_ok=True)
        ignored = folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", "ascii")
        (folder / _REPORT).write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    except OSError as error:
        return f"none ({error})"
    return f"{_FOLDER}/{_REPORT}"
