"""Takes secrets out of the fixtures that are on disk: `falmock.scrub`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from falmock.fixtures.redaction import Redactor
from falmock.proxy.commands import Scrubbed
from falmock.recording.writer import Writer


def scrub(paths: Sequence[str], redactor: Redactor) -> Scrubbed:
    """Scrub these fixture files, and those in these folders; each is rewritten whole. Raises OSError."""
    looked_at = 0
    rewritten: list[str] = []
    for name in paths:
        path = Path(name).expanduser()
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file or folder", name)
        only = None if path.is_dir() else path
        count, changed = Writer(name if only is None else str(path.parent)).scrub(redactor, only)
        looked_at += count
        rewritten += changed
    return Scrubbed(looked_at, tuple(rewritten))
