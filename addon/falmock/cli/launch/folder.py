"""The folder `.falmock` in the working directory: what the last run left, and a server that is kept."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(".falmock")
REPORT = "last.json"
LOG = "last.log"
SERVER = "server.json"
SERVER_LOG = "server.log"


def made(folder: Path = FOLDER) -> Path:
    """The folder, which is made if it is missing, and which git ignores. Raises OSError."""
    folder.mkdir(exist_ok=True)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", "ascii")
    return folder
