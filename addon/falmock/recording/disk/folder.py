"""Reads and writes a folder of fixture files; every file is written atomically."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from falmock.fixtures.disk.walk import ASSETS
from falmock.fixtures.disk.walk import Stamp
from falmock.fixtures.disk.walk import stamp_of
from falmock.fixtures.format.sidecars import PRICES
from falmock.fixtures.format.sidecars import SCHEMAS
from falmock.fixtures.model import Problem
from falmock.recording import document
from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.recording.document import NotAFixture
from falmock.recording.values import Entry
from falmock.wire.formats import jsontext

LOGS = ".falmock-wal"
"""The folder of the write-ahead logs, below the root."""
_NOT_FIXTURES = frozenset({ASSETS, SCHEMAS, PRICES})
MAX_SPARES = 100
"""How many file names are tried if files of these names exist that cannot be read."""


class Changed(OSError):
    """Somebody changed a file after it was read here, without the lock: an editor, or git."""


class _Open:
    """A file that is changed in memory; `content` is None for one that is to be removed, or is not there."""

    def __init__(self, stamp: Stamp, content: Entry | None, rules: list[str]) -> None:
        self.stamp = stamp
        self.content = content
        self.rules = rules
        self.before: tuple[Entry | None, list[str]] | None = None
        """What it was, if it is changed."""

    def change(self, content: Entry | None, rules: list[str]) -> None:
        """Give it another content."""
        self.before = self.before or (self.content, self.rules)
        self.content, self.rules = content, rules


class Change(NamedTuple):
    """The entries of a rule in a file, as they are before they are replaced."""

    path: Path
    rule: str
    entries: list[Entry]


class Folder:
    """The fixture files below a root; `name` is the root as the user wrote it, `label` its form in messages."""

    def __init__(self, name: str) -> None:
        self.label = name.rstrip("/") or name
        self.root = Path(name).expanduser()
        self._skip = len(os.fspath(self.root / "x")) - 1
        self._open: dict[Path, _Open] | None = None

    def shown(self, path: Path) -> str:
        """The path of a file for messages."""
        return f"{self.label}/{os.fspath(path)[self._skip :].replace(os.sep, '/')}"

    def files(self) -> list[Path]:
        """The fixture files that loading reads."""
        below = ((path.relative_to(self.root).parts, path) for path in self.root.rglob("*.json"))
        return sorted(
            path for parts, path in below if not any(part[0] == "." or part in _NOT_FIXTURES for part in parts)
        )

    @contextmanager
    def changes(self, before: Callable[[Iterator[Change]], None] | None = None) -> Iterator[None]:
        """Read and replace files: nobody else with the lock does so meanwhile, and all is written at the end.

        Each file is read once and written once; `before` is called with what is about to be replaced. Raises OSError, Busy
        and Changed, and then nothing is written.
        """
        with locks.locked(self._recorded_to()):
            opened = self._open = {}
            try:
                yield
                if before is not None:
                    before(_replaced(opened))
                self._flush(opened)
            finally:
                self._open = None

    def _recorded_to(self) -> Path:
        """The folder whose lock guards the files: the root, or the folder around it to which somebody records."""
        return next((folder for folder in (self.root, *self.root.parents) if (folder / LOGS).is_dir()), self.root)

    def _flush(self, opened: dict[Path, _Open]) -> None:
        changed = {path: found for path, found in opened.items() if found.before}
        for path, found in changed.items():
            if found.stamp != stamp_of(str(path)):
                raise Changed(f"{self.shown(path)} was changed meanwhile")
        contents = {path: found.content for path, found in changed.items()}
        atomic.write_all({path: None if now is None else document.render(now) for path, now in contents.items()})
        for path, now in contents.items():
            if now is None:
                self._remove_empty(path.parent)

    def read(self, path: Path) -> Entry | None:
        """The content of a fixture file; None if it cannot be read as one."""
        try:
            return self._read(path).content
        except (OSError, NotAFixture, jsontext.BadJSON):
            return None

    def target(self, path: Path) -> tuple[Path, Entry, list[str]]:
        """The file to write instead of or at `path`, its content, and the rules of its entries.

        A file that cannot be read is not changed; the next numbered name is used then. Raises OSError, NotAFixture.
        """
        for spare in range(MAX_SPARES):
            tried = path if spare == 0 else path.with_name(f"{path.stem}-{spare}.json")
            try:
                found = self._read(tried)
            except (NotAFixture, jsontext.BadJSON):
                continue
            return tried, {"fixtures": []} if found.content is None else found.content, found.rules
        text = (
            f"cannot be read as fixtures, nor can the {MAX_SPARES - 1} files numbered after it: repair or remove them"
        )
        raise NotAFixture([Problem(self.shown(path), "", text)])

    def rules(self, path: Path) -> list[str]:
        """The rules of the entries of a file that `read` returned."""
        return self._read(path).rules

    def _read(self, path: Path) -> _Open:
        found = None if self._open is None else self._open.get(path)
        if found is None:
            stamp = stamp_of(str(path))
            found = _Open(stamp, None, [])
            if any(stamp):
                found.content = jsontext.loads_exact(path.read_bytes())
                found.rules = document.groups(found.content, self.shown(path))
            if self._open is not None:
                self._open[path] = found
        return found

    def write(self, path: Path, content: Entry, rules: Sequence[str] | None = None) -> None:
        """Have a fixture file written by `changes`; `rules` are those of its entries, if they are known."""
        new = document.groups(content, self.shown(path)) if rules is None else list(rules)
        self._read(path).change(content, new)

    def remove(self, path: Path) -> None:
        """Have a fixture file removed by `changes`, and the folders that are then empty."""
        self._read(path).change(None, [])

    def _remove_empty(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent


def _replaced(opened: dict[Path, _Open]) -> Iterator[Change]:
    for path, found in opened.items():
        if found.before is not None:
            content, rules = found.before
            entries = content["fixtures"] if content else []
            for rule in {*rules, *found.rules}:
                yield Change(path, rule, [entry for entry, of in zip(entries, rules, strict=True) if of == rule])
