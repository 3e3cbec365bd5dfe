"""A program goes on when nothing reads its output any more."""

from __future__ import annotations

import os
import sys

import pytest

from falmock.cli import broken_pipe


def test_what_is_written_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as out:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdout", out)
        os.close(reading)
        out.write("lost")
        with pytest.raises(BrokenPipeError):
            out.flush()
        broken_pipe.discard_output()
        out.write("lost too")
        out.flush()
    broken_pipe.discard_output()  # it is closed


def test_output_that_is_no_file_stays(capsys: pytest.CaptureFixture[str]) -> None:
    broken_pipe.discard_output()
    print("here")
    assert capsys.readouterr().out == "here\n"
