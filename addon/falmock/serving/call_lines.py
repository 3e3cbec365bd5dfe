"""Prints a line for each call, as mitmdump does for each flow."""

from __future__ import annotations

import asyncio
import re
import shutil
from ipaddress import IPv6Address
from ipaddress import ip_address
from typing import IO
from typing import NamedTuple
from urllib.parse import parse_qsl

from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.redaction.known_secrets import is_loopback
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.redactor import Redactor
from falmock.serving.gate import Caller
from falmock.wire.message import Request
from falmock.wire.message import reason

_GATHER = 0.05
"""How long (seconds) the lines of many calls are gathered: to print each by itself costs more than the call."""
_COLORS = {"GET": "green", "DELETE": "red"}
_CODES = {"red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


_OPEN = frozenset(
    ["logs", "storage_type", "max_buffering", "fal_max_queue_length", "priority", "_subdomain", "endpoint_id", "limit"]
)
"""Query parameters that hold no secret: a query with only these is printed."""


class CallLine(NamedTuple):
    """What is printed of a call to `origin` (https://HOST) and `path` (with its query).

    `size` is that of the body in bytes, None if it came over time. `note` has no secrets.
    """

    peer: str
    method: str
    origin: str
    path: str
    status: int
    size: int | None
    note: str


def line_of(caller: Caller, request: Request, play: Reply | Stream | Socket) -> CallLine:
    """The line of a call that was answered. The address of a client on another machine is hidden."""
    base = f"http://{request.headers.get('host', '')}" if request.peer else f"https://{request.host}"
    path = f"{request.path}?{request.query}" if request.query else request.path
    status = 101 if isinstance(play, Socket) else play.status
    size = len(play.body) if isinstance(play, Reply) and isinstance(play.body, bytes) else None
    miss = "miss" if isinstance(play, Reply) and play.miss else ""
    host = caller.peer if not caller.peer or is_loopback(caller.peer) else HIDDEN
    peer, note = address(host, caller.port), miss or play.fixture or play.why
    return CallLine(peer, request.method, base, path, status, size, note)


class CallOutput(NamedTuple):
    """Where lines go, and whether it shows colors."""

    file: IO[str]
    has_colors: bool


class CallLines:
    """Gathers the lines of calls, and prints them without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lines: list[CallLine] = []
        self._timer: asyncio.TimerHandle | None = None
        self._printed = 0.0

    def out(self) -> CallOutput | None:
        """Where lines are printed now; None for nowhere."""
        raise NotImplementedError

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
        out = self.out() if lines else None
        if out is not None:
            width = max(shutil.get_terminal_size()[0] - 25, 50)
            text = "\n".join(self._text(line, width, has_colors=out.has_colors) for line in lines)
            print(text, file=out.file, flush=True)

    def _text(self, line: CallLine, width: int, *, has_colors: bool) -> str:
        def bold(text: str, color: str = "") -> str:
            return styled(text, color, is_bold=True) if has_colors else text

        url = _CONTROL.sub(".", line.origin + shown_path(line.path, self._redactor))
        url = url if len(url) <= width else url[:width] + "…"
        color = "green" if line.status < 300 else "magenta" if line.status < 400 else "red"
        method = bold(line.method, _COLORS.get(line.method, "magenta"))
        status = bold(f"{line.status} {reason(line.status).decode()}", color)
        size = "" if line.size is None else f" {bold(size_text(line.size))}"
        arrows = " " * max(0, len(line.peer) - 2) + bold(" <<")
        note = _CONTROL.sub(".", line.note.replace("\n", " "))
        return f"{line.peer}: {method} {bold(url)}\n{arrows} {status}{size} ({note})"


def shown_path(path: str, redactor: Redactor) -> str:
    """A path with its query without secrets: of a query, only parameters that never hold one are shown."""
    path, mark, query = path.partition("?")
    if any(name not in _OPEN for name, _ in parse_qsl(query, keep_blank_values=True)):
        query = HIDDEN
    return f"{redactor.text(path)}{mark}{redactor.value(query)}"


def styled(text: str, color: str = "", *, is_bold: bool = False) -> str:
    """A text with the codes of a terminal."""
    codes = [*([_CODES[color]] if color else []), *([1] if is_bold else [])]
    return "".join(f"\x1b[{code}m" for code in codes) + f"{text}\x1b[0m" if codes else text


def size_text(size: int) -> str:
    """A number of bytes in at most 5 characters."""
    if size < 1024:
        return f"{size}b"
    units, amount = iter("kmgt"), size / 1024
    unit = next(units)
    while amount >= 1024:
        amount, unit = amount / 1024, next(units)
    return f"{amount:.1f}{unit}" if amount < 99.95 else f"{amount:.0f}{unit}"


def address(host: str, port: int) -> str:
    """A host and port as text; that of an IPv4 address in the IPv6 form is that of the IPv4 address."""
    try:
        found = ip_address(host)
    except ValueError:
        return f"{host}:{port}"
    if isinstance(found, IPv6Address):
        return f"[{found}]:{port}" if found.ipv4_mapped is None else f"{found.ipv4_mapped}:{port}"
    return f"{found}:{port}"
