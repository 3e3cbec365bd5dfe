"""The command `falmock.scrub`: removes secrets from the fixtures on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from falmock.proxy.commands import Scrubbed
from falmock.recording.disk.folder import Folder
from falmock.recording.document import scrubbed
from falmock.recording.values import Entry
from falmock.redaction.redactor import Redactor


def scrub(paths: Sequence[str], redactor: Redactor) -> Scrubbed:
    """Scrub these fixture files, and those in these folders. A file that has secrets is rewritten. Raises OSError."""
    read = 0
    rewritten: list[str] = []
    for name in paths:
        path = Path(name).expanduser()
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file or folder", name)
        only = None if path.is_dir() else path
        folder = Folder(name if only is None else str(path.parent))
        files = folder.files() if only is None else [only]
        read += len(files)
        rewritten += [folder.shown(file) for file in files if _scrub_file(folder, file, redactor)]
    return Scrubbed(read, tuple(rewritten))


def _scrub_file(folder: Folder, path: Path, redactor: Redactor) -> bool:
    """Remove the secrets from one file; returns whether it had any. A file that is not readable as fixtures is unchanged."""
    if _clean(folder.read(path), redactor) is None:
        return False
    with folder.changes():
        clean = _clean(folder.read(path), redactor)
        if clean is not None:
            folder.write(path, clean)
    return True


def _clean(now: Entry | None, redactor: Redactor) -> Entry | None:
    """The content of a fixture file without its secrets; None if it has none."""
    entries = now["fixtures"] if now else []
    clean = [scrubbed(entry, redactor) for entry in entries]
    if now is None or all(new is old for new, old in zip(clean, entries, strict=True)):
        return None
    return {**now, "fixtures": clean}
