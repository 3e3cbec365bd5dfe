"""Puts into the fixtures what recorders that were killed left in their logs, and removes their temporary files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from falmock.fixtures.disk.walk import ASSETS
from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.recording.disk import write_ahead_log
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.write_ahead_log import FoundLog
from falmock.recording.disk.writer import LostContent
from falmock.recording.disk.writer import Writer
from falmock.recording.document import NotAFixture
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.outcome import contents_of
from falmock.recording.outcome import what_of
from falmock.recording.write_ahead import records
from falmock.recording.write_ahead.replay import replay_of
from falmock.wire.message import Content

_OUTLOOK = (
    "It stays in that log, and the next recorder tries again; delete the log to give it up",
    "It is lost",
)


class Recovered(NamedTuple):
    """How many answers of killed recorders are in the fixtures now, and what could not be put there."""

    answers: int
    problems: list[str]


def prepare(name: str) -> Recovered:
    """Check that recordings can be written to a folder, and tidy up after recorders that were killed.

    Raises atomic.NotWritable, OSError.
    """
    root = Path(name).expanduser()
    atomic.check_writable(root)
    answers, problems = 0, list[str]()
    with locks.locked(root):
        found = write_ahead_log.find(root)
    for log in found:
        if log.handle is not None:
            try:
                answers += _recover(name, log, log.handle, problems)
            finally:
                os.close(log.handle)
    with locks.locked(root):
        left = {path.name.partition("-")[0] for path in (root / LOGS).glob("*")}
        atomic.remove_leftovers(root, left)
    write_ahead_log.remove_if_empty(root)
    return Recovered(answers, problems)


def _recover(name: str, log: FoundLog, handle: int, problems: list[str]) -> int:
    """Write what is in a log; returns how many answers were missing. What cannot be written stays in the log."""
    content = records.read(write_ahead_log.content_of(handle))
    replay = replay_of(content.records, str(Path(name).expanduser() / ASSETS))
    label = f"{name.rstrip('/')}/{LOGS}/{log.path.name}"
    written: set[int] = set()
    if replay.missing:
        writer = Writer(name)
        writer.know_all()
        writer.restore(replay.state)
        try:
            writer.put_back(replay.before)
        except (OSError, NotAFixture) as error:
            problems.append(f"{label}: its answers could not be written: {text_of(error)}. {_OUTLOOK[False]}")
            return 0
        results = writer.write(list(map(_with_whole_contents, replay.outcomes.values())))
        for (number, outcome), result in zip(replay.outcomes.items(), results, strict=True):
            lost = isinstance(result, LostContent)
            if isinstance(result, Exception):
                problems.append(
                    f"{label}: {what_of(outcome)} could not be written: {text_of(result)}. {_OUTLOOK[lost]}"
                )
            if lost or not isinstance(result, Exception):
                written.add(number)
    if replay.missing <= written and not content.damaged:
        log.path.unlink()
    elif replay.missing <= written:
        log.path.rename(log.path.with_suffix(".damaged"))
        problems.append(
            f"{label}: expected records, found {content.damaged} damaged; the others are in the fixtures. It is renamed to "
            f"{log.path.with_suffix('.damaged').name}: look for what is missing, then delete it"
        )
    elif written:
        os.write(handle, records.line_of(records.of_done(written)))
    return sum(isinstance(replay.outcomes[number], Save) for number in replay.missing & written)


def _with_whole_contents(outcome: Save | Link) -> Save | Link:
    """The outcome without the temporary files that are not what was written to them: after a loss of power, for example."""
    contents = tuple((_whole(content), content_type) for content, content_type in contents_of(outcome))
    return (
        outcome._replace(contents=contents) if isinstance(outcome, Save) else outcome._replace(content=contents[0][0])
    )


def _whole(content: Content) -> Content:
    try:
        with Path(content.file or "").open("rb") as opened:
            is_whole = hashlib.file_digest(opened, "sha256").hexdigest() == content.sha256
    except OSError:
        is_whole = False
    return content if is_whole else content._replace(file=None)


def waiting(name: str) -> int:
    """How many answers of killed recorders are not in the fixtures of this folder. Reads only."""
    count = 0
    for log in _readable(Path(name).expanduser()):
        if log.handle is not None:
            replay = replay_of(records.read(write_ahead_log.content_of(log.handle)).records, ASSETS)
            count += sum(isinstance(replay.outcomes[number], Save) for number in replay.missing)
            os.close(log.handle)
    return count


def _readable(root: Path) -> list[FoundLog]:
    try:
        return write_ahead_log.find(root, only_read=True)
    except OSError:
        return []


def text_of(error: Exception) -> str:
    """The text of an error for messages."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
