"""Keeps secrets off the terminal: what mitmdump prints of fal flows, and what stands in mitmproxy's event log.

mitmdump's dumper prints URLs with their queries, and at `flow_detail` 2 and above headers. For a fal flow it is
handed a copy without secrets; other flows, colours, filters and `-q` stay its own affair. Log lines are looked
through before a handler of mitmproxy's (the terminal's, and the event logs of mitmproxy and mitmweb) gets them.

Not covered, because it is mitmproxy's to show or write what it captured: the flows on the screens of mitmproxy
and mitmweb, files of `-w` and `hardump`, raw TCP flows, and the bytes that `proxy_debug` logs.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable
from typing import Any
from typing import NamedTuple
from typing import TypeVar
from urllib.parse import parse_qsl

from mitmproxy import ctx
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import log
from mitmproxy import websocket

from falmock.engine.describe_message import unpacked
from falmock.fixtures.redaction import Redactor
from falmock.fixtures.secret_shapes import HIDDEN
from falmock.proxy.speaker import READ_ALL
from falmock.wire import realtime
from falmock.wire.message import header_map

logger = logging.getLogger(__name__)
NAME = "falmock-terminal"
MAX_READ = 1024 * 1024
"""A body longer than this (bytes) is not looked through for secrets but left out."""
_METHODS = ("echo_flow", "websocket_message", "websocket_end", "_echo_message")
_SECRET_HEADER = re.compile(
    r"auth|cookie|token|secret|key|password|jwt|credential|signature|forwarded|-ip$", re.IGNORECASE
)
_OPEN = frozenset(
    ["logs", "storage_type", "max_buffering", "fal_max_queue_length", "priority", "_subdomain", "endpoint_id", "limit"]
)
"""Query parameters that hold no secret: a query of these alone is printed."""
_OWN_PING = f"(payload: {READ_ALL!r})"
"""How a line about a ping of the origin's own, or the pong to it, ends."""
_ATTEMPTS = 3

Message = TypeVar("Message", http.Request, http.Response, websocket.WebSocketMessage)


class Guard(NamedTuple):
    """`ours` tells whether a flow is fal's, `viewed` whether falmock's content view shows a message of it by itself."""

    ours: Callable[[http.HTTPFlow], bool]
    viewed: Callable[[bytes, http.HTTPFlow, http.Message], bool]
    redactor: Redactor


class Terminal:
    """Stands between mitmproxy and the terminal."""

    name = NAME

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        """Whose secrets are kept; another one after a reload of the script."""
        self.origins: set[tuple[str, int]] = set()
        """The addresses of falmock's own origin, also of one that a reload has ended: lines about connections to it would only puzzle."""

    def stand_before(self, dumper: Any) -> None:
        """See to what this dumper prints, which happens in these methods. Once for a dumper."""
        missing = [name for name in _METHODS if not hasattr(dumper, name)]
        if missing:
            logger.warning(
                "falmock: this mitmproxy prints flows in a way that falmock does not know (no %s): "
                "use flow_detail=0 where nobody may read keys in the output",
                ", ".join(missing),
            )
        for name in (name for name in _METHODS if name not in missing):
            screened = self._screened_message if name == "_echo_message" else self._screened
            setattr(dumper, name, screened(getattr(dumper, name)))

    def _screened(self, echo: Callable[..., None]) -> Callable[..., None]:
        """A method of the dumper that is given a flow, for fal's a copy without secrets."""

        def screened(flow: http.HTTPFlow) -> None:
            if not ctx.options.flow_detail:
                return
            try:
                shown = _without_secrets(flow, self.guard.redactor) if self._holds_secrets(flow) else flow
            except Exception:  # better no line than one with a key
                logger.exception("falmock: a flow could not be printed without its secrets")
            else:
                echo(shown)

        return screened

    def _holds_secrets(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is fal's, or an upload to a signed URL: fal has files put to hosts that are not its own."""
        if self.guard.ours(flow):
            return True
        url = flow.request.url
        return flow.request.method in ("PUT", "POST") and self.guard.redactor.value(url) != url

    def _screened_message(self, echo: Callable[..., None]) -> Callable[..., None]:
        """The dumper's method that prints the body of a message, for fal's flows less its secrets."""

        def screened(message: Any, flow: flows_.Flow) -> None:
            try:
                if isinstance(flow, http.HTTPFlow) and self.guard.ours(flow):
                    message = _body_hidden(message, flow, self.guard)
            except Exception:
                logger.exception("falmock: a body could not be printed without its secrets")
            else:
                echo(message, flow)

        return screened


def _without_secrets(flow: http.HTTPFlow, redactor: Redactor) -> http.HTTPFlow:
    """A copy of a flow with queries and secrets hidden, the flow itself where none would be printed; bodies are as they were."""
    detailed = ctx.options.flow_detail >= 2
    if detailed or flow.error is not None or flow.websocket is not None:
        _learn(flow, redactor)
    elif _path(flow.request, redactor) == flow.request.path:
        return flow
    shown = copy.copy(flow)
    shown.request = flow.request.copy()
    shown.request.path = _path(flow.request, redactor)
    if detailed:
        shown.response = flow.response.copy() if flow.response else None
        for message in (shown.request, shown.response):
            if message is not None:
                _hide_headers(message, redactor)
    if flow.error is not None:
        shown.error = flows_.Error(redactor.text(flow.error.msg), flow.error.timestamp)
    if flow.websocket is not None:
        shown.websocket = copy.copy(flow.websocket)
        shown.websocket.close_reason = redactor.text(flow.websocket.close_reason or "")
    return shown


def _learn(flow: http.HTTPFlow, redactor: Redactor) -> None:
    """Tell the redactor the secrets of a flow: they may come back in what is printed of it."""
    redactor.learn(header_map(flow.request.headers.fields), flow.request.path.partition("?")[2])
    if flow.response is not None:
        redactor.learn(header_map(flow.response.headers.fields))


def _path(request: http.Request, redactor: Redactor) -> str:
    path, mark, query = request.path.partition("?")
    if any(name not in _OPEN for name, _ in parse_qsl(query, keep_blank_values=True)):
        query = HIDDEN
    return f"{redactor.text(path)}{mark}{redactor.value(query)}"


def _hide_headers(message: http.Request | http.Response, redactor: Redactor) -> None:
    message.headers = _hidden_fields(message.headers, redactor)
    if message.trailers is not None:
        message.trailers = _hidden_fields(message.trailers, redactor)


def _hidden_fields(headers: http.Headers, redactor: Redactor) -> http.Headers:
    return http.Headers([(name, _hidden_header(name, value, redactor)) for name, value in headers.fields])


def _hidden_header(name: bytes, value: bytes, redactor: Redactor) -> bytes:
    """A header's value as it may be read: whole, in part or not at all."""
    known = name.decode("latin-1")
    if _SECRET_HEADER.search(known):
        return HIDDEN.encode()
    text = value.decode("utf-8", "surrogateescape")
    return redactor.text(str(redactor.value({known: text})[known])).encode("utf-8", "surrogateescape")


def _body_hidden(message: Message, flow: http.HTTPFlow, guard: Guard) -> Message:
    """A message with the secrets in its body hidden, the same one when there are none."""
    content = _content(message)
    if not content or _viewed(message, content, flow, guard):
        return message
    if isinstance(message, websocket.WebSocketMessage):
        shown = copy.copy(message)
        shown.content = _message_hidden(message, guard.redactor)
        return shown
    hidden = _hidden(content, guard.redactor)
    if hidden == content:
        return message
    changed = message.copy()
    changed.raw_content = hidden
    return changed


def _viewed(message: Message, content: bytes, flow: http.HTTPFlow, guard: Guard) -> bool:
    """Whether falmock's content view is what shows a message."""
    if ctx.options.dumper_default_contentview != "auto" or isinstance(message, websocket.WebSocketMessage):
        return False
    return guard.viewed(content, flow, message)


def _hidden(content: bytes, redactor: Redactor) -> bytes:
    if len(content) > MAX_READ:
        return _too_long(content)
    try:
        return redactor.text(content.decode()).encode()
    except UnicodeError:  # Latin-1 has a character for every byte
        return redactor.text(content.decode("latin-1")).encode("latin-1", "replace")


def _too_long(content: bytes) -> bytes:
    return f"({len(content):,} bytes, too many to look through for secrets)".encode()


def _message_hidden(message: websocket.WebSocketMessage, redactor: Redactor) -> bytes:
    """A message on a socket less its secrets, and in msgpack less the bytes in it."""
    value = None if message.is_text else unpacked(message.content)
    if value is None:
        return _hidden(message.content, redactor)
    content = realtime.encode(redactor.value(value))
    return content if len(content) <= MAX_READ else _too_long(content)


def _content(message: http.Message | websocket.WebSocketMessage) -> bytes:
    if isinstance(message, websocket.WebSocketMessage):
        return message.content
    try:
        return message.content or b""
    except ValueError:  # not encoded as it says: it is shown as it is
        return message.raw_content or b""


class LogFilter(logging.Filter):
    """Hides secrets in log records, for whichever handler comes first: they are the same objects for all."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, less its secrets, but for lines about connections to the origin."""
        try:
            if self._is_of_origin(record):
                return False
            if not getattr(record, "falmock_read", False):
                self._hide(record)
        except Exception:  # noqa: BLE001 - logging it would come back here
            record.msg, record.args, record.exc_info = (
                "(a log line that could not be looked through for secrets)",
                None,
                None,
            )
        record.falmock_read = True
        return True

    def _is_of_origin(self, record: logging.LogRecord) -> bool:
        origins = self._terminal.origins
        if not origins or not record.name.startswith("mitmproxy"):
            return False
        text = record.getMessage()
        return text.endswith(_OWN_PING) or any(
            f"{host}:{port}" in text or text == f"Streaming request to {host}." for host, port in origins
        )

    def _hide(self, record: logging.LogRecord) -> None:
        # Lines of mitmproxy's may quote requests and are for diagnosis; of others' only what is surely a secret is hidden.
        thorough = record.name.startswith(("mitmproxy", "falmock"))
        text = record.getMessage()
        shown = self._hidden(text, thorough=thorough)
        if shown != text:
            record.msg, record.args = shown, None
        if record.exc_info:
            trace = _FORMATTER.formatException(record.exc_info)
            shown_trace = self._hidden(trace, thorough=thorough)
            if shown_trace != trace:
                record.msg, record.args = f"{shown}\n{shown_trace}", None
                record.exc_info = record.exc_text = None

    def _hidden(self, text: str, *, thorough: bool) -> str:
        """A text less its secrets. Other threads log too, while this one's traffic teaches the redactor more."""
        redactor = self._terminal.guard.redactor
        for _ in range(_ATTEMPTS):
            try:
                return redactor.text(text) if thorough else str(redactor.value(text))
            except (RuntimeError, KeyError):
                continue
        raise RuntimeError


_FORMATTER = logging.Formatter()


def installed(guard: Guard) -> Terminal:
    """What stands before the terminal in this mitmproxy process, with this guard; put there on first use.

    It stays when the script goes away, as the veto on connections does: the flows that are still refused have keys too.
    """
    addons = ctx.master.addons
    terminal = addons.get(NAME)
    if isinstance(terminal, Terminal):
        terminal.guard = guard
        return terminal
    terminal = Terminal(guard)
    addons.register(terminal)
    dumper = addons.get("dumper")
    if dumper is not None:
        terminal.stand_before(dumper)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, log.MitmLogHandler):  # others are the user's own
            handler.addFilter(LogFilter(terminal))
    return terminal
