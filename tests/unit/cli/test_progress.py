"""How far long work is."""

from __future__ import annotations

import io

from falmock.cli.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_shows_a_line_that_is_removed() -> None:
    file, times = Terminal(), iter([0.0, 0.1, 0.6, 0.65, 0.8])
    assert list(ProgressLine(file, lambda: next(times)).through("abcd", "reading")) == list("abcd")
    assert file.getvalue() == "\r\x1b[Kreading: 1 of 4 files\r\x1b[Kreading: 3 of 4 files\r\x1b[K"


def test_short_work_shows_nothing() -> None:
    file = Terminal()
    assert list(ProgressLine(file, lambda: 0.0).through("abc", "reading")) == list("abc")
    assert file.getvalue() == ""


def test_what_is_no_terminal_gets_nothing() -> None:
    file, times = io.StringIO(), iter(range(100))
    assert list(ProgressLine(file, lambda: float(next(times))).through("abc", "reading")) == list("abc")
    assert file.getvalue() == ""
