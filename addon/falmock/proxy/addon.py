"""The mitmproxy addon: reads options, feeds requests to the engine, and puts its replies on the flows."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence

from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy import http
from mitmproxy.addonmanager import Loader

import falmock
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.engine import Engine
from falmock.fixtures.index import Index
from falmock.fixtures.store import FixtureErrors
from falmock.fixtures.store import Library
from falmock.fixtures.store import Store
from falmock.proxy import egress
from falmock.proxy import flows
from falmock.proxy import options
from falmock.proxy.watcher import Watcher
from falmock.wire.uuid7 import uuid7

logger = logging.getLogger(__name__)
MAX_LOGGED_MISSES = 1000


def _new_id(now: float) -> str:
    return uuid7(now, secrets.randbits(74))


class Falmock:
    """Stands in for fal.ai."""

    name = "falmock"

    def __init__(self) -> None:
        self._config: Config | None = None
        self._engine = Engine(Config(), Index(), _new_id)
        self._store: Store | None = None
        self._library = Library(Index(), 0, ())
        self._watcher: Watcher | None = None
        self._logged: set[str] = set()
        self._running = False

    # life

    def load(self, loader: Loader) -> None:
        """Declare the options. Nothing else may happen here: what mitmproxy catches from `load` it forgets."""
        for option in options.OPTIONS:
            loader.add_option(option.name, Sequence[str], options.defaults(option), option.help)
        ctx.options.deferred.update(options.as_sequences(ctx.options.deferred))

    def configure(self, updated: set[str]) -> None:
        """Take over changed options, or refuse them.

        At the start an error in the log is what makes mitmproxy exit (it would show an exception as a traceback); while
        running an OptionsError is what takes the change back.
        """
        if self._config is None:
            # Before anything can fail: from here on no fal host is reached.
            egress.installed()
        try:
            if self._config is None:
                options.check_names(ctx.options.deferred)
            if self._config is None or not updated.isdisjoint(options.NAMES):
                self._reconfigure()
            if self._config is None or self._config.mode is Mode.REPLAY:
                _check_proxy_options()
        except (options.BadOption, FixtureErrors) as error:
            if self._running:
                raise exceptions.OptionsError(f"falmock: {error}") from None
            self._config = None
            logger.error("falmock: %s", error)  # noqa: TRY400

    def _reconfigure(self) -> None:
        config = options.parse({name: getattr(ctx.options, name) for name in options.NAMES})
        if self._store is None or self._config is None or config.fixtures != self._config.fixtures:
            store = Store(config.fixtures)
            library = store.load()
            self._stop_watching()
            self._store = store
            self._take(library)
        self._config = config
        self._engine.use_config(config)
        egress.installed().use(config.hosts, closed=config.mode is Mode.REPLAY)
        if self._running:
            self._watch()
            self._banner()

    def _take(self, library: Library) -> None:
        self._library = library
        self._engine.use_fixtures(library.index)
        self._logged.clear()
        for warning in library.warnings:
            logger.warning("falmock: %s", warning)

    def running(self) -> None:
        """mitmproxy is up: say how we work. Not a coroutine: those are not called after a script reload."""
        self._running = self._config is not None
        self._watch()
        self._banner()

    def done(self) -> None:
        """The script goes away, at the end or for a reload. Not a coroutine, or a reload would keep the old code."""
        self._stop_watching()
        egress.installed().unloaded()

    def _watch(self) -> None:
        if self._store is not None and self._watcher is None:
            self._watcher = Watcher(self._store, self._reloaded)
            self._watcher.start()

    def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _reloaded(self, library: Library) -> None:
        self._take(library)
        logger.info("falmock: fixtures changed on disk: %s", _counted(library))

    def _banner(self) -> None:
        config = self._config
        if config is None or self._store is None:
            return
        if config.mode is Mode.REPLAY:
            leaves = "nothing leaves: no connection to fal is made"
        else:
            leaves = "every call is FORWARDED to fal and billed"
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

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer a request to fal."""
        if flow.response or flow.error or not flow.live or self._config is None:
            return
        host = flows.host_of(flow.request, self._config.hosts)
        if host is None:
            return
        try:
            await self._answer(flow, host)
        except Exception:  # a flow that we leave unanswered goes to the real fal
            logger.exception("falmock: %s %s failed", flow.request.method, flow.request.pretty_url.partition("?")[0])
            message = "falmock failed to answer this request; its log has the details"
            reply = replies.problem(500, message, "internal error")
            flows.answer(flow, reply, flows.body_of(reply))

    async def _answer(self, flow: http.HTTPFlow, host: str) -> None:
        try:
            request = flows.read(flow, host)
        except ValueError as error:
            reply = replies.problem(400, f"The body is not encoded as its headers say: {error}", "bad content-encoding")
            flows.answer(flow, reply, flows.body_of(reply))
            return
        effect = self._engine.handle(request, time.time())
        if isinstance(effect, Forward):
            flow.comment = f"falmock: {effect.why}"
            flow.metadata["falmock.why"] = effect.why
            return
        if effect.miss is not None:
            self._log_miss(effect.miss.key, effect.miss.text)
        try:
            body = flows.body_of(effect)
        except OSError as error:
            effect = replies.problem(500, f"An asset of the fixtures cannot be read: {error}", "asset unreadable")
            body = flows.body_of(effect)
        if effect.delay > 0:
            await asyncio.sleep(effect.delay)
        flows.answer(flow, effect, body)

    def _log_miss(self, key: str, text: str) -> None:
        if key not in self._logged and len(self._logged) < MAX_LOGGED_MISSES:
            self._logged.add(key)
            logger.warning("%s", text)


def _counted(library: Library) -> str:
    fixtures = len(library.index.fixtures)
    return (
        f"{fixtures} fixture{'' if fixtures == 1 else 's'} in {library.files} file{'' if library.files == 1 else 's'}"
    )


def _check_proxy_options() -> None:
    """Set what replay needs of mitmproxy, and refuse what would send bodies out before we are asked."""
    if ctx.options.connection_strategy != "lazy":
        ctx.options.update(connection_strategy="lazy")
    if ctx.options.stream_large_bodies:
        raise options.BadOption(
            "stream_large_bodies makes mitmproxy send uploads to the real fal before they can be answered: "
            "unset it, or use fal_mode=passthrough"
        )
