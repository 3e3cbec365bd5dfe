"""`falmock`, whose mitmdump comes to a stand-in with what it sends to fal: the first argument has, as JSON, what it is told for that.

`Upstream.falmock` is the command.
"""

from __future__ import annotations

import json
import os
import sys

from falmock.cli.main import main

_execv = os.execv
_more: list[str] = json.loads(sys.argv.pop(1))


def _with_more(program: str, words: list[str]) -> None:
    _execv(program, [*words, *_more])


os.execv = _with_more  # type: ignore[assignment]
if __name__ == "__main__":
    sys.exit(main())
