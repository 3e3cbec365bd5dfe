"""Every place where falmock relies on what mitmproxy does not document: what it is, and why.

A newer mitmproxy may rename or reshape any of these. Then the row of that name fails here, before a user notices.
"""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import inspect
import logging
import re
from collections.abc import Callable
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from mitmproxy import addonmanager
from mitmproxy import contentviews
from mitmproxy import exceptions
from mitmproxy import flow
from mitmproxy import log
from mitmproxy import options
from mitmproxy.addons import clientplayback
from mitmproxy.addons import dumper
from mitmproxy.addons import errorcheck
from mitmproxy.addons import eventstore
from mitmproxy.addons import proxyauth
from mitmproxy.addons import proxyserver
from mitmproxy.addons import script
from mitmproxy.addons import termlog
from mitmproxy.addons import view
from mitmproxy.contentviews import View
from mitmproxy.hooks import UpdateHook
from mitmproxy.proxy import context as proxy_context
from mitmproxy.proxy import layer
from mitmproxy.proxy import layers
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy import server
from mitmproxy.proxy import tunnel
from mitmproxy.proxy.layers import tls
from mitmproxy.proxy.layers.http import _http2
from mitmproxy.test import tflow
from mitmproxy.test import tutils
from mitmproxy.tools.dump import DumpMaster

from falmock.proxy import configuration
from falmock.proxy.screens import contentview
from falmock.proxy.screens import terminal
from unit.proxy.mitm import mitmproxy

PACKAGE = Path(contentview.__file__).parents[2]
NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make"}

# mitmproxy 12 parses filters in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")


class Seam(NamedTuple):
    """What falmock's `file` needs of mitmproxy by the last part of `name`, and why; `holds` tells whether it is there."""

    file: str
    name: str
    why: str
    holds: Callable[[], bool]


def parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


def source(module: object) -> str:
    return inspect.getsource(module)  # type: ignore[arg-type]


def prints(name: str, *arguments: str) -> bool:
    """Whether the dumper has this method, with these parameters, and calls it where a copy put on it counts."""
    method = getattr(dumper.Dumper, name)
    is_called = name in {
        "websocket_message",
        "websocket_end",
        "dns_response",
        "dns_error",
    } or f"self.{name}(" in source(dumper.Dumper)
    return len(parameters(method)) == len(arguments) + 1 and is_called and name in terminal._METHODS


def keeps_views() -> bool:
    if contentview.REGISTRY is None:
        is_list = isinstance(contentviews.views, list)
        return is_list and callable(contentviews.add) and callable(contentviews.remove) and inspect.isclass(View)
    registry = type(contentview.REGISTRY)()
    registry.register(contentview.View12(contentview.Screen(lambda: None, None)))  # type: ignore[arg-type, return-value]
    return (
        isinstance(registry._by_name, dict) and contentview.NAME in registry._by_name and contentview.NAME in registry
    )


def gives_views_messages() -> bool:
    if contentview.REGISTRY is None:
        asked = {"content_type", "flow", "http_message"}
        return asked <= set(parameters(View.render_priority)) and parameters(contentviews.format_text) == ["text"]
    return {"flow", "http_message", "websocket_message"} <= {
        field.name for field in dataclasses.fields(contentviews.Metadata)
    }


def keeps_a_chain() -> bool:
    with mitmproxy() as context:
        chain = context.master.addons.chain
    return isinstance(chain, list) and "self.chain" in source(addonmanager.AddonManager.trigger)


def finds_addons_in_addons() -> bool:
    class Outer:
        addons = ("inner",)

    outer = Outer()
    return list(addonmanager.traverse([outer])) == [outer, "inner"]


def registers_without_a_place() -> bool:
    class Ours:
        name = "ours"

    ours = Ours()
    with mitmproxy() as context:
        addons = context.master.addons
        before = list(addons.chain)
        return addons.register(ours) is ours and addons.get("ours") is ours and addons.chain == before


def replays() -> bool:
    made = clientplayback.ReplayHandler
    return (
        issubclass(made, server.ConnectionHandler)
        and parameters(made) == ["flow", "options"]
        and inspect.iscoroutinefunction(made.replay)
        and parameters(made.replay) == ["self"]
    )


def has_request_data() -> bool:
    request = tutils.treq(host="example.com", headers=((b"host", b"example.com"),))
    request.data.host, request.data.port = "127.0.0.1", 1
    return (request.host, request.port, request.headers["host"]) == ("127.0.0.1", 1, "example.com")


def has_modes() -> bool:
    modes = (mode_specs.RegularMode, mode_specs.UpstreamMode, mode_specs.ReverseMode, *configuration._REDIRECTING)
    return all(issubclass(mode, mode_specs.ProxyMode) for mode in modes)


def has_addons() -> bool:
    found = {addonmanager._get_name(kind.__new__(kind)) for kind in (dumper.Dumper, proxyserver.Proxyserver, view.View)}
    return found == {"dumper", "proxyserver", "view"}


def opens_a_socket_as_raw_tcp() -> bool:
    text = source(layers.http.HttpStream)
    return "if self.flow.websocket:" in text and "elif self.context.options.rawtcp:" in text


def handles_log() -> bool:
    kinds = (termlog.TermLogHandler, eventstore.CallbackLogger, errorcheck.ErrorCheckHandler)
    return issubclass(log.MitmLogHandler, logging.Handler) and all(
        issubclass(kind, log.MitmLogHandler) for kind in kinds
    )


SEAMS = (
    Seam(
        "screens/terminal.py",
        "Dumper.echo_flow",
        "replaced, so that mitmdump prints a fal flow less its secrets",
        lambda: prints("echo_flow", "flow"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper.websocket_message",
        "replaced, for the lines about messages on sockets",
        lambda: prints("websocket_message", "flow"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper.websocket_end",
        "replaced, for the line about the end of a socket",
        lambda: prints("websocket_end", "flow"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper._echo_message",
        "replaced, for the bodies that mitmdump prints",
        lambda: prints("_echo_message", "message", "flow"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper._proto_message",
        "replaced, for the lines about TCP and UDP, which have the address of the client",
        lambda: prints("_proto_message", "f"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper.dns_response",
        "replaced, for the lines about DNS, which have the address of the client",
        lambda: prints("dns_response", "f"),
    ),
    Seam(
        "screens/terminal.py",
        "Dumper.dns_error",
        "replaced, for the lines about DNS that failed",
        lambda: prints("dns_error", "f"),
    ),
    Seam(
        "screens/redacted_copies.py",
        "client_conn.peername",
        "set on a copy, which is printed: the address of the client in front of a flow",
        lambda: "format_address(flow.client_conn.peername)" in source(dumper),
    ),
    Seam(
        "screens/log_filter.py",
        "LogRecord.client",
        "replaced: the address of the client that the formatter puts in front of a line",
        lambda: 'getattr(record, "client", None)' in source(log.MitmFormatter),
    ),
    Seam(
        "screens/terminal.py",
        "setattr",
        "how the methods of the dumper are replaced",
        lambda: not hasattr(dumper.Dumper, "__slots__"),
    ),
    Seam(
        "screens/terminal.py",
        "log.MitmLogHandler",
        "tells mitmproxy's handlers of log lines from the user's own",
        handles_log,
    ),
    Seam(
        "screens/log_filter.py",
        "Streaming request to",
        "the start of a log line that is hidden where it is about the origin",
        lambda: 'f"Streaming request to {self.flow.request.host}."' in source(layers.http),
    ),
    Seam(
        "screens/log_filter.py",
        "payload",
        "the end of a log line about the origin's own pings, which is hidden",
        lambda: 'f"(payload: {bytes(ws_event.payload)!r})"' in source(layers.websocket),
    ),
    Seam("screens/contentview.py", "registry._by_name", "there is no other way to take a view away", keeps_views),
    Seam(
        "screens/contentview.py",
        "View.render_priority",
        "how a view is given a flow and its message, in mitmproxy 11 and in 12",
        gives_views_messages,
    ),
    Seam("addon_chain.py", "AddonManager.chain", "set, so that some addons come before mitmproxy's own", keeps_a_chain),
    Seam("addon_chain.py", "addons", "mitmproxy finds addons in an addon's list of this name", finds_addons_in_addons),
    Seam(
        "addon_chain.py", "AddonManager.register", "adds an addon without a place of its own", registers_without_a_place
    ),
    Seam(
        "origin/client_reset.py", "proxyserver", "the addon that holds the connections; and its neighbours", has_addons
    ),
    Seam(
        "origin/client_reset.py",
        "Proxyserver.connections",
        "finds the connection of a client that is to be reset",
        lambda: proxyserver.Proxyserver().connections == {},
    ),
    Seam(
        "origin/client_reset.py",
        "ConnectionHandler.transports",
        "finds the writer of such a connection, with `client`",
        lambda: {"transports", "client"} <= server.ConnectionHandler.__annotations__.keys(),
    ),
    Seam(
        "origin/client_reset.py",
        "ConnectionIO.writer",
        "is reset, or closed where it is not asyncio's",
        lambda: server.ConnectionIO().writer is None,
    ),
    Seam(
        "origin/redirect.py", "Request.data", "leads a flow elsewhere without a change of its headers", has_request_data
    ),
    Seam("origin/socket_tunnel.py", "rawtcp", "passes a socket on byte for byte", opens_a_socket_as_raw_tcp),
    Seam(
        "origin/socket_tunnel.py",
        "AddonHalt",
        "keeps the flows of tunnels from the addons behind",
        lambda: "except exceptions.AddonHalt:" in source(addonmanager) and issubclass(exceptions.AddonHalt, Exception),
    ),
    Seam("own_requests.py", "ReplayHandler", "sends a request as `replay.client` does, but can give up", replays),
    Seam(
        "own_requests.py",
        "ConnectionIO.handler",
        "is cancelled to close the connection of a request that is given up",
        lambda: server.ConnectionIO().handler is None and "x.handler.cancel()" in source(clientplayback),
    ),
    Seam(
        "webhooks/pinned_replay.py",
        "ReplayHandler",
        "posts a webhook as `replay.client` does, but can give up",
        replays,
    ),
    Seam(
        "webhooks/pinned_replay.py",
        "ConnectionHandler.open_connection",
        "is told to try one address after the other; a failure ends in `server_event`",
        lambda: (
            parameters(server.ConnectionHandler.open_connection) == ["self", "command"]
            and parameters(server.ConnectionHandler.server_event) == ["self", "event"]
            and "events.OpenConnectionCompleted(command, err)" in source(server.ConnectionHandler.open_connection)
        ),
    ),
    Seam(
        "webhooks/pinned_replay.py",
        "command.connection.address",
        "is what `open_connection` connects to; the name that TLS verifies is another attribute",
        lambda: (
            "*command.connection.address" in source(server.ConnectionHandler.open_connection)
            and "context.server.sni = flow.request.pretty_host" in source(clientplayback)
        ),
    ),
    Seam(
        "egress.py",
        "data.server",
        "its `error` refuses a connection; also those that a raw tunnel uses",
        lambda: "command.connection.error" in source(server.ConnectionHandler.open_connection),
    ),
    Seam(
        "egress.py",
        "TunnelLayer.tunnel_connection",
        "finds every connection that a raw tunnel would use",
        lambda: "tunnel_connection" in tunnel.TunnelLayer.__annotations__,
    ),
    Seam(
        "egress.py",
        "data.ignore_connection",
        "passes TLS on unread, to where the connection is refused",
        lambda: "if tls_clienthello.ignore_connection" in source(tls.ClientTLSLayer),
    ),
    Seam(
        "egress.py",
        "context.client.sni",
        "is set, once mitmproxy has set it, to a name of fal's that it does not read in a TLS hello",
        lambda: (
            source(tls.ClientTLSLayer).index(".sni = client_hello.sni")
            < source(tls.ClientTLSLayer).index("TlsClienthelloHook(")
        ),
    ),
    Seam(
        "egress.py",
        "Context.layers",
        "the layers in which tunnels are looked for",
        lambda: proxy_context.Context(tflow.tclient_conn(), options.Options()).layers == [],
    ),
    Seam(
        "addon.py",
        "NextLayer.data_client",
        "the first bytes of a client",
        lambda: callable(layer.NextLayer.data_client),
    ),
    Seam(
        "addon.py",
        "options.deferred",
        "options of ours that were set before they were declared",
        lambda: options.Options().deferred == {},
    ),
    Seam(
        "lane/lane.py",
        "layer",
        "set on a NextLayer: the layer of a connection that the lane takes",
        lambda: layer.NextLayer.__init__.__code__ is not None and "self.layer = None" in source(layer.NextLayer),
    ),
    Seam(
        "lane/conditions.py",
        "__name__",
        "the name of an addon that is a script, which is a module",
        lambda: "__mitmproxy_script__" in source(script),
    ),
    Seam(
        "lane/takeover.py",
        "StreamReader._buffer",
        "shows whether mitmproxy has bytes that it has not read yet",
        lambda: "self._buffer = bytearray()" in source(asyncio.StreamReader.__init__),
    ),
    Seam(
        "lane/takeover.py",
        "StreamWriter.transport",
        "is given to falmock's own protocol, by `set_protocol`",
        lambda: isinstance(asyncio.StreamWriter.transport, property),
    ),
    Seam(
        "lane/takeover.py",
        "timeout_watchdog",
        "is told that a connection is in use: mitmproxy closes an idle one",
        lambda: callable(server.TimeoutWatchdog.register_activity),
    ),
    Seam(
        "lane/takeover.py",
        "reader",
        "mitmproxy reads a client by this reader alone, and waits only there",
        lambda: "reader.read(65535)" in source(server.ConnectionHandler.handle_connection),
    ),
    Seam(
        "clients.py",
        "proxyauth",
        "the user whom mitmproxy let in",
        lambda: 'metadata["proxyauth"]' in source(proxyauth),
    ),
    Seam("clients.py", "proxy_mode", "tells a proxy from a server by the client's mode", has_modes),
    Seam(
        "record/bodies.py",
        "stream reset by client",
        "tells who broke off an HTTP/2 stream",
        lambda: 'f"stream reset by client ({err_str})"' in source(_http2),
    ),
    Seam(
        "record/bodies.py",
        "Error.KILLED_MESSAGE",
        "tells that mitmproxy ended a flow",
        lambda: isinstance(flow.Error.KILLED_MESSAGE, str),
    ),
    Seam(
        "record/session.py",
        "UpdateHook",
        "has the screens show what changed on a flow",
        lambda: UpdateHook([]).args() == [[]],
    ),
)


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.name)
def test_mitmproxy_has_what_we_rely_on(seam: Seam) -> None:
    assert seam.holds(), f"{seam.file} needs {seam.name}: {seam.why}"
    assert seam.name.rpartition(".")[2] in (PACKAGE / "proxy" / seam.file).read_text(), "the row is out of date"


class Module(NamedTuple):
    """A file of the package that imports mitmproxy; `name` is its path below the proxy edge."""

    name: str
    tree: ast.Module


@cache
def modules() -> list[Module]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        if any(_imports(node) for node in ast.walk(tree)):
            found.append(Module(path.relative_to(PACKAGE / "proxy").as_posix(), tree))
    return found


def _imports(node: ast.AST) -> list[str]:
    """The dotted names of mitmproxy's that a statement imports."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mitmproxy":
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.partition(".")[0] == "mitmproxy"]
    return []


def private_names(tree: ast.Module) -> Iterator[str]:
    """The private names of other objects that a module uses, also by `getattr`."""
    by_text = False
    for node in ast.walk(tree):
        yield from (part for name in _imports(node) for part in name.split(".") if part.startswith("_"))
        if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr) and not _is_own(node.value):
            yield node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            by_text = by_text or node.func.id in {"getattr", "setattr", "hasattr", "delattr"}
    for node in ast.walk(tree) if by_text else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch("_[a-z_]+", node.value):
            yield node.value


def _is_own(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        value = value.func
    return isinstance(value, ast.Name) and value.id in {"self", "cls", "super"}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_private_name_is_used_that_is_not_listed(module: Module) -> None:
    listed = {seam.name.rpartition(".")[2] for seam in SEAMS if seam.file == module.name}
    assert set(private_names(module.tree)) - NAMED_TUPLE <= listed


SET = """
    authority close_reason comment content error headers host is_replay marked method path port raw_content request response scheme
    server_conn status_code stream trailers websocket
"""
"""The attributes of flows and their messages that falmock sets, as any addon may."""


def assigned(tree: ast.Module) -> Iterator[str]:
    """The attributes of other objects that a module sets or deletes, each with the expression that reaches it."""
    theirs = {name.rpartition(".")[2] for node in ast.walk(tree) for name in _imports(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            path = ast.unparse(node).split(".")
            if path[0] in theirs:
                yield path[0]
            if path[0] not in {"self", "cls"}:
                yield from path[1:]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"setattr", "delattr", "object.__setattr__"}:
            yield "setattr"


@cache
def own_attributes() -> set[str]:
    """What our own objects' attributes are called, and the functions at the edge that give such objects."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        is_edge = "proxy" in path.relative_to(PACKAGE).parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_own(node.value):
                names.add(node.attr)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_edge:
                names.add(node.target.id)
            elif isinstance(node, ast.FunctionDef) and is_edge:
                names.add(f"{node.name}()")
    return names


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_nothing_of_mitmproxys_is_set_that_is_not_listed(module: Module) -> None:
    listed = {part for seam in SEAMS if seam.file == module.name for part in seam.name.split(".")}
    assert set(assigned(module.tree)) - set(SET.split()) - own_attributes() <= listed


def test_what_we_set_on_flows_are_attributes_of_flows() -> None:
    made = [tflow.tflow(resp=True, err=True), tflow.twebsocketflow()]
    objects: list[object] = [*made, made[0].request, made[0].response, made[1].websocket]
    objects += made[1].websocket.messages[:1] if made[1].websocket else []
    assert [name for name in SET.split() if not any(hasattr(each, name) for each in objects)] == []


def test_mitmproxy_has_the_options_that_are_read() -> None:
    read = {
        node.attr
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ctx.options"
    } - {"default", "deferred", "keys", "update"}

    async def declared() -> set[str]:
        return set(DumpMaster(options.Options()).options.keys())

    assert len(read) > 9
    assert read <= asyncio.run(declared())
