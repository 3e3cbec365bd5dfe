"""Keeps secrets off the terminal: in what mitmdump prints of fal flows, and in mitmproxy's event log.

mitmdump's dumper prints URLs with their queries, and headers at `flow_detail` 2 and above. For a fal flow it gets
a copy without secrets; other flows, colours, filters and `-q` are not changed, except that no flow and no log line
shows the address of a client that is not on this machine. Log lines are filtered before
mitmproxy's handlers (the terminal, and the event logs of mitmproxy and mitmweb) get them.

Not covered, because mitmproxy shows or writes what it captured: the flows on the screens of mitmproxy and mitmweb,
files of `-w` and `hardump`, raw TCP flows, and the bytes that `proxy_debug` logs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from mitmproxy import ctx
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import log
from mitmproxy import websocket

from falmock.gateway.health import CHECK
from falmock.proxy import addon_chain
from falmock.proxy import flows
from falmock.proxy.origin.socket_tunnel import Hidden
from falmock.proxy.screens.log_filter import LogFilter
from falmock.proxy.screens.redacted_copies import content_of
from falmock.proxy.screens.redacted_copies import flow_without_secrets
from falmock.proxy.screens.redacted_copies import message_without_secrets
from falmock.proxy.screens.redacted_copies import without_peer
from falmock.redaction.redactor import Redactor
from falmock.wire.formats.encodings import TooLarge

logger = logging.getLogger(__name__)
NAME = "falmock-terminal"
_OTHERS = ("_proto_message", "dns_response", "dns_error")
_METHODS = ("echo_flow", "websocket_message", "websocket_end", "_echo_message", *_OTHERS)


class Guard(NamedTuple):
    """`ours` returns whether a flow is fal's, `viewed` whether falmock's content view shows a message of it."""

    ours: Callable[[http.HTTPFlow], bool]
    viewed: Callable[[bytes, http.HTTPFlow, http.Message], bool]
    redactor: Redactor


class Terminal:
    """Filters what mitmproxy prints on the terminal."""

    name = NAME

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        """Decides what is hidden; a reload of the script replaces it."""
        self.origins: set[tuple[str, int]] = set()
        """The addresses of falmock's own origin, also former ones before a reload: log lines about connections to it
        would only confuse."""

    def wrap(self, dumper: Any) -> None:
        """Wrap the methods of this dumper that print. Call it once per dumper."""
        missing = [name for name in _METHODS if not hasattr(dumper, name)]
        if missing:
            logger.warning(
                "falmock: this mitmproxy prints flows in a way that falmock does not know (no %s): "
                "use flow_detail=0 if keys must not appear in the output",
                ", ".join(missing),
            )
        for name in (name for name in _METHODS if name not in missing):
            if name in _OTHERS:
                screened = self._without_peer
            else:
                screened = self._screened_message if name == "_echo_message" else self._screened
            setattr(dumper, name, screened(getattr(dumper, name)))

    def _screened(self, echo: Callable[..., None]) -> Callable[..., None]:
        """Wrap a method of the dumper that prints a flow: for a fal flow it gets a copy without secrets."""

        def screened(flow: http.HTTPFlow) -> None:
            if not ctx.options.flow_detail or flow.metadata.get(flows.WHY) == CHECK:
                return
            try:
                shown = flow_without_secrets(flow, self.guard.redactor) if self._holds_secrets(flow) else flow
            except Exception:  # printing nothing is better than printing a key
                logger.exception("falmock: a flow could not be printed without its secrets")
            else:
                echo(without_peer(shown))

        return screened

    def _without_peer(self, echo: Callable[..., None]) -> Callable[..., None]:
        """Wrap a method of the dumper that prints a flow of another protocol: it gets no address of the client."""
        return lambda flow: echo(without_peer(flow))

    def _holds_secrets(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is fal's, or an upload to a signed URL: some of fal's uploads go to hosts that are not its own."""
        if self.guard.ours(flow):
            return True
        url = flow.request.url
        return flow.request.method in ("PUT", "POST") and self.guard.redactor.value(url) != url

    def _screened_message(self, echo: Callable[..., None]) -> Callable[..., None]:
        """Wrap the dumper's method that prints the body of a message: for fal's flows it prints no secrets."""

        def screened(message: Any, flow: flows_.Flow) -> None:
            try:
                if isinstance(flow, http.HTTPFlow) and self.guard.ours(flow) and not self._is_viewed(message, flow):
                    message = message_without_secrets(message, self.guard.redactor)
            except Exception:
                logger.exception("falmock: a body could not be printed without its secrets")
            else:
                echo(message, flow)

        return screened

    def _is_viewed(self, message: http.Message | websocket.WebSocketMessage, flow: http.HTTPFlow) -> bool:
        """Whether falmock's content view shows a message."""
        if ctx.options.dumper_default_contentview != "auto" or isinstance(message, websocket.WebSocketMessage):
            return False
        try:
            content = content_of(message)
        except TooLarge:
            return False
        return bool(content) and self.guard.viewed(content, flow, message)


def installed(guard: Guard) -> Terminal:
    """The Terminal of this mitmproxy process, with this guard; installed on first use.

    It stays when the script is unloaded, like the veto on connections: the flows that are still refused have keys too.
    """
    addons = ctx.master.addons
    terminal = addons.get(NAME)
    if isinstance(terminal, Terminal):
        terminal.guard = guard
        return terminal
    terminal = Terminal(guard)
    addons.register(terminal)
    addon_chain.put_first(Hidden(terminal.origins))
    dumper = addons.get("dumper")
    if dumper is not None:
        terminal.wrap(dumper)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, log.MitmLogHandler):  # other handlers belong to the user
            handler.addFilter(LogFilter(terminal.origins, lambda: terminal.guard.redactor))
    return terminal
