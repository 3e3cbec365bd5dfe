from __future__ import annotations

import io
import sys

import pytest

from falmock.cli.launch import output


def test_it_is_told_as_falmocks(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell("a text")
    output.tell("falmock: a text")
    assert capsys.readouterr().err == "falmock: a text\n" * 2


def test_a_terminal_without_the_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(buffer, encoding="ascii"))
    output.tell("é")
    assert buffer.getvalue() == b"falmock: \\xe9\n"


def test_a_terminal_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    output.tell("a text")
