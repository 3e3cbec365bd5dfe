"""Programs in a network of their own, which `falmock run --transparent` and `falmock doctor` make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clients import running

BUN = running.CLIENTS / "runtimes" / "node_modules" / "bun" / "bin" / "bun"
_PROBLEM = "from falmock.cli.launch import namespace; print(namespace.problem(), end='')"


class Ended(NamedTuple):
    """A command that ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


def require() -> None:
    """Skip the test if no such network can be made, and say why. In CI it fails."""
    problem = running.run([sys.executable, "-c", _PROBLEM], dict(os.environ))
    if problem:
        running.lacking(problem)


def falmock(
    folder: Path, confdir: Path, words: Sequence[str], prefix: Sequence[str] = (), more: Mapping[str, str] | None = None
) -> Ended:
    """Run a command of falmock's with the fixtures in a folder. `prefix` stands before it, `more` is in its environment."""
    command, *rest = words
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {"NO_COLOR": "1"}
    done = subprocess.run(
        [*prefix, *running.FALMOCK, command, "--confdir", str(confdir), "--fixtures", str(folder / "fixtures"), *rest],
        env=env | dict(more or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f'File "{running.ROOT}/addon/falmock' not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def needs(program: str, package: str) -> str:
    """The path of a program. Without it the test is skipped."""
    found = shutil.which(program)
    if found is None:
        running.lacking(f"{program} is not installed (Debian's package {package})")
    return found


def bun() -> str:
    """The path of Bun. Without it the test is skipped."""
    if not BUN.exists():
        running.lacking(f"{BUN} is missing: npm ci in tests/clients/runtimes installs it, for Linux on x64")
    return str(BUN)
