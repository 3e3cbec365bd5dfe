"""A `falmock serve` with several workers, and all its processes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

import httpx

from clients import running
from clients.replicas.group import needs_server
from clients.running import Mitmdump

FLUX = "fal-ai/flux/dev"
FIXTURE = {"match": {"model": FLUX}, "response": {"json": {"seed": 1}}}
ONE_SOCKET = "from falmock.cli.launch.workers import ports; ports.SPREADS = False"
"""As on systems that do not spread connections over several sockets."""
_WORKER = (
    "import sys; from falmock.cli.launch.workers import with_parent; with_parent.IS_TOLD = False; "
    "from falmock.cli.main import main; sys.exit(main())"
)
NOT_TOLD = f"from falmock.cli.launch.workers import worker_process as w; w.COMMAND = (sys.executable, '-c', {_WORKER!r}, 'serve')"
"""As on systems that do not end workers with their parent."""
_ANSWERED = re.compile(r"^\[(\d+)\] \S+: POST ", re.MULTILINE)


def changed(code: str) -> tuple[str, ...]:
    """The program `falmock` after this code."""
    return sys.executable, "-c", f"import sys; from falmock.cli.main import main; {code}; sys.exit(main())"


@contextmanager
def workers(
    confdir: Path, *arguments: str, fixtures: Path, code: str = "pass", cwd: Path | None = None
) -> Iterator[Mitmdump]:
    """Two workers that are ready. None of their processes is left."""
    needs_server()
    with running.serve(
        confdir, "--workers", "2", *arguments, fixtures=fixtures, cwd=cwd, program=changed(code)
    ) as mock:
        mock.wait_for("2 workers are ready")
        mine = below(mock.process.pid)
        yield mock
    assert left(mine) == []


def call(mock: Mitmdump) -> str:
    """What a call over a connection of its own is answered with."""
    answer = httpx.post(f"{mock.proxy}/fal/run/{FLUX}", json={}, trust_env=False, timeout=20)
    return f"{answer.status_code} {answer.text}"


def who_answered(mock: Mitmdump) -> set[str]:
    """The numbers of the workers that have answered."""
    return set(_ANSWERED.findall(mock.output))


def call_until(mock: Mitmdump, numbers: set[str]) -> None:
    """Call until these workers have answered; every call is answered."""
    until = time.monotonic() + 30
    while not numbers <= who_answered(mock):
        assert call(mock) == '200 {"seed":1}'
        assert time.monotonic() < until, mock.output


def is_there(pid: int) -> bool:
    """Whether a process has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def below(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text("ascii").split()):
            found += [child, *below(child)]
    return found


def with_word(word: str) -> list[int]:
    """The processes with this word in their command line."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
    return found


def servers_of_a_store(pids: list[int]) -> list[int]:
    """Those that are a store's server."""
    return [each for each in pids if b"unixsocket" in Path(f"/proc/{each}/cmdline").read_bytes()]


def left(pids: list[int], seconds: float = 10) -> list[int]:
    """The processes that have not ended after so many seconds."""
    until = time.monotonic() + seconds
    while (found := list(filter(is_there, pids))) and time.monotonic() < until:
        time.sleep(0.02)
    return found
