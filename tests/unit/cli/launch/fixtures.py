"""A folder of fixtures, and the arguments of a falmock that answers from it."""

from __future__ import annotations

import json
from pathlib import Path

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}


def arguments_of(folder: Path) -> list[str]:
    fixtures = folder / "fixtures"
    fixtures.mkdir()
    (fixtures / "a.json").write_text(json.dumps({"fixtures": [FIXTURE]}))
    return ["--port", "0", "--confdir", str(folder / "conf"), "--fixtures", str(fixtures)]
