"""Keeps secrets off the terminal: what mitmdump prints of fal flows, and what stands in mitmproxy's event log.

mitmdump's dumper prints URLs with their queries, and at `flow_detail` 2 and above headers. For a fal flow it is
handed a copy without secrets; other flows, colours, filters and `-q` stay its own affair. Log lines are looked
through before a handler of mitmproxy's (the terminal's, and the event logs of mitmproxy and mitmweb) gets them.

Not covered, because it is mitmproxy's to show or write what it captured: the flows on the screens of mitmproxy
and mitmweb, files of `-w` and `hardump`, raw TCP flows, and the bytes that `proxy_debug` logs.
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

from falmock.proxy import addon_chain
from falmock.proxy.origin.socket_tunnel import Hidden
from falmock.proxy.screens.log_filter import LogFilter
from falmock.proxy.screens.redacted_copies import content_of
from falmock.proxy.screens.redacted_copies import flow_without_secrets
from falmock.proxy.screens.redacted_copies import message_without_secrets
from falmock.redaction.redactor import Redactor

logger = logging.getLogger(__name__)
NAME = "falmock-terminal"
_METHODS = ("echo_flow", "websocket_message", "websocket_end", "_echo_message")


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
        """The addresses of falmock's own origin, also of one that a reload has ended: lines about connections to it
        would only puzzle."""

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
                shown = flow_without_secrets(flow, self.guard.redactor) if self._holds_secrets(flow) else flow
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
                if isinstance(flow, http.HTTPFlow) and self.guard.ours(flow) and not self._is_viewed(message, flow):
                    message = message_without_secrets(message, self.guard.redactor)
            except Exception:
                logger.exception("falmock: a body could not be printed without its secrets")
            else:
                echo(message, flow)

        return screened

    def _is_viewed(self, message: http.Message | websocket.WebSocketMessage, flow: http.HTTPFlow) -> bool:
        """Whether falmock's content view is what shows a message."""
        if ctx.options.dumper_default_contentview != "auto" or isinstance(message, websocket.WebSocketMessage):
            return False
        content = content_of(message)
        return bool(content) and self.guard.viewed(content, flow, message)


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
    addon_chain.put_first(Hidden(terminal.origins))
    dumper = addons.get("dumper")
    if dumper is not None:
        terminal.stand_before(dumper)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, log.MitmLogHandler):  # others are the user's own
            handler.addFilter(LogFilter(terminal.origins, lambda: terminal.guard.redactor))
    return terminal
