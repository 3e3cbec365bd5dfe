"""The mitmproxy addon: the hooks that mitmproxy calls, and the components that handle them."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy import tls
from mitmproxy.addonmanager import Loader
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy import layer
from mitmproxy.proxy import mode_specs

from falmock.app import App
from falmock.engine.engines import Connect
from falmock.proxy import addon_chain
from falmock.proxy import egress
from falmock.proxy import flows
from falmock.proxy import memory
from falmock.proxy import options
from falmock.proxy import run_summary
from falmock.proxy import upload_intake
from falmock.proxy.banner import inspector
from falmock.proxy.clients import Clients
from falmock.proxy.commands import Commands
from falmock.proxy.commands import SaveFlows
from falmock.proxy.commands import ScrubFiles
from falmock.proxy.configuration import Configuration
from falmock.proxy.direct import DirectRequests
from falmock.proxy.flows import FORWARDED
from falmock.proxy.handler import FlowHandler
from falmock.proxy.handler import is_direct
from falmock.proxy.internal_calls import InternalCalls
from falmock.proxy.lane.lane import Lane
from falmock.proxy.message_limit import MessageLimit
from falmock.proxy.origin import socket_reset
from falmock.proxy.origin import socket_tunnel
from falmock.proxy.origin.delivery import Responder
from falmock.proxy.record import scrub_command
from falmock.proxy.record.current import Recordings
from falmock.proxy.record.hooks import RecordingHooks
from falmock.proxy.record.save_command import SaveCommand
from falmock.proxy.record.session import join
from falmock.proxy.screens import contentview
from falmock.proxy.screens import terminal
from falmock.proxy.trust import Trust
from falmock.proxy.unknown_hosts import UnknownHosts
from falmock.proxy.upload_intake import UploadIntake
from falmock.proxy.webhooks import sender
from falmock.serving import deflate
from falmock.serving import ready
from falmock.serving import upload_spool
from falmock.serving.ca import CERTIFICATE
from falmock.serving.edge import ServingEdge
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.hosts import normalize

logger = logging.getLogger(__name__)
_PROXIES = (mode_specs.RegularMode, mode_specs.UpstreamMode)
"""The modes whose port is a web server too."""


class Falmock:
    """Stands in for fal.ai."""

    name = "falmock"

    def __init__(self) -> None:
        self._started = time.time()
        self._is_running = False
        self._clients = Clients()
        self._responder = Responder(self._origin_moved)
        self._internal_calls = InternalCalls()
        self._uploads = SpoolFolder()
        self._webhooks = sender.Webhooks(lambda: self._app.engines, lambda: self._lane.why_not())  # noqa: PLW0108 - it comes later
        edge = ServingEdge(self._internal_calls.forward, self._uploads)
        self._app = App(
            edge,
            lambda now: uuid7(now, secrets.randbits(74)),
            secrets.token_bytes(32),
            os.environ,
            self._webhooks,
        )
        self._trust = Trust(lambda host: self._app.config.hosts.role(normalize(host)) is not None)
        self._unknown_hosts = UnknownHosts()
        self._lane = Lane(self._app, self._uploads, self._trust, self._unknown_hosts)
        edge.streams += (self._responder.origin.tickets, self._lane.server)
        self._recordings = Recordings(self._app)
        self._configuration = Configuration(self._app, self._recordings, self._lane.why_not)
        self._direct = DirectRequests(self._app, self._clients)
        self._intake = UploadIntake(self._app, self._responder, self._uploads)
        self._handler = FlowHandler(self._app, self._clients, self._responder)
        self._hooks = RecordingHooks(self._app, self._recordings)
        self._messages = MessageLimit()
        self._terminal: terminal.Terminal | None = None
        self._screen = contentview.Screen(lambda: self._app.config.hosts, self._app.redactor)
        self._commands = Commands(
            self._app.fixtures.reload, self._scrubber, self._saver, lambda: self._recordings.current
        )

    # life

    def load(self, loader: Loader) -> None:
        """Declare options and commands. Nothing else may happen here: mitmproxy ignores errors in `load`."""
        for option in options.OPTIONS:
            loader.add_option(option.name, Sequence[str], options.defaults(option), option.help)
        ctx.options.deferred.update(options.as_sequences(ctx.options.deferred))
        self._commands.load(loader)

    def configure(self, updated: set[str]) -> None:
        """Apply changed options, or reject them. Raises OptionsError while mitmproxy is running."""
        if self._configuration.current is None:
            # Before anything can fail: from here on, no connection to fal is possible.
            egress.installed().redirects = self._responder.redirects
            deflate.install()
            memory.give_back()
            guard = terminal.Guard(self._is_ours, self._screen.shows, self._app.redactor)
            self._terminal = terminal.installed(guard)
            contentview.register(self._screen)
        self._configuration.update(updated)
        if self._is_running:
            self._lane.start()

    def running(self) -> None:
        """mitmproxy is up. Not a coroutine: those are not called after a script reload."""
        upload_spool.remove_leftovers()
        self._is_running = True
        self._lane.start()
        self._configuration.running()
        self._app.join()
        addon_chain.exit_work().use("store", self._app.leave)
        self._recordings.import_captures()
        memory.keep_loaded()
        self._announce()

    def done(self) -> None:
        """The script is unloaded, at exit or for a reload. Not a coroutine, or a reload would keep the old code."""
        self._lane.stop()
        addon_chain.exit_work().use("store", None)
        self._recordings.stop()
        self._unknown_hosts.end()
        self._log_end()
        self._app.stop()
        self._responder.stop()
        self._internal_calls.stop()
        self._webhooks.stop()
        self._uploads.stop()
        contentview.unregister()
        deflate.uninstall()
        egress.installed().unloaded()
        memory.look_at_all()

    def _announce(self) -> None:
        """Tell the program that started mitmproxy that it is ready, and people where the inspector is."""
        server: Proxyserver = ctx.master.addons.get("proxyserver")
        confdir = Path(ctx.options.confdir).expanduser()
        listening = server.listen_addrs()
        proxies = [
            each.listen_addrs[0] for each in server.servers if each.listen_addrs and isinstance(each.mode, _PROXIES)
        ]
        url = ready.url_of(*proxies[0][:2]) if proxies else None
        self._app.engines.connect = Connect(url, str(confdir / CERTIFICATE))
        for line in inspector(url, self._app.config) if url else ():
            logger.info("falmock: %s", line)
        if listening:
            ready.announce(*listening[0][:2], confdir, self._app.config)

    def _log_end(self) -> None:
        """Log what happened in this run."""
        engines = self._app.engines
        found = run_summary.lines(engines.config, engines.totals, engines.files.fixtures, self._started, time.time())
        for line in found:
            logger.info("falmock: %s", line)

    def _origin_moved(self, address: tuple[str, int] | None) -> None:
        egress.installed().origin = address
        if self._terminal is not None and address is not None:
            self._terminal.origins.add(address)

    def _scrubber(self) -> ScrubFiles | None:
        loader = self._app.fixtures.loader
        return None if loader is None else lambda paths: scrub_command.scrub(paths or loader.paths, self._app.redactor)

    def _saver(self) -> SaveFlows | None:
        config, loader = self._configuration.current, self._app.fixtures.loader
        if config is None or loader is None:
            return None
        recorder = self._app.recorder(config, join)
        return SaveCommand(recorder, loader.paths[0], self._app.fixtures.loaded.index.fixtures).save

    # traffic

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Note the first bytes of a client."""
        self._clients.began(nextlayer.context.client, nextlayer.data_client())
        self._lane.offer(nextlayer)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Note the proxy user name of a client, and its user agent."""
        self._clients.connected(flow)
        self._trust.connected(flow)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Note how a client begins TLS."""
        self._trust.greeted(data)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """Log how a client is made to trust the CA."""
        self._trust.failed_in_flow(data)

    def client_connected(self, client: connection.Client) -> None:
        """Learn the address of a client, so that it is not shown."""
        if client.peername is not None:
            self._app.redactor.learn_peer(client.peername[0])

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a client."""
        self._clients.disconnected(client)
        self._trust.disconnected(client)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Stream an upload to disk in replay; capture it if it is recorded."""
        if flow.request.method not in upload_intake.UPLOADING or not self._awaits_answer(flow):
            return
        recording = self._recordings.current
        if recording is None and not upload_intake.may_be_large(flow.request):
            return
        host = flows.host_of(flow.request, self._app.config.hosts)
        if recording is not None:
            self._hooks.request_began(flow, host, recording)
        elif host is not None:
            await self._intake.begin(flow, host, self._clients.user(flow))

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer a request to fal."""
        if self._responder.is_away(flow) or not self._awaits_answer(flow):
            return
        if self._internal_calls.is_own(flow) or self._recordings.is_own(flow):
            return
        direct = self._direct.finds(flow)
        if direct is not None:
            await self._handler.answer_direct(flow, direct)
            return
        host = flows.host_of(flow.request, self._app.config.hosts)
        if host is not None:
            self._unknown_hosts.called(host, self._app.config.hosts)
            await self._handler.answer(flow, host)
        elif self._recordings.expects(flow):
            flow.metadata[FORWARDED] = flows.asked_host(flow.request)

    def _awaits_answer(self, flow: http.HTTPFlow) -> bool:
        """Whether a client waits for an answer to this flow, nothing has answered it yet, and falmock is configured."""
        return not (flow.response or flow.error) and flow.live and self._configuration.current is not None

    def _is_ours(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is to fal, to falmock itself, or to an upload host of fal's, or is a webhook."""
        if FORWARDED in flow.metadata or is_direct(flow) or sender.is_delivery(flow):
            return True
        return flows.host_of(flow.request, self._app.config.hosts) is not None

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Let streams from fal pass as they come, and capture them."""
        if self._responder.came_back(flow):
            return
        if FORWARDED not in flow.metadata or self._internal_calls.is_own(flow):  # a door gets its answer whole
            return
        self._handler.rewrite_head(flow)
        self._hooks.answer_began(flow)

    async def response(self, flow: http.HTTPFlow) -> None:
        """Record fal's answer, or a flow from a file."""
        socket_tunnel.open_through(flow)
        flows.decode(flow)
        self._webhooks.ended(flow)
        await self._hooks.answered(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """Discard the state of a flow that failed."""
        self._responder.came_back(flow)
        self._webhooks.ended(flow)
        self._hooks.broke_off(flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Capture the messages of a recorded WebSocket, and limit those that other WebSockets hold."""
        if FORWARDED in flow.metadata:
            self._hooks.said(flow)
        elif not socket_reset.breaks(flow) and self._is_ours(flow):
            self._messages.came(flow)

    async def websocket_end(self, flow: http.HTTPFlow) -> None:
        """Record the session of a WebSocket."""
        self._messages.ended(flow)
        if flow.websocket is not None and flow.websocket.close_code == deflate.TOO_BIG:
            memory.collect_soon()
        await self._hooks.hung_up(flow)
