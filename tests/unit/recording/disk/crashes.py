"""A recorder that is killed before any of the system calls that change the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from falmock.recording.disk.write_ahead_log import WriteAheadLog
from falmock.recording.disk.writer import Writer
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.write_ahead import records

CALLS = ("open", "write", "fsync", "fdatasync", "replace", "unlink", "mkdir", "rmdir", "ftruncate")
FOLDS_EVERY = 3


def record(folder: Path, outcomes: list[Save | Link], logged: Callable[[], object] = lambda: None) -> WriteAheadLog:
    """A recorder, synchronously: it logs each outcome, and writes some at a time to the fixture files."""
    log, writer = WriteAheadLog(folder), Writer(str(folder))
    log.start()
    writer.note_before = log.note_before
    waiting: list[tuple[int, Save | Link]] = []
    for place, outcome in enumerate(outcomes):
        waiting.append((log.append(records.of_outcome(outcome, str)), outcome))
        logged()
        if place % FOLDS_EVERY == FOLDS_EVERY - 1 or place == len(outcomes) - 1:
            log.sync()
            # One came meanwhile, and is still open when the others are done.
            last = len(waiting) if place == len(outcomes) - 1 else -1
            now, waiting = waiting[:last], waiting[last:] if last < 0 else []
            assert not [one for one in writer.write([outcome for _, outcome in now]) if isinstance(one, Exception)]
            log.done([number for number, _ in now], lambda: writer.state(str))
    return log


def killed_at(call: int, folder: Path, outcomes: list[Save | Link]) -> tuple[int, bool]:
    """Record in a process that ends before this call that changes the disk; how many outcomes were logged, and whether it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            _die_at(call)
            told = writer
            record(folder, outcomes, lambda: _WRITE(told, b"."))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - in a forked process, nobody else sees it
            os._exit(2)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(reader, "rb") as told_to:
        count = len(told_to.read())
    assert status in (0, 1), "the recorder failed"
    return count, status == 1


_WRITE = os.write


def _die_at(call: int) -> None:
    left = [call]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os._exit(1)
            return real(*args, **more)

        return wrapped

    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))


def tree(folder: Path) -> dict[str, Any]:
    """All fixtures and assets below a folder."""
    found = {}
    for path in sorted(folder.rglob("[!.]*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            found[name] = json.loads(path.read_bytes())["fixtures"] if name.endswith(".json") else path.read_bytes()
    return found
