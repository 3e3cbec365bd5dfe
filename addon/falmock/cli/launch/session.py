"""A run of a program beside a falmock, from when that is ready to its report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from falmock.cli.launch import child
from falmock.cli.launch import control
from falmock.cli.launch import fal_key
from falmock.cli.launch import folder
from falmock.cli.launch import kept
from falmock.cli.launch import report
from falmock.cli.launch import words
from falmock.cli.launch.child import CannotStart
from falmock.cli.launch.control import NoAnswer
from falmock.cli.launch.exit_codes import BAD_USAGE
from falmock.cli.launch.exit_codes import FAILED
from falmock.cli.launch.log import LogFollower
from falmock.cli.launch.output import tell
from falmock.cli.launch.server import NotStarted
from falmock.cli.launch.server import Ready
from falmock.cli.launch.server import Server
from falmock.redaction.command_line import hidden
from falmock.redaction.redactor import Redactor
from falmock.serving.environment.variables import with_scope

_LOOK = 0.2
"""How often the log is looked at while the server ends (seconds)."""


class Asked(NamedTuple):
    """What a run was asked to do.

    `command` is the program, `arguments` are those of its server, `where` is the folder of what it leaves, `forwarding` the
    mode that its user chose by a flag of its own ("" for none), `scope` that of the program ("" for the default one).
    `inspects`: the inspector's page is opened.
    """

    command: Sequence[str]
    arguments: Sequence[str]
    where: Path
    forwarding: str
    scope: str
    allows_misses: bool
    is_strict: bool
    inspects: bool = False


def run(asked: Asked, server: Server | None) -> int:
    """Run the program beside this server (None: a kept one); returns the exit code."""
    began = time.time()
    token = words.control_token(asked.arguments)
    try:
        if server is None:
            ready = kept.use(asked.where, asked.arguments)
            control.call(ready.url, "DELETE", "/report", token)
            asked = asked._replace(scope=asked.scope or f"run-{os.urandom(4).hex()}")
        else:
            if asked.forwarding:
                tell(f"mode {asked.forwarding}: starting mitmproxy")
            ready = server.ready()
    except NotStarted as error:
        tell(f"falmock serve did not start:\n{error}")
        return BAD_USAGE if error.code == BAD_USAGE else FAILED
    except (NoAnswer, OSError) as error:
        tell(f"it cannot start: {error}")
        return FAILED
    try:
        if fal_key.is_missing(ready.mode):
            return BAD_USAGE
        for warning in ready.warnings:
            tell(warning)
        if asked.inspects:
            from falmock.cli.launch import inspector  # most runs need no web browser

            inspector.show(ready.url, has_token=bool(token), is_kept=server is None)
        code = child.run(asked.command, _environment(ready, asked.scope))
        return _told(asked, ready, token, code, began)
    except CannotStart as error:
        tell(str(error))
        return error.code
    finally:
        if server is not None:
            _stop(server, asked.where / folder.LOG, is_recording=bool(asked.forwarding))


def _environment(ready: Ready, scope: str) -> dict[str, str]:
    environment = {**os.environ, **ready.environment}
    if scope:
        environment |= dict.fromkeys(ready.proxied, with_scope(ready.url, scope))
        environment["FALMOCK_SCOPE"] = scope
    return environment


def _told(asked: Asked, ready: Ready, token: str, code: int, began: float) -> int:
    """Tell what happened; returns the exit code."""
    try:
        found = control.call(ready.url, "GET", f"/report?since={began}", token)
    except NoAnswer as error:
        tell(f"there is no report: {error}; the log is {asked.where / folder.LOG}")
        return code or FAILED
    command = [Redactor().text(word) for word in hidden(asked.command)]
    whole = report.as_json(found, command, code, time.time() - began, asked.scope)
    file = asked.where / folder.REPORT
    try:
        file.write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    except OSError as error:
        tell(f"the report was not written: {error}")
    for line in report.lines(whole, str(file), is_strict=asked.is_strict):
        tell(line)
    _for_github(whole, os.environ)
    return report.exit_code(whole, allows_misses=asked.allows_misses, is_strict=asked.is_strict)


def _stop(server: Server, log: Path, *, is_recording: bool) -> None:
    """End the server. A recorder first fetches files, which its log tells."""
    follower = LogFollower(log, tell)
    server.stop()
    while server.wait(_LOOK) is None:
        if is_recording:
            follower.look()
    if is_recording:
        follower.look()


def _for_github(whole: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Annotations and a summary, where a job of GitHub Actions runs this."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return
    for line in report.github_commands(whole):
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(report.summary(whole))
        except OSError as error:
            tell(f"the job's summary was not written: {error}")
