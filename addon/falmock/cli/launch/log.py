"""Shows what a server logs while people wait for its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_OURS = re.compile(r"^\[[\d:.]+\] falmock: (.*)")


class LogFollower:
    """Tells the lines of falmock's own that are added to a log from now on."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self._path = path
        self._tell = tell
        self._at = path.stat().st_size if path.exists() else 0

    def look(self) -> None:
        """Tell the lines that have become whole since the last look."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                whole, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return
        self._at += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines():
            ours = _OURS.match(line)
            if ours:
                self._tell(ours[1])
