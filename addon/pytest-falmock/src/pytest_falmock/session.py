"""falmock for one test session: its servers, the environment, and a scope for each test."""

from __future__ import annotations

import json
import os
import re
import time
from collections import OrderedDict
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import NamedTuple

from pytest_falmock import command
from pytest_falmock import server
from pytest_falmock.clients import EnvironmentOfAiohttp
from pytest_falmock.clients import Renewed
from pytest_falmock.control import Control
from pytest_falmock.control import segment
from pytest_falmock.environment import Patch
from pytest_falmock.environment import put
from pytest_falmock.environment import python_path
from pytest_falmock.environment import scope_name
from pytest_falmock.environment import with_scope
from pytest_falmock.errors import FalmockError
from pytest_falmock.marks import Marked
from pytest_falmock.mock import Falmock
from pytest_falmock.report import Report
from pytest_falmock.server import Ready
from pytest_falmock.server import Server
from pytest_falmock.settings import Settings

HANDED = "PYTEST_FALMOCK_SESSION"
"""The environment variable by which pytest-xdist's workers find the falmock of their session."""
_SCOPE = "pytest"
_PATH = "PYTHONPATH"
_MOST = 4
"""How many servers with fixtures of their own run at the same time."""
_TOLD = re.compile(r"^\[[\d:.]+\] (falmock: (?!\d+ calls?: ).*)$", re.MULTILINE)
"""A line of its log, but for the counts of calls, which the report has."""


class Handed(NamedTuple):
    """The falmock of another process of the session, and what the variables of its environment were before."""

    ready: Ready
    before: dict[str, str | None]


class Session:
    """falmock in one process of a test session: the only one, the controller of pytest-xdist, or a worker of it (`worker`).

    Clients of this process name one scope as long as they live. It is an alias of the scope of the test that runs, so
    that clients that were made before a test are the test's too.
    """

    def __init__(self, settings: Settings, worker: str = "", handed: Handed | None = None) -> None:
        """Use the falmock that was started elsewhere (`handed`), or start one. Raises FalmockError."""
        self.settings = settings
        self._began = time.time()
        self.tests = 0
        """How many tests used it."""
        self.reports: list[Report] = []
        """Those of the falmocks that were started here and have ended."""
        self._worker = worker
        self._environ = dict(os.environ)
        """Without falmock."""
        self._own: Server | None = None
        self._others: OrderedDict[tuple[Path, ...], tuple[Server, Ready]] = OrderedDict()
        self._fixtures = settings.folders()
        around = handed or read_handed(os.environ.get(HANDED, ""))  # this may be pytest within a test
        if around is not None:
            put(self._environ, around.before)
        if handed is None:
            self._own, self.ready = self._start(self._fixtures if settings.fixtures else ())
        else:
            self.ready = handed.ready
        self._patch = Patch(os.environ, self._variables(self.ready))
        if handed is None:
            os.environ[HANDED] = self.handed()

    def handed(self) -> str:
        """For the workers of pytest-xdist: see `read_handed`."""
        return json.dumps(
            {"pid": os.getpid(), "ready": asdict(self.ready), "before": {**self._patch.before, HANDED: None}}
        )

    @property
    def seconds(self) -> float:
        """How long it has been there."""
        return time.time() - self._began

    @property
    def _scope(self) -> str:
        return scope_name(_SCOPE, self._worker)

    def _variables(self, ready: Ready) -> Mapping[str, str]:
        proxied = dict.fromkeys(ready.proxied, with_scope(ready.url, self._scope))
        return {**ready.environment, **proxied, "FALMOCK_SCOPE": self._scope}

    def _start(self, fixtures: tuple[Path, ...]) -> tuple[Server, Ready]:
        words = command.find(self._environ)
        started = Server(words, server.arguments(self.settings, fixtures), self.settings.root, self._environ)
        told = started.ready.environment
        if _PATH in told:
            told = {**told, _PATH: python_path(told[_PATH], self._environ.get(_PATH, ""))}
        return started, replace(started.ready, environment=told)

    # tests

    @contextmanager
    def test(self, node_id: str, module: Path, marked: Marked) -> Iterator[Falmock]:
        """falmock for a test, with a scope of its own, which ends with the test. Raises FalmockError."""
        ready = self._ready(marked.fixtures or self.settings.folders(module), are_marked=marked.fixtures is not None)
        scope = scope_name(self._worker, node_id)
        mock = Falmock(ready, self.settings.mode, scope, misses_allowed=marked.allow_misses)
        control, ours = Control(ready.url), f"/scopes/{segment(scope)}"
        control.answer("DELETE", ours)  # of the same test, run before
        control.ask("PUT", ours, {} if marked.pace is None else {"pace": marked.pace})
        with ExitStack() as stack:
            stack.callback(control.answer, "DELETE", ours)
            control.ask("PUT", f"/scopes/{segment(self._scope)}", {"alias_of": scope})
            if marked.faults:
                mock.set_faults(*marked.faults)
            if ready is not self.ready:
                stack.callback(Patch(os.environ, self._variables(ready)).undo)
            stack.callback(EnvironmentOfAiohttp().undo)
            stack.callback(Renewed(differs=ready is not self.ready).undo)
            yield mock

    def _ready(self, fixtures: tuple[Path, ...], *, are_marked: bool) -> Ready:
        """The falmock with these fixtures."""
        if self.settings.mode == "replay":
            there = tuple(path for path in fixtures if path.exists())
            if are_marked and there != fixtures:
                missing = next(path for path in fixtures if path not in there)
                raise FalmockError(f"@pytest.mark.falmock: fixtures: there is nothing at {missing}")
            if not there or there == tuple(path for path in self._fixtures if path.exists()):
                return self.ready
            fixtures = there
        if fixtures == self._fixtures:
            return self.ready
        found = self._others.get(fixtures)
        if found is None:
            while len(self._others) >= _MOST:
                self._stop(self._others.popitem(last=False)[1][0])
            found = self._others[fixtures] = self._start(fixtures)
        self._others.move_to_end(fixtures)
        return found[1]

    # the end

    def stop(self) -> list[str]:
        """End what was started here, and wait until recordings are complete; return what falmock said at the end."""
        said: list[str] = []
        while self._others:
            said += self._stop(self._others.popitem(last=False)[1][0])
        own, self._own = self._own, None
        if own is not None:
            os.environ.pop(HANDED, None)
            said += self._stop(own)
        self._patch.undo()
        return said

    def _stop(self, ending: Server) -> list[str]:
        with suppress(FalmockError):  # it has ended before
            self.reports.append(Control(ending.ready.url).ask("GET", "/report"))
        return _TOLD.findall(ending.stop())


def read_handed(text: str, parent: int | None = None) -> Handed | None:
    """The falmock of another process (`Session.handed`); None if the text is not that, or not of the process `parent`."""
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    if parent not in (None, found["pid"]):
        return None
    return Handed(Ready(**found["ready"]), found["before"])
