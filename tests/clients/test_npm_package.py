"""The npm package as it is packed and installed: its files, its command, its core without a test runner."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from clients import npm_projects
from clients.npm_projects import PACKAGE
from clients.npm_projects import PROJECTS
from clients.npm_projects import User
from clients.running import ROOT

NODE = Path(shutil.which("node") or "")
VERSION = json.loads((PACKAGE / "package.json").read_text("utf-8"))["version"]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def installed(user: User, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's command has installed the package."""
    folder = tmp_path_factory.mktemp("npm")
    (folder / "falmock").symlink_to(ROOT)
    app = folder / "an app's folder"
    app.mkdir()
    (app / "package.json").write_text('{"private": true}', "utf-8")
    ended = user.run(app, "sh", "-c", npm_projects.printed()["install"], npm_config_offline="true")
    assert ended.code == 0, ended.output
    for file in ("calls.mjs", "core.test.mjs"):
        shutil.copy(PROJECTS / file, app)
    (app / "fixtures").mkdir()
    shutil.copy(PROJECTS / "fixtures.json", app / "fixtures")
    return app


def test_the_archive_has_all_files(user: User, tmp_path: Path) -> None:
    _, files = npm_projects.pack(user, tmp_path)
    committed = subprocess.run(["git", "ls-files"], cwd=PACKAGE, capture_output=True, text=True, check=True)
    assert files == set(committed.stdout.split())


def test_the_version_is_falmocks(user: User, installed: Path) -> None:
    """The version of the command, which `npx` finds first."""
    ended = user.run(installed, "npx", "--no-install", "falmock", "--version")
    assert (ended.code, ended.output.strip()) == (0, f"falmock {VERSION}")


def test_without_a_test_runner(user: User, installed: Path) -> None:
    ended = user.run(installed, "node", "--test", "core.test.mjs")
    assert ended.code == 0, ended.output


# the command


def falmock(user: User, app: Path, *arguments: str, **env: str) -> npm_projects.Ended:
    """Run the package's own command, as npm's scripts do."""
    folders = f"{app / 'node_modules' / '.bin'}:{user.env['PATH']}"
    return user.run(app, "falmock", *arguments, **{"PATH": folders, **env})


def test_it_passes_arguments_and_exit_codes_on(user: User, installed: Path) -> None:
    ended = falmock(user, installed, "run", "a b", "--", FALMOCK_COMMAND='sh -c \'printf "<%s>" "$@"; exit 7\' sh')
    assert (ended.code, ended.output) == (7, "<run><a b><-->")
    ended = falmock(user, installed, FALMOCK_COMMAND="sh -c 'kill -KILL $$'")
    assert ended.code == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_passes_signals_on(user: User, installed: Path, number: signal.Signals) -> None:
    """Without a terminal; the program ends as it likes."""
    program = (
        "import signal, sys, time; "
        f"signal.signal({int(number)}, lambda *_: sys.exit(5)); "
        "print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        ["node", "node_modules/falmock/bin/falmock.cjs"],
        cwd=installed,
        env=user.env | {"FALMOCK_COMMAND": f'"{sys.executable}" -c "{program}"'},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        assert output.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(30) == 5


def test_ctrl_c_reaches_the_program_once(user: User, installed: Path) -> None:
    """In a terminal, which sends it to both: what reaches the command is not passed on."""
    program = (
        "import signal, time; found = []; signal.signal(signal.SIGINT, lambda *_: found.append(1)); "
        "print('ready', flush=True); time.sleep(1); time.sleep(0.5); print(f'found {len(found)}.')"
    )
    ours, its = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", "exec node node_modules/falmock/bin/falmock.cjs"],
        cwd=installed,
        env=user.env | {"FALMOCK_COMMAND": f'"{sys.executable}" -c "{program}"'},
        stdin=its,
        stdout=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the terminal is the session's own
    )
    os.close(its)
    with process, os.fdopen(ours, "r+b", buffering=0) as terminal:
        output = b""
        while b"ready" not in output:
            output += terminal.read(1024)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        terminal.write(b"\x03")
        while b"." not in output:
            output += terminal.read(1024)
        assert b"found 1." in output
        assert process.wait(30) == 0


def test_it_finds_the_program_behind_itself(user: User, installed: Path, tmp_path: Path) -> None:
    """On PATH are: itself in node_modules/.bin, pnpm's script for it, and what pip makes."""
    script(tmp_path / "pnpm" / "falmock", '#!/bin/sh\nexec node "$basedir/node_modules/falmock/bin/falmock.cjs" "$@"\n')
    script(tmp_path / "npm" / "falmock", "#!/usr/bin/env node\n")
    script(tmp_path / "node" / "bin" / "falmock", f"#!{sys.executable}\nprint('the program')\n")
    folders = [installed / "node_modules" / ".bin", *(tmp_path / name for name in ("none", "pnpm", "npm", "node/bin"))]
    path = ":".join(map(str, (*folders, "/usr/bin", "/bin", NODE.parent)))
    ended = user.run(installed, "falmock", FALMOCK_COMMAND="", PATH=path)
    assert (ended.code, ended.output) == (0, "the program\n")


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_no_program(user: User, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "node").symlink_to(NODE)
    path = f"{installed / 'node_modules' / '.bin'}:{tmp_path}"
    ended = user.run(installed, "falmock", FALMOCK_COMMAND="", PATH=path)
    assert ended.code == 127
    assert "found none on PATH" in ended.output
    assert "FALMOCK_COMMAND=" in ended.output
    assert ".cjs" not in ended.output, "a traceback"
    for command, says in (
        ("./nothing", "nothing cannot be started: "),
        ('""', "expected a command"),
        ("falmock", "the Python one"),
    ):
        ended = falmock(user, installed, FALMOCK_COMMAND=command)
        assert (ended.code, ".cjs" in ended.output) == (127, False)
        assert says in ended.output


def test_falmock_run(user: User, installed: Path) -> None:
    """Its exit code is the program's, or says that calls missed."""
    program = 'import("./calls.mjs").then(async ({ run }) => console.log(JSON.stringify(await run(process.argv[1]))))'
    command = ("run", "--", "node", "-e", program)
    begun = time.monotonic()
    ended = falmock(user, installed, *command, "a cat")
    assert ended.code == 0, ended.output
    assert '{"seed":7}' in ended.output
    assert time.monotonic() - begun < 30
    ended = falmock(user, installed, *command, "a dog")
    assert ended.code == 97, ended.output
    assert 'expected "a cat", found "a dog"' in ended.output
