"""Searches files for texts with the shape of a secret; prints `file:line: kind`, never the secret itself.

Exit status: 0 if there are none, 1 if there are some, 2 if a path cannot be read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from falmock.redaction.redactor import Redactor

DEFAULT = Path(__file__).resolve().parents[1] / "fixtures"
HEAD = 8192


def main(arguments: list[str]) -> int:
    paths = [Path(argument) for argument in arguments] or [DEFAULT]
    redactor = Redactor()
    found = unread = checked = 0
    for path in paths:
        if not path.exists():
            print(f"{path}: there is no such file or folder", file=sys.stderr)
            unread += 1
        for file in files_of(path):
            try:
                text = text_of(file)
            except OSError as error:
                print(f"{file}: cannot be read: {error.strerror}", file=sys.stderr)
                unread += 1
                continue
            checked += 1
            for line, kind in secrets_of(text, redactor):
                print(f"{file}:{line}: {kind}")
                found += 1
    if found:
        print(f"{found} found: take them out, and treat those that are real as stolen", file=sys.stderr)
    else:
        print(f"no secrets in {checked} file{'' if checked == 1 else 's'}")
    return 2 if unread else 1 if found else 0


def files_of(path: Path) -> Iterator[Path]:
    """The file, or all files below the folder in order, except in hidden folders such as `.git`."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for inner in sorted(path.iterdir()):
            if not (inner.is_dir() and (inner.name.startswith(".") or inner.is_symlink())):
                yield from files_of(inner)


def text_of(file: Path) -> str:
    """The text of a file; "" for a binary file, which has a zero byte near its beginning."""
    content = file.read_bytes()
    return "" if b"\0" in content[:HEAD] else content.decode("utf-8", "replace")


def secrets_of(text: str, redactor: Redactor) -> Iterator[tuple[int, str]]:
    """Line (from 1) and kind of each secret."""
    for secret in redactor.secrets_in(text):
        yield text.count("\n", 0, secret.position) + 1, secret.kind


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
