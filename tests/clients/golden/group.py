"""The groups of calls in `tests/golden`: what they are played with, and what is expected."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.golden import bodies

FOLDER = Path(__file__).parents[2] / "golden"


@dataclass(frozen=True)
class Group:
    """A folder of `tests/golden`: `options.json` for mitmdump, `calls.json`, and the files that the options name."""

    folder: Path

    @property
    def options(self) -> list[str]:
        """What a mitmdump is started with, in this folder."""
        path = self.folder / "options.json"
        settings = json.loads(path.read_text("utf-8")) if path.exists() else []
        return [word for setting in settings for word in ("--set", setting)]

    @property
    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = bodies.loads(self._file.read_text("utf-8"))
        return found

    @property
    def _file(self) -> Path:
        return self.folder / "calls.json"

    def write(self, answers: list[dict[str, Any]]) -> None:
        """Have these be the expected answers."""
        calls = [call | {"answer": answer} for call, answer in zip(self.calls, answers, strict=True)]
        self._file.write_text(bodies.pretty(calls) + "\n", "utf-8")

    def differences(self, answers: list[dict[str, Any]]) -> list[str]:
        """Each call that is not answered as it was, in words."""
        numbered = enumerate(zip(self.calls, answers, strict=True))
        return [
            f"{self._file.relative_to(FOLDER.parents[1])}, call {number}, {call['name']!r}:\n"
            + "\n".join(_difference(call.get("answer"), answer))
            for number, (call, answer) in numbered
            if bodies.pretty(call.get("answer")) != bodies.pretty(answer)
        ]


def _difference(expected: Any, found: Any) -> Iterator[str]:
    before, after = (bodies.pretty(value).splitlines() for value in (expected, found))
    return difflib.unified_diff(before, after, "expected", "answered", n=1, lineterm="")


def groups() -> list[Group]:
    """All groups, by name."""
    return [Group(path.parent) for path in sorted(FOLDER.glob("*/calls.json"))]
