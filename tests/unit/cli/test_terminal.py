"""What is printed."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from falmock.cli import terminal
from falmock.redaction.redactor import Redactor
from falmock.serving.call_lines import CallLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("file", "no_color", "colors"),
    [(io.StringIO(), "", False), (Terminal(), "", True), (Terminal(), "1", False)],
)
def test_colors(monkeypatch: pytest.MonkeyPatch, file: io.StringIO, no_color: str, *, colors: bool) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    assert terminal.has_colors(file) is colors


def logged(monkeypatch: pytest.MonkeyPatch, file: io.StringIO, log: logging.Logger) -> str:
    monkeypatch.setattr(sys, "stdout", file)
    monkeypatch.delenv("NO_COLOR", raising=False)
    root = logging.getLogger()
    handler = terminal.log_to_stdout(Redactor)
    try:
        log.debug("not shown")
        log.info("https://x.test/?signature=%s", "0123456789abcdef")
        try:
            int("bad")
        except ValueError:
            log.exception("it failed")
    finally:
        root.removeHandler(handler)
    return file.getvalue()


def test_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    text = logged(monkeypatch, io.StringIO(), logging.getLogger("falmock.test"))
    first, second, *trace = text.splitlines()
    assert first[0] == "["
    assert first[9] == "."
    assert first[13:] == "] https://x.test/?[hidden]"
    assert second.endswith("] it failed")
    assert trace[-1].startswith("ValueError: ")


def test_the_log_in_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    text = logged(monkeypatch, Terminal(), logging.getLogger("falmock.test"))
    assert text.startswith("\x1b[36m[")
    assert "\x1b[31mit failed" in text


def test_lines_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    lines = terminal.TerminalLines(Redactor())
    lines._lines.append(lambda: CallLine("p", "GET", "https://fal.run", "/", 200, 1, "a"))
    lines.flush()
    assert file.getvalue() == "p: GET https://fal.run/\n << 200 OK 1b (a)\n"


def test_the_lines_of_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    handler = terminal.log_to_stdout(Redactor, "[2] ")
    try:
        logging.getLogger("falmock.test").warning("a warning")
    finally:
        logging.getLogger().removeHandler(handler)
    lines = terminal.TerminalLines(Redactor(), "[2] ")
    lines._lines.append(lambda: CallLine("p", "GET", "https://fal.run", "/", 200, 1, "a"))
    lines.flush()
    logged, *printed = file.getvalue().splitlines()
    assert logged.endswith("] [2] a warning")
    assert printed == ["[2] p: GET https://fal.run/", "    << 200 OK 1b (a)"]
