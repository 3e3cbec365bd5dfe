"""`falmock run`: real programs that are told nothing but what it tells them. A stand-in plays fal where calls are recorded."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import FALMOCK
from clients.running import write_fixtures
from clients.upstream import Upstream

FLUX = "fal-ai/flux/dev"
FIXTURES = [
    {"match": {"model": FLUX, "input": {"prompt": "a cat"}}, "response": {"json": {"seed": 7}}},
    {"match": {"model": "acme/slow"}, "response": {"json": {"n": 1}}, "queue": {"started": 0.1, "completed": 0.2}},
]
PYTHON = """
import sys
import fal_client
print(fal_client.run(sys.argv[1], arguments={"prompt": sys.argv[2]})["seed"])
print(fal_client.subscribe("acme/slow", arguments={})["n"])
"""
NODE = """
import { fal } from "@fal-ai/client";
const [model, prompt] = process.argv.slice(2);
console.log((await fal.run(model, { input: { prompt } })).data.seed);
console.log((await fal.subscribe("acme/slow", { input: {} })).data.n);
"""
OF_USERS = ("PROXY", "SSL_CERT", "NODE_", "FAL_", "FALMOCK_", "GITHUB_", "OPENSSL", "CA_BUNDLE", "PYTHONUNBUFFERED")


class Shell:
    """A folder with fixtures and programs, and a shell in which nothing is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        write_fixtures(folder / "fixtures", *FIXTURES)
        (folder / "app.py").write_text(PYTHON)
        (folder / "app.mjs").write_text(NODE)
        (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
        self.env = {
            name: value for name, value in os.environ.items() if not any(part in name.upper() for part in OF_USERS)
        }
        self.env |= {"FALMOCK_HOME": str(folder / "home"), "NO_COLOR": "1"}

    def run(self, *words: str, falmock: Sequence[str] = FALMOCK, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*falmock, "run", *words],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, *words: str, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*FALMOCK, "run", *words], cwd=self.folder, env=self.env, text=True, stderr=subprocess.PIPE, **options
        )  # type: ignore[call-overload]

    @property
    def report(self) -> dict[str, object]:
        whole: dict[str, object] = json.loads((self.folder / ".falmock" / "last.json").read_text())
        return whole


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "my app's folder")


APPS = [(sys.executable, "app.py"), ("node", "app.mjs")]


@pytest.mark.parametrize("app", APPS, ids=["python", "node"])
def test_an_app_is_answered(shell: Shell, app: tuple[str, str]) -> None:
    done = shell.run("--", *app, FLUX, "a cat")
    assert (done.returncode, done.stdout) == (0, "7\n1\n"), done.stderr
    assert re.fullmatch(
        r"falmock: \d+ calls: \d+ replayed, 0 misses; nothing was sent to fal; report: \.falmock/last\.json\n",
        done.stderr,
    )
    assert shell.report["misses"] == 0
    log = (shell.folder / ".falmock" / "last.log").read_text()
    assert f"POST https://fal.run/{FLUX}" in log
    assert (
        ".falmock"
        not in subprocess.run(
            ["git", "status", "--short", "--untracked-files=all"],
            cwd=_repository(shell),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def _repository(shell: Shell) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=shell.folder, check=True)
    return shell.folder


def test_a_miss_makes_a_run_fail_that_passed(shell: Shell) -> None:
    miss = 'import fal_client\ntry:\n    fal_client.run("fal-ai/flux/dev", arguments={"prompt": "a dog"})\nexcept Exception:\n    pass'
    done = shell.run("--fixtures", "fixtures", "--", sys.executable, "-c", miss)
    assert done.returncode == 97
    assert '$.prompt: expected "a cat", found "a dog"' in done.stderr
    assert "To record it from the real fal: falmock run --mode auto --fixtures fixtures -- " in done.stderr
    assert shell.run("--allow-misses", "--", sys.executable, "-c", miss).returncode == 0
    assert shell.run("--", sys.executable, "-c", miss + "\nraise SystemExit(4)").returncode == 4


def test_fixtures_that_are_not_used_make_a_strict_run_fail(shell: Shell) -> None:
    done = shell.run("--strict", "--", sys.executable, "-c", "pass")
    assert done.returncode == 98
    assert "2 of 2 fixtures were never used: ./fixtures/fixtures.json#0" in done.stderr
    assert shell.run("--strict", "--", sys.executable, "app.py", FLUX, "a cat").returncode == 0


def test_nothing_of_mitmproxy_is_started_in_replay(shell: Shell) -> None:
    look = (
        "import os, pathlib\nparent = os.getppid()\n"
        "children = pathlib.Path(f'/proc/{parent}/task/{parent}/children').read_text().split()\n"
        "for pid in (parent, *children):\n"
        "    print('mitmproxy' in pathlib.Path(f'/proc/{pid}/maps').read_text())"
    )
    assert shell.run("--", sys.executable, "-c", look).stdout.split() == ["False"] * 3


@pytest.mark.parametrize("app", APPS, ids=["python", "node"])
def test_an_app_is_recorded_and_replayed(shell: Shell, fal: Upstream, app: tuple[str, str]) -> None:
    program = (
        'import fal_client; print(fal_client.run("test/echo", arguments={"prompt": "a cow", "seed": 1})["input"]["prompt"])'
        if app[1] == "app.py"
        else 'import { fal } from "@fal-ai/client"; console.log((await fal.run("test/echo", { input: { prompt: "a cow" } })).data.input.prompt)'
    )
    command = [app[0], "-c", program] if app[1] == "app.py" else ["node", "--input-type=module", "-e", program]
    without = shell.run("--record", "--", *command, falmock=fal.falmock)
    assert (without.returncode, without.stdout) == (2, "")
    assert "FAL_KEY is not set" in without.stderr
    done = shell.run("--record", "--fixtures", "recorded", "--", *command, falmock=fal.falmock, FAL_KEY=running.KEY)
    assert (done.returncode, done.stdout) == (0, "a cow\n"), done.stderr
    assert "forwarded to fal" in done.stderr
    assert "nothing was sent" not in done.stderr
    (file,) = (shell.folder / "recorded").rglob("a-cow*.json")
    assert running.KEY not in file.read_text()
    again = shell.run("--fixtures", "recorded", "--strict", "--", *command)
    assert (again.returncode, again.stdout) == (0, "a cow\n"), again.stderr


def waits(handler: str = "") -> str:
    """A program that says when it is ready, and then waits."""
    return f"import signal, sys, time\n{handler}\nopen('ready', 'w').close()\ntime.sleep(60)"


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def server_of(run: subprocess.Popen[str]) -> int:
    """The server's process, the first child of the command's."""
    return int(Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()[0])


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("handler", "number", "code"),
    [
        ("", signal.SIGTERM, 128 + 15),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(40))", signal.SIGTERM, 40),
        ("signal.signal(signal.SIGINT, signal.SIG_DFL)", signal.SIGINT, 128 + 2),
    ],
)
def test_a_signal_is_the_programs(shell: Shell, handler: str, number: int, code: int) -> None:
    with shell.start("--", sys.executable, "-c", waits(handler), stdin=subprocess.DEVNULL) as run:
        until((shell.folder / "ready").exists)
        server = server_of(run)
        run.send_signal(number)
        assert run.wait(60) == code
    assert is_gone(server)
    assert (shell.folder / ".falmock" / "last.json").exists()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_at_a_terminal(shell: Shell, times: int) -> None:
    """The program gets each once, and the server is there until it has ended."""
    handler = (
        "seen = []\ndef came(*_):\n    seen.append(1)\n    open(f'seen{len(seen)}', 'w').close()\n"
        f"    if len(seen) == {times}:\n        time.sleep(0.2)\n        sys.exit(len(seen))\n"
        "signal.signal(signal.SIGINT, came)"
    )
    ours, its = pty.openpty()
    try:
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            os.login_tty(its)
            os.chdir(shell.folder)
            os.execve(sys.executable, [*FALMOCK, "run", "--", sys.executable, "-c", waits(handler)], shell.env)
        os.close(its)
        until((shell.folder / "ready").exists)
        for time_ in range(1, times + 1):
            os.write(ours, b"\x03")
            until((shell.folder / f"seen{time_}").exists)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(ours)
    assert os.waitstatus_to_exitcode(status) == times
    assert not (shell.folder / f"seen{times + 1}").exists()
    assert shell.report["exit_code"] == times


def test_its_server_ends_when_it_is_killed(shell: Shell) -> None:
    with shell.start("--", sys.executable, "-c", waits()) as run:
        until((shell.folder / "ready").exists)
        pids = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
        run.kill()
        run.wait()
        os.kill(pids[1], signal.SIGKILL)
    until(lambda: is_gone(pids[0]))


def test_a_program_that_leaves_another_one_behind(shell: Shell) -> None:
    """The run is over when the program is: nobody waits for what it left, whose calls find no falmock then."""
    leaves = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(30)\nelse:\n    os._exit(3)"
    began = time.monotonic()
    with shell.start("--", sys.executable, "-c", leaves, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        assert run.wait(60) == 3
        assert time.monotonic() - began < 25


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--", "no-such-program"], 127, "there is no program 'no-such-program'"),
        (["--", "./fixtures/fixtures.json"], 126, "cannot be started: Permission denied"),
        (["--fixtures", "nowhere", "--", "true"], 96, "nowhere"),
        (["--pase", "x", "--", "true"], 2, "did you mean '--pace'?"),
        ([], 2, "there is no COMMAND"),
    ],
)
def test_what_cannot_start(shell: Shell, words: list[str], code: int, text: str) -> None:
    done = shell.run(*words)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(shell: Shell, confdir: Path) -> None:
    with running.serve(confdir, fixtures=shell.folder / "fixtures") as other:
        done = shell.run("--port", str(other.ports[0]), "--", "true")
    assert done.returncode == 96
    assert f"port {other.ports[0]} is taken" in done.stderr


def test_a_server_that_is_kept(shell: Shell) -> None:
    try:
        scopes = set()
        for _ in range(2):
            done = shell.run("--keep", "--", sys.executable, "app.py", FLUX, "a cat")
            assert (done.returncode, done.stdout) == (0, "7\n1\n"), done.stderr
            scopes.add(shell.report["scope"])
        assert len(scopes) == 2
        assert shell.report["misses"] == 0
        pid = json.loads((shell.folder / ".falmock" / "server.json").read_text())["ready"]["pid"]
        assert not is_gone(pid)
    finally:
        done = subprocess.run([*FALMOCK, "stop"], cwd=shell.folder, env=shell.env, check=False, timeout=60)
    assert done.returncode == 0
    until(lambda: is_gone(pid))


def test_a_server_that_nobody_calls_ends(shell: Shell) -> None:
    words = ["serve", "--port", "0", "--idle-timeout", "100ms"]
    done = subprocess.run(
        [*FALMOCK, *words], cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=True, timeout=60
    )
    assert "no call came for 0.1 s (--idle-timeout): falmock ends" in done.stdout


def test_the_variables_of_github(shell: Shell, tmp_path: Path) -> None:
    miss = f"import fal_client\ntry:\n    fal_client.run('{FLUX}', arguments={{'prompt': 'a dog'}})\nexcept Exception:\n    pass"
    summary = tmp_path / "summary"
    done = shell.run("--", sys.executable, "-c", miss, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert f"::error title=falmock%3A no fixture answers a call to {FLUX}::" in done.stderr
    assert "### falmock" in summary.read_text()
