"""The write-ahead log of a recorder: what it recorded and is not in the fixture files yet, so that no crash loses it.

It is a file in a folder below the fixtures. Its recorder holds a lock on it for as long as it lives, also in another
container: a log that nobody holds was left by a recorder that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from falmock.fixtures.disk.walk import stamp_of
from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.recording.disk.folder import LOGS
from falmock.recording.write_ahead import records

SUFFIX = ".log"
CUT_ABOVE = 4 * 1024 * 1024
"""How large (bytes) a log gets before what is in the fixture files is dropped from it."""
STATE_SHARE = 4
"""A log that was cut is cut again when it is this many times as large as it was then, and above CUT_ABOVE."""
_IGNORE = ".gitignore"
_IGNORED = b"*\n"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


class _File:
    """An open log, or with a temporary name what is to become one. Raises OSError if it cannot be made."""

    def __init__(self, root: Path, *, is_temporary: bool = False) -> None:
        folder = root / LOGS
        with locks.locked(root):  # others remove a folder that is empty
            folder.mkdir(0o700, exist_ok=True)
            ignore = folder / _IGNORE
            if not ignore.exists() or ignore.read_bytes() != _IGNORED:  # a full disk may have left it empty
                ignore.write_bytes(_IGNORED)
            name = f"{atomic.owner()}-{os.urandom(6).hex()}{SUFFIX}"
            self.path = atomic.temporary(folder) if is_temporary else folder / name
            self.handle = os.open(self.path, _FLAGS, 0o600)
            self.size = 0
            if not locks.wait_for(self.handle):  # `recovery.waiting` may hold it for a moment
                self.discard()
                raise locks.Busy(f"another process holds the lock on the new {self.path}")
        atomic.sync_folders([folder, root])

    def append(self, data: bytes) -> None:
        """Append to it, or raise OSError and leave it as it was."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.handle, rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.handle, self.size)
            raise
        self.size += len(data)

    def read(self, begin: int, length: int) -> bytes:
        """A part of it."""
        os.lseek(self.handle, begin, os.SEEK_SET)
        return os.read(self.handle, length)

    def replace(self, old: _File) -> None:
        """Take the place of another log, which is closed. Raises OSError, and then nothing has changed."""
        self.path.replace(old.path)
        self.path = old.path
        atomic.sync_folders([self.path.parent])
        os.close(old.handle)

    def discard(self) -> None:
        """Remove it."""
        if sys.platform == "win32":  # there, nobody removes a file that is open
            os.close(self.handle)
        with contextlib.suppress(OSError):
            self.path.unlink()
        if sys.platform != "win32":  # last, since its lock goes with it
            os.close(self.handle)


class WriteAheadLog:
    """The log of one recorder, below a root. `append` may be called in one thread, all else in another."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file: _File | None = None
        self._next = 0
        self._open: dict[int, tuple[int, int]] = {}
        """Where the outcomes are that are not in the fixture files, by number: offset and length."""
        self._limit = CUT_ABOVE
        self._is_cut = False
        self._guard = threading.Lock()

    @property
    def path(self) -> Path | None:
        """The file, if there is one."""
        return None if self._file is None else self._file.path

    def start(self) -> None:
        """Make the file, unless there is one. Raises OSError."""
        if self._file is None:
            self._file = _File(self._root)

    def append(self, record: records.Record) -> int:
        """Append an outcome; returns its number. It survives a kill of the process, and after `sync` a loss of power.

        Raises OSError, and then the log is as it was.
        """
        line = records.line_of({records.NUMBER: self._next, **record})
        with self._guard:
            if self._file is None:
                raise FileNotFoundError(errno.ENOENT, "there is no log")
            begin = self._file.size
            self._file.append(line)
            self._open[self._next] = begin, len(line)
            self._next += 1
            return self._next - 1

    def size_of(self, number: int) -> int:
        """How long (bytes) an outcome is in the log."""
        return self._open.get(number, (0, 0))[1]

    def sync(self) -> None:
        """Have all that was appended survive a loss of power. Raises OSError."""
        with self._guard:
            handle = None if self._file is None else os.dup(self._file.handle)
        if handle is not None:
            try:
                _sync_data(handle)
            finally:
                os.close(handle)

    def done(self, numbers: Iterable[int], state: Callable[[], records.Record]) -> None:
        """These outcomes are in the fixture files now. A large log gives way to a short one that begins with `state`.

        Raises OSError. What then is not noted is only written once more after a crash.
        """
        with self._guard:
            known = [number for number in numbers if self._open.pop(number, None) is not None]
            if self._file is None or not known:
                return
            if self._file.size <= self._limit or sys.platform == "win32":  # there, no open file can be replaced
                self._file.append(records.line_of(records.of_done(known)))
                return
        self._cut(self._file, state())

    def note_before(self, record: records.Record) -> None:
        """Note what the fixture files hold before they change, if the outcomes that it comes from were dropped.

        Raises OSError.
        """
        if self._is_cut:
            with self._guard:
                if self._file is not None:
                    self._file.append(records.line_of(record))
            self.sync()

    def _cut(self, old: _File, state: records.Record) -> None:
        """Have a short log take the place of a large one at once: two with the same outcomes would be recovered twice."""
        new = _File(self._root, is_temporary=True)
        try:
            new.append(records.line_of(state))
            _sync_data(new.handle)
            limit = max(CUT_ABOVE, STATE_SHARE * new.size)
            with self._guard:
                copied = {}
                for number, (begin, length) in self._open.items():
                    copied[number] = new.size, length
                    new.append(old.read(begin, length))
                _sync_data(new.handle)
                new.replace(old)
                self._file, self._open, self._limit, self._is_cut = new, copied, limit, True
        except BaseException:
            new.discard()
            raise

    def close(self) -> bool:
        """The recorder ends: remove the log if all of it is in the fixture files.

        Returns whether no log of this process is left: its temporary files are nobody's then.
        """
        file, self._file = self._file, None
        if file is not None and self._open:
            os.close(file.handle)
        elif file is not None:
            file.discard()
        with contextlib.suppress(OSError):
            remove_if_empty(self._root)
        return not any((self._root / LOGS).glob(f"{atomic.owner()}-*{SUFFIX}"))


def _sync_data(handle: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(handle)
    else:  # macOS, Windows
        os.fsync(handle)


def remove_if_empty(root: Path) -> None:
    """Remove the folder of logs if no log is in it. Raises OSError."""
    folder = root / LOGS
    if folder.is_dir():
        with locks.locked(root):
            if any(path.name != _IGNORE for path in folder.iterdir()):
                return
            (folder / _IGNORE).unlink(missing_ok=True)
            folder.rmdir()


class FoundLog(NamedTuple):
    """A log of any recorder. `handle` is an open one with its lock, if no recorder holds it, else None."""

    path: Path
    handle: int | None


def find(root: Path, *, only_read: bool = False) -> list[FoundLog]:
    """The logs below a root, the oldest first; the caller closes the handles. Raises OSError."""
    flags = os.O_RDONLY if only_read else os.O_RDWR | os.O_APPEND
    found = []
    for path in sorted((root / LOGS).glob(f"*{SUFFIX}"), key=lambda path: (stamp_of(str(path)), path.name)):
        try:
            handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            continue  # its recorder ended
        except OSError:  # it is of another user
            found.append(FoundLog(path, None))
            continue
        is_free = locks.take(handle) is True and _is_at(path, handle)
        if not is_free:
            os.close(handle)
        found.append(FoundLog(path, handle if is_free else None))
    return found


def _is_at(path: Path, handle: int) -> bool:
    """Whether an open file still has this path: its recorder may have removed it, or cut it, which puts another in its place."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def content_of(handle: int) -> bytes:
    """The whole content of an open log. Raises OSError."""
    with open(handle, "rb", closefd=False) as opened:
        opened.seek(0)
        return opened.read()
