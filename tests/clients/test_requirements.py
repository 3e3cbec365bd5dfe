"""A mitmdump that lacks what falmock needs ends with one sentence that says so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from clients import running
from clients.running import MITMDUMP

PREPARED = [
    ("import sys; sys.modules['jsonschema'] = None", "falmock needs packages that are not installed (jsonschema): "),
    ("import mitmproxy.version; mitmproxy.version.VERSION = '13.0.0'", "falmock does not work with mitmproxy 13.0.0: "),
]


@pytest.mark.parametrize(("sitecustomize", "sentence"), PREPARED)
def test_one_sentence_and_the_end(confdir: Path, tmp_path: Path, sitecustomize: str, sentence: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(sitecustomize)
    program = ("env", f"PYTHONPATH={tmp_path}", str(MITMDUMP))
    mock = running.start(confdir, "--listen-host", "127.0.0.1", "-p", "0", program=program)
    assert running.exit_code(mock) == 1
    said = [line for line in mock.output.splitlines() if "listening at" not in line and "Loading script" not in line]
    assert len(said) == 2, mock.output
    assert re.fullmatch(
        r"(\[[\d:.]+\] )?" + re.escape(f"{sentence}run {sys.executable} -m pip install ") + r"\S+", said[0]
    )
    assert said[1] == "Error logged during startup, exiting..."
