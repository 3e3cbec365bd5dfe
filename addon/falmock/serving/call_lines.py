"""Prints a line for each call, as mitmdump does for each flow."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable
from functools import lru_cache
from functools import partial
from ipaddress import IPv6Address
from ipaddress import ip_address
from typing import IO
from typing import NamedTuple
from typing import TypeVar
from urllib.parse import parse_qsl

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.jobs.status_object import ANY_JOB
from falmock.gateway.health import CHECK
from falmock.redaction.known_secrets import is_loopback
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.redactor import Redactor
from falmock.serving.gate import Caller
from falmock.wire.formats.spelled import surrogates_escaped
from falmock.wire.message import Request
from falmock.wire.message import reason

_GATHER = 0.05
"""How long (seconds) the lines of many calls are gathered: to print each by itself costs more than the call."""
_COLORS = {"GET": "green", "DELETE": "red"}
_CODES = {"red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEPT = 4096
"""How many texts of lines are kept."""
Answered = Reply | Stream | Socket
"""How a call was answered."""
_LARGE = 64 * 1024
"""A body of more bytes is not kept until the line is printed."""
_LONGEST = 500
"""A longer URL or note (characters) is not kept."""
K = TypeVar("K")
_OPEN = frozenset(
    ["logs", "storage_type", "max_buffering", "fal_max_queue_length", "priority", "_subdomain", "endpoint_id", "limit"]
)
"""Query parameters that hold no secret: a query with only these is printed."""


class CallLine(NamedTuple):
    """What is printed of a call to `origin` (https://HOST) and `path` (with its query).

    `size` is that of the body in bytes, None if it came over time. `note` has no secrets. `job` is the request id in the
    path, if it is one that falmock issued, else "".
    """

    peer: str
    method: str
    origin: str
    path: str
    status: int
    size: int | None
    note: str
    job: str = ""


def line_later(caller: Caller, request: Request, play: Answered) -> Callable[[], CallLine]:
    """What makes the line of a call that was answered; it does not keep a large body."""
    return partial(line_of, caller, request._replace(body=b"") if len(request.body) > _LARGE else request, play)


def line_of(caller: Caller, request: Request, play: Answered) -> CallLine:
    """The line of a call that was answered. The address of a client on another machine is hidden."""
    base = f"http://{request.headers.get('host', '')}" if request.peer else f"https://{request.host}"
    path = f"{request.path}?{request.query}" if request.query else request.path
    peer = address(_shown_host(caller.peer), caller.port)
    if isinstance(play, Reply):
        size = len(play.body) if type(play.body) is bytes else None
        note = "miss" if play.miss else play.fixture or play.why
        return CallLine(peer, request.method, base, path, play.status, size, note, _job_in(path, play))
    status = 101 if isinstance(play, Socket) else play.status
    return CallLine(peer, request.method, base, path, status, None, play.fixture or play.why)


def _job_in(path: str, reply: Reply) -> str:
    """The request id in a path: the answer names it too, so falmock issued it; "" if there is none."""
    if "/requests/" not in path:
        return ""
    for name, value in reply.headers:
        if name == replies.REQUEST_ID:
            job = value.decode("latin-1")
            return job if len(job) == len(ANY_JOB) and job in path else ""
    return ""


@lru_cache(64)
def _shown_host(peer: str) -> str:
    return peer if not peer or is_loopback(peer) else HIDDEN


class CallOutput(NamedTuple):
    """Where lines go, and whether it shows colors."""

    file: IO[str]
    has_colors: bool


class CallLines:
    """Gathers the lines of calls, and prints them without secrets. Each call's begin with `mark`."""

    def __init__(self, redactor: Redactor, mark: str = "") -> None:
        self._redactor = redactor
        self._mark = mark
        self._lines: list[Callable[[], CallLine]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._printed = 0.0
        self._urls: dict[str, str] = {}
        """How URLs are shown, with ANY_JOB; only those with nothing to hide."""
        self._answers: dict[tuple[int, int | None, str, bool], str] = {}
        self._revision = 0

    def out(self) -> CallOutput | None:
        """Where lines are printed now; None for nowhere."""
        raise NotImplementedError

    def answered(self, caller: Caller, request: Request, play: Answered) -> None:
        """Print the line of a call soon. Health checks have none."""
        if play.why != CHECK:
            self.add(line_later(caller, request, play))

    def add(self, line: Callable[[], CallLine]) -> None:
        """Print this soon. Lines are made when they are printed: many at a time, which takes half the time."""
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
            if self._redactor.revision != self._revision:
                self._urls.clear()
                self._revision = self._redactor.revision
            text = "\n".join(self._text(line(), width, has_colors=out.has_colors) for line in lines)
            print(printable(text, out.file), file=out.file, flush=True)

    def _text(self, line: CallLine, width: int, *, has_colors: bool) -> str:
        url = self._url(line)
        url = url if len(url) <= width else url[:width] + "…"
        method, peer = line.method, f"{self._mark}{line.peer}"
        if has_colors:
            url, method = styled(url, is_bold=True), styled(method, _COLORS.get(method, "magenta"), is_bold=True)
        answer = self._answer(line.status, line.size, line.note, has_colors=has_colors)
        return f"{peer}: {method} {url}\n{' ' * (len(peer) - 2)}{answer}"

    def _url(self, line: CallLine) -> str:
        """The URL of a call without secrets. Those about different jobs are alike, so it is searched once for all."""
        path, job = line.path, line.job
        if job and not self._redactor.has_learned(job):
            path = path.replace(job, ANY_JOB)
        else:
            job = ANY_JOB
        url = line.origin + path
        shown = self._urls.get(url)
        if shown is None:
            shown = _CONTROL.sub(".", line.origin + shown_path(path, self._redactor))
            if shown == url and len(url) <= _LONGEST:
                _keep(self._urls, url, shown)
        return shown.replace(ANY_JOB, job)

    def _answer(self, status: int, size: int | None, note: str, *, has_colors: bool) -> str:
        key = (status, size, note, has_colors)
        text = self._answers.get(key)
        if text is None:
            color = "green" if status < 300 else "magenta" if status < 400 else "red"
            arrows, code, length = " <<", f"{status} {reason(status).decode()}", "" if size is None else size_text(size)
            if has_colors:
                arrows, code = styled(arrows, is_bold=True), styled(code, color, is_bold=True)
                length = length and styled(length, is_bold=True)
            shown = _CONTROL.sub(".", note.replace("\n", " "))
            text = f"{arrows} {code}{length and ' '}{length} ({shown})"
            if len(note) <= _LONGEST:
                _keep(self._answers, key, text)
        return text


def _keep(texts: dict[K, str], key: K, text: str) -> None:
    if len(texts) >= _KEPT:
        texts.clear()
    texts[key] = text


def shown_path(path: str, redactor: Redactor) -> str:
    """A path with its query without secrets: of a query, only parameters that never hold one are shown.

    Bytes that are no text are escaped.
    """
    path, mark, query = path.partition("?")
    if any(name not in _OPEN for name, _ in parse_qsl(query, keep_blank_values=True)):
        query = HIDDEN
    return surrogates_escaped(f"{redactor.text(path)}{mark}{redactor.value(query)}")


def printable(text: str, file: IO[str]) -> str:
    """A text with escapes for the characters that a file cannot hold."""
    encoding = getattr(file, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


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
    return f"{_host_text(host)}:{port}"


@lru_cache(maxsize=1024)
def _host_text(host: str) -> str:
    try:
        found = ip_address(host)
    except ValueError:
        return host
    if isinstance(found, IPv6Address):
        return f"[{found}]" if found.ipv4_mapped is None else str(found.ipv4_mapped)
    return str(found)
