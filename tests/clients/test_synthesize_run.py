"""`falmock run --miss synthesize`: the README's apps in a folder that has nothing but them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from clients.painter import PAINTER
from clients.painter import with_schema
from clients.test_run import Shell
from clients.test_walkthrough import printed

RECORDED = printed("Record, then replay")
BAD = f"""
import fal_client
fal_client.run({PAINTER!r}, arguments={{"num_images": 6}})
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder without fixtures."""
    shell = Shell(tmp_path / "app")
    (shell.folder / "fixtures" / "fixtures.json").unlink()
    (shell.folder / "fixtures").rmdir()
    (shell.folder / "app.py").write_text(RECORDED["python"][0])
    (shell.folder / "app.mjs").write_text(RECORDED["js"][0])
    return shell


def check(shell: Shell, words: Sequence[str]) -> None:
    """Run the app twice: all its answers are made, and both times the same."""
    outputs = []
    for _ in range(2):
        done = shell.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        report = shell.report
        assert (report["misses"], report["replayed"], report["fixtures"]) == (0, 0, 0)
        # Each of the two jobs is submitted, asked about at least once, and its result fetched.
        assert int(str(report["synthesized"])) >= 6
        assert f": 0 replayed, {report['synthesized']} synthesized, 0 misses, " in done.stderr
        assert "nothing was sent to fal" in done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert re.fullmatch(r"\d+ video/mp4\n", outputs[0])
    assert not (shell.folder / "fixtures").exists()


def test_as_the_report_of_a_miss_says(shell: Shell) -> None:
    missed = shell.run("--", sys.executable, "app.py")
    assert missed.returncode == 1
    assert (shell.report["synthesized"], shell.report["misses"]) == (0, 1)
    told = re.search(r"^To have an answer made as a guess .*: falmock run (.*)$", missed.stderr, re.MULTILINE)
    assert told is not None, missed.stderr
    check(shell, shlex.split(told[1]))


def test_in_javascript(shell: Shell) -> None:
    check(shell, ["--miss", "synthesize", "--", "node", "app.mjs"])


def test_an_app_whose_input_is_refused(shell: Shell) -> None:
    with_schema(shell.folder / "fixtures")
    (shell.folder / "app.py").write_text(BAD)
    done = shell.run("--miss", "synthesize", "--", sys.executable, "app.py")
    assert done.returncode == 1
    assert "Input should be less than or equal to 4" in done.stderr
    assert "1 synthesized, 0 misses" in done.stderr
    assert shell.report["missed"] == []
