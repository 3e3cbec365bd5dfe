"""`falmock`, whose mitmdump gets the further arguments that FALMOCK_TEST_ARGUMENTS has as JSON."""

from __future__ import annotations

import json
import os
import sys

from falmock.cli.main import main

_execv = os.execv


def _with_more(program: str, words: list[str]) -> None:
    _execv(program, [*words, *json.loads(os.environ["FALMOCK_TEST_ARGUMENTS"])])


os.execv = _with_more  # type: ignore[assignment]
sys.exit(main())
