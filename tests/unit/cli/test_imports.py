"""`falmock import`: the mitmdump that it runs, and its exit codes. What is imported is in tests/clients/test_commands.py."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from falmock.cli import main as main_
from falmock.cli import settings


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a Python program what is started in place of mitmdump; it gets a file of its own as `out`."""

    def make(text: str) -> Path:
        out = tmp_path / "out"
        made = tmp_path / "mitmdump"
        made.write_text(f"#!{sys.executable}\nimport json, os, signal, sys, time\nout = {str(out)!r}\n{text}\n")
        made.chmod(0o755)
        monkeypatch.setattr(settings, "MITMDUMP", made)
        return out

    return make


def test_the_command(program: Callable[[str], Path]) -> None:
    out = program("json.dump(sys.argv[1:], open(out, 'w'))")
    assert main_.main(["import", "a.har", "b", "--fixtures", "f", "--record-assets", "none", "--confdir", "c"]) == 0
    assert json.loads(out.read_text()) == [
        *("-n", "--rfile=a.har\nb", "-s", str(settings.ADDON), "--set", "flow_detail=0", "--set", "confdir=c"),
        *("--set", "fal_fixtures=f", "--set", "fal_record_assets=none", "--set", "fal_mode=record"),
    ]
    assert main_.main(["import", "a.har", "--trusted-ca", "ca.pem"]) == 0
    assert "ssl_verify_upstream_trusted_ca=ca.pem" in json.loads(out.read_text())


@pytest.mark.parametrize(("end", "code"), [("sys.exit(1)", 1), ("os.kill(os.getpid(), signal.SIGKILL)", 137)])
def test_exit_codes(program: Callable[[str], Path], end: str, code: int) -> None:
    program(end)
    assert main_.main(["import", "a.har"]) == code


WAITS = """
def end(number, _):
    open(out, 'a').write(f'{number} ')
    if number == signal.SIGTERM or %s:
        sys.exit(0)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
open(out, 'w').close()
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("signals", "ends", "code", "seen"),
    [
        ([signal.SIGINT], "True", 130, "2 "),
        ([signal.SIGINT, signal.SIGINT], "False", 130, "2 "),  # the second one kills
        ([signal.SIGTERM], "False", 0, "15 "),
    ],
)
def test_signals(program: Callable[[str], Path], signals: list[int], ends: str, code: int, seen: str) -> None:
    out = program(WAITS % ends)

    def send() -> None:
        wait_until(out.exists)
        for number in signals:
            os.kill(os.getpid(), number)
            wait_until(lambda: out.read_text() != "")

    thread = threading.Thread(target=send)
    thread.start()
    assert main_.main(["import", "a.har"]) == code
    thread.join()
    assert out.read_text() == seen


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)


def test_mitmdump_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "MITMDUMP", tmp_path / "gone")
    assert main_.main(["import", "a.har"]) == 1
    assert f"{tmp_path / 'gone'} cannot be started: No such file or directory" in capsys.readouterr().err


def test_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["import", "a.har", "--record-assets", "some"]) == 2
    assert "--record-assets: expected all or none, found 'some'" in capsys.readouterr().err
    for arguments in ([], ["a\nb"], ["a", "--paces", "x"]):
        with pytest.raises(SystemExit) as end:
            main_.main(["import", *arguments])
        assert end.value.code == 2
