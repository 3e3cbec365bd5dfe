"""The corpus: inputs that once failed, one a file, as Python literals that a person can read."""

from __future__ import annotations

import ast
import hashlib
import pprint
from pathlib import Path
from typing import Any
from typing import NamedTuple

ROOT = Path(__file__).parent / "corpus"
_OPEN = "# open: "


class Entry(NamedTuple):
    """One input of a target. `why_open` says what must be mended first; "" if it passes."""

    path: Path
    case: Any
    why_open: str


def entries(target: str) -> list[Entry]:
    """The entries of a target, by name."""
    return [_read(path) for path in sorted((ROOT / target).glob("*.txt"))]


def _read(path: Path) -> Entry:
    text = path.read_text("utf-8")
    marks = [line.removeprefix(_OPEN) for line in text.splitlines() if line.startswith(_OPEN)]
    return Entry(path, ast.literal_eval(text), "".join(marks))


def write(target: str, case: Any, about: str) -> Path:
    """Add a case; `about` says in a line what failed. Raises ValueError for a case that is not a literal."""
    literal = pprint.pformat(case, width=120, sort_dicts=False)
    if repr(ast.literal_eval(literal)) != repr(case):
        raise ValueError(f"the case of {target} is not a literal: {literal[:200]}")
    name = hashlib.sha256(repr(case).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    path = ROOT / target / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {' '.join(about.split())[:110]}\n{literal}\n", "utf-8")
    return path
