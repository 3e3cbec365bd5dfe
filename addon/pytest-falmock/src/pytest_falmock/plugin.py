"""The pytest plugin: options, the fixture `falmock`, the mark `falmock`, and what is told about them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pytest_falmock import marks
from pytest_falmock import report
from pytest_falmock import session
from pytest_falmock import settings
from pytest_falmock.errors import FalmockError
from pytest_falmock.mock import Falmock
from pytest_falmock.server import Ready
from pytest_falmock.session import Session
from pytest_falmock.types import Call

_WORKER = "PYTEST_XDIST_WORKER"
_INPUT, _OUTPUT, _KEY = "workerinput", "workeroutput", "falmock"
_FOLDER, _REPORT = ".falmock", "last.json"
_NO_TESTS = (
    *("help", "version", "markers", "collectonly", "setupplan", "cacheshow"),
    *("showfixtures", "show_fixtures_per_test"),
)
"""The options with which pytest runs no test."""
_SESSION = pytest.StashKey[Session]()
_MOCK = pytest.StashKey[Falmock]()
_SEEN = pytest.StashKey[int]()
"""How many misses of a test were told."""
_FAILED = pytest.StashKey[bool]()
"""Whether a test failed for its misses, whose reports are the failure."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    settings.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before the first `conftest.py` is imported, so that clients made there have the environment."""
    handed = session.handed_on(os.environ, os.getppid()) if _WORKER in os.environ else None
    if _WORKER not in os.environ or handed is not None:
        _begin(early_config, early_config.known_args_namespace, handed)


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark; start now where that was too early."""
    config.addinivalue_line("markers", marks.LINE)
    if _SESSION not in config.stash:
        text = getattr(config, _INPUT, {}).get(_KEY)
        _begin(config, config.option, None if text is None else Ready.from_json(text))


def _begin(config: pytest.Config, namespace: Any, handed: Ready | None) -> None:
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


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what answers."""
    started = config.stash.get(_SESSION, None)
    return None if started is None else f"falmock: mode {started.settings.mode} at {started.ready.url}"


# tests


@pytest.fixture
def falmock(request: pytest.FixtureRequest) -> Iterator[Falmock]:
    """falmock as this test sees it: see pytest_falmock.Falmock."""
    item, started = request.node, request.config.stash.get(_SESSION, None)
    if started is None:
        pytest.skip("falmock is off (--falmock-mode=off): this test asks it for something")
    try:
        test = started.test(item.nodeid, item.path, marks.read(item))
        with test as mock:
            item.stash[_MOCK] = mock
            try:
                yield mock
            finally:
                del item.stash[_MOCK]
                calls = mock.journal
                started.tests += 1
            _fail_for_misses(item, mock, calls)
    except FalmockError as error:
        pytest.fail(f"falmock: {error}", pytrace=False)


@pytest.fixture(autouse=True)
def _falmock_of_mark(request: pytest.FixtureRequest) -> None:
    """The mark alone is enough."""
    if request.node.get_closest_marker(marks.NAME) is not None and _SESSION in request.config.stash:
        request.getfixturevalue("falmock")


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail if calls missed. This is called after the test itself, and only if that did not raise."""
    mock = item.stash.get(_MOCK, None)
    if mock is not None:
        _fail_for_misses(item, mock, mock.misses)


def _fail_for_misses(item: pytest.Item, mock: Falmock, calls: list[Call]) -> None:
    misses = [call for call in calls if call["miss"] is not None]
    new = misses[item.stash.get(_SEEN, 0) :]
    item.stash[_SEEN] = len(misses)
    if new and not mock.misses_allowed and mock.mode == "replay":
        item.stash[_FAILED] = True
        pytest.fail(report.missed(new), pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Put the journal into the report of a test that failed."""
    mock = item.stash.get(_MOCK, None)
    if mock is None or call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return
    try:
        calls = mock.journal
    except FalmockError as error:
        item.add_report_section(call.when, "falmock", str(error))
        return
    item.stash[_SEEN] = sum(each["miss"] is not None for each in calls)
    has_reports = not item.stash.get(_FAILED, False)
    item.add_report_section(call.when, "falmock", report.journal(calls, has_reports=has_reports))


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
        node.workerinput[_KEY] = started.ready.to_json()


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
