"""Decides which connections are answered in the fast lane, and lets their callers in."""

from __future__ import annotations

import logging
import ssl
import time
from pathlib import Path

from mitmproxy import ctx
from mitmproxy.proxy import layer
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import modes
from mitmproxy.utils import human

from falmock.app import App
from falmock.edge import ForwardedCall
from falmock.engine import replies
from falmock.engine.config import Fast
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.proxy.lane import authentication
from falmock.proxy.lane import conditions
from falmock.proxy.lane import first_bytes
from falmock.proxy.lane.call_lines import MitmdumpLines
from falmock.proxy.lane.takeover import LaneLayer
from falmock.proxy.lane.takeover import handler_of
from falmock.proxy.trust import Trust
from falmock.proxy.unknown_hosts import UnknownHosts
from falmock.serving import leaf
from falmock.serving.call_handler import CallServer
from falmock.serving.call_handler import caller_of
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.handler import Play
from falmock.serving.handler import Tunnel
from falmock.serving.request_parts import Head
from falmock.serving.targets import tunnel_host
from falmock.serving.tls_session import TlsFailure
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire import hosts
from falmock.wire.message import Request

logger = logging.getLogger(__name__)


class Lane:
    """Takes connections to fal's hosts from mitmproxy; see `Gate`."""

    def __init__(self, app: App, uploads: SpoolFolder, trust: Trust, unknown_hosts: UnknownHosts) -> None:
        self._app = app
        self._trust = trust
        self._unknown_hosts = unknown_hosts
        self._lines = MitmdumpLines(app.redactor)
        self.server = CallServer(app, uploads, self, time.time)
        self._tls: ssl.SSLContext | None = None
        self._tls_names: tuple[str, ...] = ()
        self._is_ready = False
        self._option = ""

    # which connections

    def start(self) -> None:
        """mitmproxy is up, or its options changed: make the certificate, unless the lane is not used anyway."""
        self._option = conditions.option_in_the_way()
        self._is_ready = not self.why_not()
        if self._is_ready:
            self._prepare()

    def _prepare(self) -> None:
        try:
            self.tls()
        except leaf.NoCertificate as error:
            self._is_ready = False
            logger.warning("falmock: calls go through flows, which is slower: %s", error)

    def why_not(self) -> str:
        """Why calls go through flows, in a few words; "" if they go through the lane."""
        config = self._app.config
        if config.fast is Fast.OFF:
            return "fal_fast is off"
        if config.mode is not Mode.REPLAY:
            return f"mode {config.mode.value} forwards calls"
        if config.fast is Fast.ON:
            return ""
        if self._option:
            return f"the option {self._option} is set"
        observer = conditions.observer()
        return f"{observer} looks at flows" if observer else ""

    def offer(self, nextlayer: layer.NextLayer) -> None:
        """Take a connection, if it is one for the lane."""
        context, data = nextlayer.context, nextlayer.data_client()
        if not self._is_ready or nextlayer.layer is not None or len(context.layers) != 1 or not data:
            return
        carried = self._carried(context, data)
        if carried is None:
            return
        handler = handler_of(context.client)
        if handler is not None and not self.why_not():
            nextlayer.layer = LaneLayer(context, handler, carried)

    def _carried(self, context: Context, data: bytes) -> Connection | None:
        """The connection for a client with these first bytes; None if it is mitmproxy's."""
        top, mode = context.layers[0], context.client.proxy_mode
        if isinstance(top, modes.HttpProxy | modes.HttpUpstreamProxy):
            is_ours = first_bytes.is_for_proxy(self._app, data, context.client.sockname[1])
            return Connection(self.server) if is_ours and self._is_covered(data) else None
        host, own = "", ""
        if isinstance(mode, mode_specs.ReverseMode):
            host, own = hosts.normalize(mode.address[0]), human.format_address(context.client.sockname)
            if mode.scheme not in ("http", "https") or ctx.options.keep_host_header:
                return None
        elif not isinstance(mode, mode_specs.TransparentMode):
            return None
        host = first_bytes.host_of(self._app.config.hosts, data, host, self._names())
        if not host:
            return None
        return Connection(
            self.server,
            lambda connection: self.server.tunnel(connection, caller_of(connection)._replace(own=own), host),
        )

    def _is_covered(self, data: bytes) -> bool:
        """Whether the certificate is for the host of a tunnel."""
        head = first_bytes.head_of(data)
        if head is None or head.method != "CONNECT":
            return not authentication.is_required()
        return leaf.covers(self._names(), tunnel_host(head))

    def stop(self) -> None:
        """End all connections in the lane."""
        self._is_ready = False
        self.server.stop()
        self._lines.flush()

    # the gate

    def tunnel(self, head: Head, host: str) -> Reply | str:  # noqa: ARG002
        """See `Gate`."""
        return authentication.user_or_refusal(head.get(b"proxy-authorization").decode("latin-1"))

    async def elsewhere(self, head: Head, connection: Connection) -> Reply:  # noqa: ARG002
        """See `Gate`: mitmproxy has the connections to other hosts."""
        return replies.problem(421, "This connection is one to fal's hosts: open another one", "misdirected request")

    async def forward(self, call: ForwardedCall) -> Reply:  # noqa: ARG002
        """See `Gate`: the lane is not used where calls are forwarded."""
        return replies.problem(502, "falmock does not forward calls here", "no forwarding")

    def tls(self) -> ssl.SSLContext:
        """See `Gate`. Raises leaf.NoCertificate."""
        names = self._names()
        if self._tls is None or names != self._tls_names:
            folder = Path(ctx.options.confdir).expanduser()
            self._tls = leaf.context(folder, folder / "mitmproxy-ca.pem", names, time.time())
            self._tls_names = names
        return self._tls

    def _names(self) -> tuple[str, ...]:
        return leaf.names(self._app.config.hosts.names)

    def tls_failed(self, host: str, caller: Caller, failure: TlsFailure) -> None:
        """See `Gate`."""
        if failure.is_h2_only:
            logger.warning(
                "falmock: a client of %s was refused: %s, and fast answers are HTTP/1.1 only: set fal_fast=off",
                host,
                failure,
            )
        else:
            self._trust.failed(host, caller.agent, failure)

    def answered(self, caller: Caller, request: Request, play: Play) -> None:
        """See `Gate`."""
        if isinstance(play, Tunnel):
            return
        hosts = self._app.config.hosts
        if not hosts.knows(request.host) and hosts.role(request.host) is not None:
            self._unknown_hosts.called(request.host, hosts)
        self._lines.answered(caller, request, play)
