"""The mitmproxy addon: reads options, feeds requests to the engine, and puts its replies on the flows."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Awaitable
from collections.abc import Sequence

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy import http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import layer

import falmock
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.faults import HEADER as FAULT_HEADER
from falmock.engine.scopes import HEADER as SCOPE_HEADER
from falmock.fixtures.index import Index
from falmock.fixtures.miss import Miss
from falmock.fixtures.store import FixtureErrors
from falmock.fixtures.store import Library
from falmock.fixtures.store import Store
from falmock.gateway.aimock import Aimock
from falmock.gateway.aimock_control import AimockControl
from falmock.gateway.aimock_steering import Steering
from falmock.gateway.control import Control
from falmock.gateway.door import Leave
from falmock.gateway.door import Onward
from falmock.gateway.health import Health
from falmock.gateway.openai_images import OpenAIImages
from falmock.gateway.server_proxy import ServerProxy
from falmock.proxy import asking
from falmock.proxy import breaking
from falmock.proxy import contentview
from falmock.proxy import egress
from falmock.proxy import flows
from falmock.proxy import imports
from falmock.proxy import intake
from falmock.proxy import options
from falmock.proxy import recorders
from falmock.proxy import scrubbing
from falmock.proxy import spool
from falmock.proxy import terminal
from falmock.proxy import webhooks
from falmock.proxy.asking import FORWARDED
from falmock.proxy.asking import Asking
from falmock.proxy.breaking import Breaking
from falmock.proxy.callers import Callers
from falmock.proxy.commands import Commands
from falmock.proxy.commands import Save
from falmock.proxy.commands import Scrub
from falmock.proxy.entrance import Entrance
from falmock.proxy.messages import Messages
from falmock.proxy.overheard import Overheard
from falmock.proxy.recording import Recording
from falmock.proxy.saving import Saving
from falmock.proxy.stage import Stage
from falmock.proxy.watcher import Watcher
from falmock.wire.message import Request
from falmock.wire.message import header_map
from falmock.wire.uuid7 import uuid7

logger = logging.getLogger(__name__)
MAX_LOGGED_MISSES = 1000
_DIRECT = "falmock.direct"
"""The key of a flow's metadata that tells that it is for falmock itself."""
_LEAVES = {
    Mode.REPLAY: "nothing leaves: no connection to fal is made",
    Mode.AUTO: "what no fixture answers is FORWARDED to fal and billed",
    Mode.RECORD: "every call is FORWARDED to fal and billed",
    Mode.PASSTHROUGH: "every call is FORWARDED to fal and billed",
}


def _new_id(now: float) -> str:
    return uuid7(now, secrets.randbits(74))


class Falmock:
    """Stands in for fal.ai."""

    name = "falmock"

    def __init__(self) -> None:
        self._config: Config | None = None
        self._engine = Engines(Config(), Index(), _new_id, secrets.token_bytes(32))
        self._callers = Callers()
        self._asking = Asking(self._engine, self._log_miss)
        server_proxy = ServerProxy(lambda: self._engine.config, os.environ)
        steering = Steering()
        aimock = AimockControl(self._engine, steering), Aimock(self._engine, _new_id, steering)
        openai = OpenAIImages(self._engine, asking.together, lambda text: logger.info("falmock: openai: %s", text))
        doors = (Health(), Control(self._engine, self._reload), openai, *aimock, server_proxy)
        self._entrance = Entrance(self._engine, self._callers, doors, self._asking.ask)
        self._leaving: dict[str, Leave] = {}
        self._store: Store | None = None
        self._library = Library(Index(), 0, ())
        self._watcher: Watcher | None = None
        self._recordings = recorders.Recordings(self._engine.common, self._fixtures_written)
        self._stage = Stage(self._origin_moved)
        self._webhooks = webhooks.Webhooks(self._engine.common.webhooks)
        self._intake = intake.Intake(self._engine, self._stage)
        self._messages = Messages()
        self._terminal: terminal.Terminal | None = None
        self._logged: set[str] = set()
        self._running = False
        self._screen = contentview.Screen(lambda: self._engine.config.hosts, self._engine.common.redactor)
        self._commands = Commands(self._reload, self._scrubber, self._saver, lambda: self._recordings.current)

    # life

    def load(self, loader: Loader) -> None:
        """Declare options and commands. Nothing else may happen here: what mitmproxy catches from `load` it forgets."""
        for option in options.OPTIONS:
            loader.add_option(option.name, Sequence[str], options.defaults(option), option.help)
        ctx.options.deferred.update(options.as_sequences(ctx.options.deferred))
        self._commands.load(loader)

    def configure(self, updated: set[str]) -> None:
        """Take over changed options, or refuse them.

        At the start an error in the log is what makes mitmproxy exit (it would show an exception as a traceback); while
        running an OptionsError is what takes the change back.
        """
        if self._config is None:
            # Before anything can fail: from here on no fal host is reached.
            egress.installed().redirects = self._stage.redirects
            guard = terminal.Guard(self._is_ours, self._screen.shows, self._engine.common.redactor)
            self._terminal = terminal.installed(guard)
            contentview.register(self._screen)
        try:
            if self._config is None:
                options.check_names(ctx.options.deferred)
            if self._config is None or not updated.isdisjoint(options.NAMES):
                self._reconfigure()
            _check_proxy_options(self._config.mode if self._config else Mode.REPLAY)
        except (options.BadOption, FixtureErrors) as error:
            if self._running:
                raise exceptions.OptionsError(f"falmock: {error}") from None
            self._config = None
            logger.error("falmock: %s", error)  # noqa: TRY400

    def _reconfigure(self) -> None:
        before = self._config
        config = options.parse({name: getattr(ctx.options, name) for name in options.NAMES})
        store = Store(config.fixtures, config.faults)
        if config.mode.records:
            recorders.prepare(store.paths[0])
        of_files = (config.fixtures, config.faults)
        if before is None or before.mode is Mode.RECORD or of_files != (before.fixtures, before.faults):
            library = store.load()
            self._stop_watching()
            self._store = store
            self._take(library)
        self._config = config
        if config.faults and not config.mode.answers:
            logger.warning(
                "falmock: fal_faults does nothing in mode %s: calls go to fal as they are", config.mode.value
            )
        self._engine.use_config(config)
        egress.installed().use(config.hosts, closed=config.mode is Mode.REPLAY)
        self._recordings.use(config, store.paths[0], self._library.index.fixtures)
        if self._running:
            self._watch()
            self._banner()

    def _take(self, library: Library) -> None:
        self._library = library
        self._engine.use_fixtures(library.index)
        self._engine.use_faults(library.faults)
        self._logged.clear()
        for warning in library.warnings:
            logger.warning("falmock: %s", warning)

    def running(self) -> None:
        """mitmproxy is up: say how we work. Not a coroutine: those are not called after a script reload."""
        self._running = self._config is not None
        spool.remove_leftovers()
        self._watch()
        self._banner()
        if self._recordings.current is not None:
            imports.take_over_har(self._recordings.current)

    def _origin_moved(self, address: tuple[str, int] | None) -> None:
        egress.installed().origin = address
        if self._terminal is not None and address is not None:
            self._terminal.origins.add(address)

    def _scrubber(self) -> Scrub | None:
        store = self._store
        return (
            None if store is None else lambda paths: scrubbing.scrub(paths or store.paths, self._engine.common.redactor)
        )

    def _saver(self) -> Save | None:
        config, store = self._config, self._store
        if config is None or store is None:
            return None
        return Saving(config, self._engine.common, store.paths[0], self._library.index.fixtures).save

    def _fixtures_written(self) -> None:
        if self._watcher is not None:
            self._watcher.poke()

    def done(self) -> None:
        """The script goes away, at the end or for a reload. Not a coroutine, or a reload would keep the old code."""
        self._recordings.stop()
        self._stop_watching()
        self._stage.stop()
        self._webhooks.stop()
        self._intake.stop()
        contentview.unregister()
        egress.installed().unloaded()

    def _watch(self) -> None:
        recording_only = self._config is not None and self._config.mode is Mode.RECORD
        if self._store is not None and self._watcher is None and not recording_only:
            self._watcher = Watcher(self._store, self._reloaded)
            self._watcher.start()

    def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _reload(self) -> str:
        """Read the fixtures again now, and tell what is loaded."""
        if self._store is None:
            raise OSError("there are no fixtures: falmock is not configured")
        library = self._store.load()
        self._take(library)
        return f"fixtures read again: {_counted(library)}"

    def _reloaded(self, library: Library) -> None:
        self._take(library)
        logger.info("falmock: fixtures changed on disk: %s", _counted(library))

    def _banner(self) -> None:
        config = self._config
        if config is None or self._store is None:
            return
        leaves = _LEAVES[config.mode]
        if config.mode.records:
            leaves += f"; recordings go to {self._store.paths[0]}"
        logger.info(
            "falmock %s: mode %s; %s from %s; pace %s; %d hosts%s; %s",
            falmock.__version__,
            config.mode.value,
            _counted(self._library),
            ", ".join(self._store.paths),
            config.pace_text,
            len(config.hosts),
            f" (yours: {', '.join(sorted(config.hosts.extra))})" if config.hosts.extra else "",
            leaves,
        )

    # traffic

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Hear how a client begins."""
        self._callers.began(nextlayer.context.client, nextlayer.data_client())

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Hear by which name a client uses the proxy."""
        self._callers.connected(flow)

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a client."""
        self._callers.disconnected(client)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Send an upload to disk that is to be replayed, listen to one that is to be recorded."""
        if flow.response or flow.error or not flow.live or self._config is None:
            return
        recording = self._recordings.current
        if recording is None and not intake.may_be_large(flow.request):
            return
        host = flows.host_of(flow.request, self._engine.config.hosts)
        if recording is not None:
            if host is None or self._engine.passes(header_map(flow.request.headers.fields)):
                recording.requestheaders(flow, host or flow.request.pretty_host)
        elif host is not None:
            await self._intake.begin(flow, host, self._callers.user(flow))

    def _is_ours(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is to fal, to falmock itself, to where fal sends uploads, or a webhook."""
        if FORWARDED in flow.metadata or _DIRECT in flow.metadata or webhooks.is_delivery(flow):
            return True
        return flows.host_of(flow.request, self._engine.config.hosts) is not None

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer a request to fal."""
        if self._stage.is_away(flow):
            return
        if flow.response or flow.error or not flow.live or self._config is None:
            return
        if self._asking.is_own(flow):
            return
        direct = self._entrance.finds(flow)
        if direct is not None:
            flow.metadata[_DIRECT] = True
            await self._guarded(flow, self._welcome(flow, direct))
            return
        host = flows.host_of(flow.request, self._config.hosts)
        if host is None:
            if self._recordings.expects(flow):
                flow.metadata[FORWARDED] = flow.request.pretty_host
            return
        if not self._config.mode.answers:
            flow.metadata[FORWARDED] = host  # first: whatever happens to us, the call goes on
        await self._guarded(flow, self._answer(flow, host))

    async def _guarded(self, flow: http.HTTPFlow, answering: Awaitable[None]) -> None:
        """Have a flow answered, come what may."""
        try:
            await answering
        except Exception:
            logger.exception(
                "falmock: %s %s failed", flow.request.method, self._engine.common.redactor.text(flow.request.pretty_url)
            )
            if FORWARDED in flow.metadata:
                return
            # A flow that we leave unanswered goes to the real fal.
            message = "falmock failed to answer this request; its log has the details"
            reply = replies.problem(500, message, "internal error")
            flows.answer(flow, reply, flows.body_of(reply))

    async def _answer(self, flow: http.HTTPFlow, host: str) -> None:
        try:
            request = flows.read(flow, host, self._callers.user(flow))
        except ValueError as error:
            if FORWARDED in flow.metadata:
                return
            reply = flows.badly_encoded(str(error))
            flows.answer(flow, reply, flows.body_of(reply))
            return
        await self._decide(flow, request)

    async def _welcome(self, flow: http.HTTPFlow, request: Request) -> None:
        """Answer a request to falmock itself."""
        result = await self._entrance.answer(request)
        if isinstance(result, Onward):
            await self._decide(flow, result.request, result.leave)
        else:
            if isinstance(result, Reply) and result.wakes:
                self._stage.origin.tickets.wake(result.wakes)
            await self._stage.put(flow, result)

    async def _decide(self, flow: http.HTTPFlow, request: Request, leave: Leave | None = None) -> None:
        """Have a call to fal answered; `leave` is what happens to the answer to one that came in by a door."""
        effect = self._engine.handle(request, time.time())
        if isinstance(effect, Forward):
            flow.comment = f"falmock: {effect.why}"
            flow.metadata["falmock.why"] = effect.why
            flow.metadata[FORWARDED] = request.host
            if leave is not None:
                flows.turn_into(flow.request, request)
                self._leaving[flow.id] = leave
            for header in (FAULT_HEADER, SCOPE_HEADER):
                flow.request.headers.pop(header, None)
            flows.put_inline(flow.request, effect.inline)
            return
        if isinstance(effect, Join):
            effect = await self._intake.join(request, effect)
        self._intake.clear()
        if isinstance(effect, Reply):
            if effect.miss is not None:
                self._log_miss(effect.miss)
            if effect.wakes:
                self._stage.origin.tickets.wake(effect.wakes)
        elif isinstance(effect, Socket):
            effect = effect._replace(conversation=Breaking(Overheard(effect.conversation, self._log_miss)))
        if leave is not None and isinstance(effect, Reply | Stream):
            effect = leave(effect)
        await self._stage.put(flow, effect._replace(why=self._engine.common.redactor.text(effect.why)))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Let what streams from fal stream on, and listen to it."""
        if self._stage.came_back(flow):
            return
        if FORWARDED not in flow.metadata or self._asking.is_own(flow):  # what a door asked for it gets whole
            return
        leave = self._leaving.pop(flow.id, None)
        if leave is not None:
            flows.send_off(flow, leave)
        if self._recordings.current is not None:
            self._recordings.current.responseheaders(flow)
        elif flow.response is not None and "json" not in flow.response.headers.get("content-type", ""):
            flow.response.stream = True

    async def response(self, flow: http.HTTPFlow) -> None:
        """Record what fal answered, or what a file of flows holds."""
        flows.decode(flow)
        self._webhooks.ended(flow)
        self._asking.ended(flow)
        recording = self._recordings.current
        if recording is None:
            return
        host = flow.metadata.get(FORWARDED)
        if host is not None:
            recording.response(flow, host)
            await self._replay_now(recording)
        elif recording.is_delivery(flow):
            recording.delivery(flow)
        elif not flow.live and flow.is_replay is None:
            imports.take_flow(recording, flow, flows.host_of(flow.request, self._engine.config.hosts))

    async def _replay_now(self, recording: Recording) -> None:
        if self._engine.config.mode is Mode.AUTO and recording.is_writing and self._watcher is not None:
            # What was paid for once is replayed from the next call on: the app hears of it when that is so.
            await recording.settle()
            await self._watcher.look()

    def error(self, flow: http.HTTPFlow) -> None:
        """Forget what was heard of a flow that broke off."""
        self._stage.came_back(flow)
        self._webhooks.ended(flow)
        self._asking.ended(flow)
        self._leaving.pop(flow.id, None)
        if self._recordings.current is not None:
            self._recordings.current.error(flow, flow.metadata.get(FORWARDED))

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Listen to a socket that is to be recorded, and have others hold no more than they may."""
        host = flow.metadata.get(FORWARDED)
        if host is None and breaking.breaks(flow):
            return
        if host is None and self._is_ours(flow):
            self._messages.came(flow)
        if host is not None and flow.live and self._recordings.current is not None:
            self._recordings.current.websocket_message(flow, host)

    async def websocket_end(self, flow: http.HTTPFlow) -> None:
        """Record what was said on a socket."""
        self._messages.ended(flow)
        recording = self._recordings.current
        if recording is None:
            return
        host = flow.metadata.get(FORWARDED)
        if not flow.live:
            imports.take_socket(recording, flow, host or flows.host_of(flow.request, self._engine.config.hosts))
        elif host is not None:
            recording.websocket_end(flow, host)
            await self._replay_now(recording)

    def _log_miss(self, miss: Miss) -> None:
        if miss.key not in self._logged and len(self._logged) < MAX_LOGGED_MISSES:
            self._logged.add(miss.key)
            logger.warning("%s", miss.text)


def _counted(library: Library) -> str:
    fixtures, faults = len(library.index.fixtures), len(library.faults)
    counted = (
        f"{fixtures} fixture{'' if fixtures == 1 else 's'} in {library.files} file{'' if library.files == 1 else 's'}"
    )
    return f"{counted} and {faults} rule{'' if faults == 1 else 's'} for faults" if faults else counted


def _check_proxy_options(mode: Mode) -> None:
    """Set what a mode needs of mitmproxy, and refuse what would send bodies out before we are asked."""
    if mode.answers and ctx.options.connection_strategy != "lazy":
        ctx.options.update(connection_strategy="lazy")
    if mode.records and ctx.options.client_replay_concurrency != -1:
        ctx.options.update(client_replay_concurrency=-1)  # one slow download must not hold up the others
    if mode is not Mode.PASSTHROUGH and ctx.options.stream_large_bodies:
        raise options.BadOption(
            "stream_large_bodies makes mitmproxy send uploads to the real fal before they can be answered or read: "
            "unset it (recording streams what is large by itself), or use fal_mode=passthrough"
        )
