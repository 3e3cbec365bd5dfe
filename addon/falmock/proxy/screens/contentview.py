"""A content view for mitmproxy's screens that describes a fal flow: the call, its state, who answered, the body.

mitmproxy 11 and 12 have different interfaces for views: there is one small class for each, and one renderer for both.
It hides the secrets that falmock knows; the screens around it (headers, URLs, other views) are mitmproxy's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from typing import TypeGuard

from mitmproxy import contentviews
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import websocket

from falmock.proxy import flows
from falmock.proxy.screens import describe
from falmock.proxy.screens.describe import Side
from falmock.proxy.screens.describe import describe_message
from falmock.redaction.redactor import Redactor
from falmock.wire import handshake
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

logger = logging.getLogger(__name__)
NAME = "falmock"
PRIORITY = 100.0
"""Above mitmproxy's own views, which go up to 2: its GraphQL view takes any JSON with a key `query`."""
REGISTRY: Any = getattr(contentviews, "registry", None)
"""mitmproxy 12's registry of views; None in 11."""
MITMPROXY_11: Any = contentviews
"""The interface of 11, which 12 does not have."""

Message = http.Message | websocket.WebSocketMessage


class Screen:
    """What the view shows. `hosts` returns fal's hosts at the moment; it is called every time."""

    def __init__(self, hosts: Callable[[], Hosts], redactor: Redactor) -> None:
        self._hosts = hosts
        self._redactor = redactor

    def wants(self, data: bytes, flow: flows_.Flow | None, message: Message | None) -> bool:
        """Whether to show this message if the user did not choose a view. Never raises."""
        try:
            if not isinstance(flow, http.HTTPFlow) or not _is_known(message):
                return False
            shown = isinstance(message, websocket.WebSocketMessage) or describe.is_shown(
                message.headers.get("content-type", ""), data
            )
            return shown and flows.host_of(flow.request, self._hosts()) is not None
        except Exception:  # mitmproxy would show a traceback
            logger.debug("falmock: a flow could not be looked at", exc_info=True)
            return False

    def shows(self, data: bytes, flow: flows_.Flow | None, message: Message | None) -> bool:
        """Whether mitmproxy chooses this view for this message."""
        return _is_registered() and self.wants(data, flow, message)

    def text(self, data: bytes, flow: flows_.Flow | None, message: Message | None) -> str:
        """The text to show. Never raises."""
        try:
            if not isinstance(flow, http.HTTPFlow) or not _is_known(message):
                return "This is no message of an HTTP flow."
            host = flows.host_of(flow.request, self._hosts())
            if host is None:
                return "This flow is not to one of fal's hosts."
            if isinstance(message, websocket.WebSocketMessage):
                return describe_message(data, self._redactor, is_text=message.is_text)
            role = self._hosts().role(host) or Role.OTHER
            return describe.describe(_side(data, flow, message, host, role), self._redactor)
        except Exception as error:  # mitmproxy would show a traceback
            logger.debug("falmock: a flow could not be shown", exc_info=True)
            return f"falmock cannot show this ({type(error).__name__}): choose another view."


def _is_known(message: Message | None) -> TypeGuard[http.Request | http.Response | websocket.WebSocketMessage]:
    return isinstance(message, http.Request | http.Response | websocket.WebSocketMessage)


def _side(data: bytes, flow: http.HTTPFlow, message: http.Request | http.Response, host: str, role: Role) -> Side:
    path, _, query = flow.request.path.partition("?")
    why = str(flow.metadata.get(flows.WHY) or "")
    fixture = str(flow.metadata.get(flows.ANSWERED) or "")
    return Side(
        host,
        role,
        flow.request.method.upper(),
        path or "/",
        query,
        message.status_code if isinstance(message, http.Response) else None,
        message.headers.get("content-type", ""),
        data,
        request_id=flow.response.headers.get("x-fal-request-id", "") if flow.response else "",
        fixture=fixture,
        why=why,
        forwarded=flows.WHY in flow.metadata and flows.ANSWERED not in flow.metadata,
        recorded=str(flow.metadata.get("falmock.recorded") or ""),
        report=str(flow.metadata.get(flows.REPORT) or ""),
        upgrade=handshake.asks_for_socket(flow.request.headers),
    )


if REGISTRY is None:  # in 12 the base class warns that it is deprecated

    class View11(MITMPROXY_11.View):  # type: ignore[misc]
        """The view as mitmproxy 11 calls it."""

        name = NAME

        def __init__(self, screen: Screen) -> None:
            self._screen = screen

        def __call__(
            self,
            data: bytes,
            *,
            content_type: str | None = None,  # noqa: ARG002 - the message has the whole header
            flow: flows_.Flow | None = None,
            http_message: http.Message | None = None,
            websocket_message: websocket.WebSocketMessage | None = None,
            **_unknown: Any,
        ) -> tuple[str, Any]:
            """The name of the view, and its lines."""
            return NAME, MITMPROXY_11.format_text(self._screen.text(data, flow, http_message or websocket_message))

        def render_priority(
            self,
            data: bytes,
            *,
            content_type: str | None = None,  # noqa: ARG002
            flow: flows_.Flow | None = None,
            http_message: http.Message | None = None,
            websocket_message: websocket.WebSocketMessage | None = None,
            **_unknown: Any,
        ) -> float:
            """The priority of this view for a message; 0 if it does not apply."""
            return PRIORITY if self._screen.wants(data, flow, http_message or websocket_message) else 0


class View12:
    """The view as mitmproxy 12 calls it."""

    name = NAME
    syntax_highlight = "yaml"

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def prettify(self, data: bytes, metadata: Any) -> str:
        """The text of the view."""
        return self._screen.text(data, metadata.flow, metadata.http_message or metadata.websocket_message)

    def render_priority(self, data: bytes, metadata: Any) -> float:
        """The priority of this view for a message; below 0 if it does not apply."""
        return (
            PRIORITY
            if self._screen.wants(data, metadata.flow, metadata.http_message or metadata.websocket_message)
            else -1
        )

    def __lt__(self, other: Any) -> bool:
        return self.name < str(other.name)


def register(screen: Screen) -> None:
    """Add the view to mitmproxy's; replaces one that an earlier load of the script left. A failure is only logged."""
    try:
        unregister()
        if REGISTRY is not None:
            REGISTRY.register(View12(screen))
        else:
            MITMPROXY_11.add(View11(screen))
    except Exception as error:  # noqa: BLE001 - whatever mitmproxy raises
        logger.warning("falmock: mitmproxy refused the content view and will show its own views: %s", error)


def unregister() -> None:
    """Remove the view, if it is registered."""
    if REGISTRY is not None:
        # 12 has no method to remove a view; this is where it keeps them.
        getattr(REGISTRY, "_by_name", {}).pop(NAME, None)
        return
    for view in [view for view in MITMPROXY_11.views if view.name == NAME]:
        MITMPROXY_11.remove(view)


def _is_registered() -> bool:
    if REGISTRY is not None:
        return NAME in REGISTRY
    return any(view.name == NAME for view in MITMPROXY_11.views)
