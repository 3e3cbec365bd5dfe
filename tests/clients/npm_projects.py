"""Folders of JavaScript users, who have installed falmock's npm package and a test runner."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from clients.running import CLIENTS
from clients.running import ROOT

PACKAGE = ROOT / "addon" / "npm"
PROJECTS = CLIENTS / "npm"
FALMOCK_COMMAND = f'"{sys.executable}" -m falmock.cli'
SECONDS = 120
_BLOCK = re.compile(r"^```(?:js|sh) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Ended(NamedTuple):
    """How a program ended, and all that it printed."""

    code: int
    output: str


class User:
    """Somebody whose home folder and program falmock are those of the tests."""

    def __init__(self, home: Path) -> None:
        self.env = {
            **{
                name: value
                for name, value in os.environ.items()
                if not re.search("proxy|^FAL_|^NODE_", name, re.IGNORECASE)
            },
            "HOME": str(home),
            "FALMOCK_COMMAND": FALMOCK_COMMAND,
            "NO_COLOR": "1",
            "npm_config_update_notifier": "false",
        }

    def run(self, folder: Path, *command: str, **env: str) -> Ended:
        """Run a command in a folder, with these variables besides the user's own; an empty one is not set."""
        variables = {name: value for name, value in {**self.env, **env}.items() if value}
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout)


def pack(user: User, folder: Path) -> tuple[Path, set[str]]:
    """What `npm pack` makes: the archive, and the files in it."""
    packed = user.run(PACKAGE, "npm", "pack", "--json", "--loglevel=error", "--pack-destination", str(folder))
    (made,) = json.loads(packed.output)
    return folder / made["filename"], {each["path"] for each in made["files"]}


def project(folder: Path, archive: Path, kind: str) -> Path:
    """A copy of a folder of `npm/`, with the test runners, fal's client, and falmock as `npm install` unpacks it."""
    shutil.copytree(PROJECTS / kind, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for installed in (*(PROJECTS / "node_modules").iterdir(), CLIENTS / "node_modules" / "@fal-ai"):
        (modules / installed.name).symlink_to(installed)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    (folder / "package").rename(modules / "falmock")
    shutil.copy(PROJECTS / "calls.mjs", folder)
    (folder / "fixtures").mkdir()
    shutil.copy(PROJECTS / "fixtures.json", folder / "fixtures")
    return folder


def printed() -> dict[str, str]:
    """The named code blocks of the package's README."""
    return dict(_BLOCK.findall((PACKAGE / "README.md").read_text("utf-8")))


def of_vitest(report: Path) -> dict[str, str]:
    """Each test in a JSON report of vitest or jest, and why it failed; empty if it passed."""
    results = json.loads(report.read_text("utf-8"))["testResults"]
    tests = [each for file in results for each in file["assertionResults"]]
    assert not [file["message"] for file in results if not file["assertionResults"]]
    return {each["fullName"].strip(): _why(each["status"], each["failureMessages"]) for each in tests}


def of_playwright(report: Path) -> dict[str, str]:
    """The same for a JSON report of Playwright."""
    found = json.loads(report.read_text("utf-8"))
    assert found["errors"] == []
    return {
        spec["title"]: _why("passed" if spec["ok"] else "failed", [each["message"] for each in _errors(spec)])
        for suite in found["suites"]
        for spec in suite["specs"]
    }


def _errors(spec: dict[str, Any]) -> Sequence[dict[str, str]]:
    return [error for test in spec["tests"] for result in test["results"] for error in result["errors"]]


def _why(status: str, messages: Sequence[str]) -> str:
    return "" if status == "passed" else "\n".join(messages) or status
