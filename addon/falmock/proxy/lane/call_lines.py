"""Prints a line for each call in the lane, as mitmdump does for each flow."""

from __future__ import annotations

import asyncio
import shutil
from typing import NamedTuple

from mitmproxy import ctx
from mitmproxy.addons.dumper import Dumper
from mitmproxy.utils import human
from mitmproxy.utils import strutils

from falmock.proxy.screens.redacted_copies import shown_path
from falmock.redaction.redactor import Redactor
from falmock.wire.message import reason

_GATHER = 0.05
"""How long (seconds) the lines of many calls are gathered: to print each by itself costs more than the call."""
_COLORS = {"GET": "green", "DELETE": "red"}


class CallLine(NamedTuple):
    """What is printed of a call to `origin` (https://HOST) and `path` (with its query); `size` is that of the body in bytes, None if it came over time. `note` has no secrets."""

    peer: str
    method: str
    origin: str
    path: str
    status: int
    size: int | None
    note: str


class CallLines:
    """Gathers the lines of calls, and prints them without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lines: list[CallLine] = []
        self._timer: asyncio.TimerHandle | None = None
        self._printed = 0.0

    def add(self, line: CallLine) -> None:
        """Print this soon."""
        self._lines.append(line)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(self._printed + _GATHER - loop.time(), 0.0), self.flush)

    def flush(self) -> None:
        """Print what is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._printed = asyncio.get_running_loop().time()
        lines, self._lines = self._lines, []
        dumper = ctx.master.addons.get("dumper")
        if dumper is None or not ctx.options.flow_detail or not lines:
            return
        width = max(shutil.get_terminal_size()[0] - 25, 50)
        print("\n".join(self._text(dumper, line, width) for line in lines), file=dumper.outfp, flush=True)

    def _text(self, dumper: Dumper, line: CallLine, width: int) -> str:
        url = strutils.escape_control_characters(line.origin + shown_path(line.path, self._redactor))
        url = url if len(url) <= width else url[:width] + "…"
        color = "green" if line.status < 300 else "magenta" if line.status < 400 else "red"
        method = dumper.style(line.method, fg=_COLORS.get(line.method, "magenta"), bold=True)
        status = dumper.style(f"{line.status} {reason(line.status).decode()}", fg=color, bold=True)
        size = "" if line.size is None else f" {dumper.style(human.pretty_size(line.size), bold=True)}"
        arrows = " " * max(0, len(line.peer) - 2) + dumper.style(" <<", bold=True)
        note = strutils.escape_control_characters(line.note).replace("\n", " ")
        return f"{line.peer}: {method} {dumper.style(url, bold=True)}\n{arrows} {status}{size} ({note})"
