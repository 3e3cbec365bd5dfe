"""`python -m falmock.cli` is `falmock`."""

from __future__ import annotations

import runpy
import sys

import pytest


def test_it_runs_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["falmock", "--version"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("falmock.cli", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("falmock ")
