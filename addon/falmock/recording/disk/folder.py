"""Reads and writes a folder of fixture files; every file is written atomically."""

from __future__ import annotations

from pathlib import Path

from falmock.fixtures.disk.walk import ASSETS
from falmock.fixtures.format.sidecars import PRICES
from falmock.fixtures.format.sidecars import SCHEMAS
from falmock.fixtures.model import Problem
from falmock.recording import document
from falmock.recording.disk import atomic
from falmock.recording.document import NotAFixture
from falmock.recording.values import Entry
from falmock.wire.formats import jsontext

_NOT_FIXTURES = frozenset({ASSETS, SCHEMAS, PRICES})
MAX_SPARES = 100
"""How many file names are tried if files of these names exist that cannot be read."""


class Folder:
    """The fixture files below a root; `name` is the root as the user wrote it, `label` its form in messages."""

    def __init__(self, name: str) -> None:
        self.label = name.rstrip("/") or name
        self.root = Path(name).expanduser()

    def shown(self, path: Path) -> str:
        """The path of a file for messages."""
        return f"{self.label}/{path.relative_to(self.root).as_posix()}"

    def files(self) -> list[Path]:
        """The fixture files that loading reads."""
        below = ((path.relative_to(self.root).parts, path) for path in self.root.rglob("*.json"))
        return sorted(
            path for parts, path in below if not any(part[0] == "." or part in _NOT_FIXTURES for part in parts)
        )

    def read(self, path: Path) -> Entry | None:
        """The content of a fixture file; None if it cannot be read as one."""
        try:
            return self._read(path)[0]
        except (OSError, NotAFixture, jsontext.BadJSON):
            return None

    def target(self, path: Path) -> tuple[Path, Entry, list[str]]:
        """The file to write instead of or at `path`, its content, and the rules of its entries.

        A file that cannot be read is not changed; the next numbered name is used then. Raises OSError, NotAFixture.
        """
        for spare in range(MAX_SPARES):
            tried = path if spare == 0 else path.with_name(f"{path.stem}-{spare}.json")
            try:
                return tried, *self._read(tried)
            except FileNotFoundError:
                return tried, {"fixtures": []}, []
            except (NotAFixture, jsontext.BadJSON):
                continue
        text = (
            f"cannot be read as fixtures, nor can the {MAX_SPARES - 1} files numbered after it: repair or remove them"
        )
        raise NotAFixture([Problem(self.shown(path), "", text)])

    def _read(self, path: Path) -> tuple[Entry, list[str]]:
        now: Entry = jsontext.loads_exact(path.read_bytes())
        return now, document.groups(now, self.shown(path))

    def write(self, path: Path, content: Entry) -> None:
        """Write a fixture file. Raises OSError."""
        atomic.write_whole(path, document.render(content))

    def remove(self, path: Path) -> None:
        """Remove a fixture file, and the folders that are then empty. Raises OSError."""
        path.unlink(missing_ok=True)
        folder = path.parent
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent
