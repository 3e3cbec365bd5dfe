"""Takes secrets out of the fixtures that are on disk: `falmock.scrub`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from falmock.proxy.commands import Scrubbed
from falmock.recording.disk.folder import Folder
from falmock.recording.document import scrubbed
from falmock.redaction.redactor import Redactor


def scrub(paths: Sequence[str], redactor: Redactor) -> Scrubbed:
    """Scrub these fixture files, and those in these folders; each is rewritten whole. Raises OSError."""
    looked_at = 0
    rewritten: list[str] = []
    for name in paths:
        path = Path(name).expanduser()
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file or folder", name)
        only = None if path.is_dir() else path
        folder = Folder(name if only is None else str(path.parent))
        files = folder.files() if only is None else [only]
        looked_at += len(files)
        rewritten += [folder.shown(file) for file in files if _scrub_file(folder, file, redactor)]
    return Scrubbed(looked_at, tuple(rewritten))


def _scrub_file(folder: Folder, path: Path, redactor: Redactor) -> bool:
    """Take the secrets out of one file; whether there were any. One that cannot be read as fixtures is left alone."""
    now = folder.read(path)
    entries = now["fixtures"] if now else []
    clean = [scrubbed(entry, redactor) for entry in entries]
    if now is None or all(new is old for new, old in zip(clean, entries, strict=True)):
        return False
    folder.write(path, {**now, "fixtures": clean})
    return True
