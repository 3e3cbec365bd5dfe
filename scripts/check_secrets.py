"""Searches files for texts with the shape of a secret; prints `file:line: kind`, never the secret itself.

Exit status: 0 if there are none, 1 if there are some, 2 if a path cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from falmock.fixtures.disk.overlooked_secrets import files_of
from falmock.fixtures.disk.overlooked_secrets import secrets_of
from falmock.fixtures.disk.overlooked_secrets import text_of
from falmock.redaction.redactor import Redactor

DEFAULT = Path(__file__).resolve().parents[1] / "fixtures"


def main(arguments: list[str]) -> int:
    redactor = Redactor()
    found = unread = checked = 0
    for path in arguments or [str(DEFAULT)]:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
