"""What `falmock serve` prints: its log, and a line for each call."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import IO
from typing import TextIO

from falmock.cli import broken_pipe
from falmock.proxy.screens.log_filter import LogFilter
from falmock.redaction.redactor import Redactor
from falmock.serving.call_lines import CallLines
from falmock.serving.call_lines import CallOutput
from falmock.serving.call_lines import printable
from falmock.serving.call_lines import styled

_COLORS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


def has_colors(file: IO[str]) -> bool:
    """Whether a file is a terminal whose user wants colors (https://no-color.org)."""
    return file.isatty() and not os.environ.get("NO_COLOR")


class TerminalLines(CallLines):
    """Prints the lines of calls on standard output."""

    def out(self) -> CallOutput:
        """See `CallLines`."""
        return CallOutput(sys.stdout, has_colors(sys.stdout))


class _Formatter(logging.Formatter):
    """Formats log records as mitmdump does."""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self, mark: str, *, has_colors: bool) -> None:
        super().__init__()
        self._mark = mark
        self._has_colors = has_colors

    def format(self, record: logging.LogRecord) -> str:
        """The time and the text, with the traceback of an exception."""
        text, time = record.getMessage(), f"[{self.formatTime(record)}]"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        if self._has_colors:
            text, time = styled(text, _COLORS.get(record.levelno, "")), styled(time, "cyan")
        return printable(f"{time} {self._mark}{text}", sys.stdout)


class _Handler(logging.StreamHandler[TextIO]):
    """Logs to a file, as long as somebody reads it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of logging's
        """Without a reader, falmock goes on in silence; other errors are told as usual."""
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            broken_pipe.discard_output()
        else:
            super().handleError(record)


def log_to_stdout(redactor: Callable[[], Redactor], mark: str = "") -> logging.Handler:
    """Log to standard output from now on, without secrets; returns the handler. `mark` stands between the time and each text."""
    handler = _Handler(sys.stdout)
    handler.setFormatter(_Formatter(mark, has_colors=has_colors(sys.stdout)))
    handler.addFilter(LogFilter((), redactor))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return handler
