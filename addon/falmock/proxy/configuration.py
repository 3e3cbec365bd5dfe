"""Applies mitmproxy's options, or rejects them."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy.mode_specs import ProxyMode

from falmock.app import App
from falmock.engine.config import MEMORY
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy import dns_addresses
from falmock.proxy import egress
from falmock.proxy import option_values
from falmock.proxy import options
from falmock.proxy import run_summary
from falmock.proxy.banner import banner
from falmock.proxy.banner import unavailable
from falmock.proxy.command_line import started_as
from falmock.proxy.record import importing
from falmock.proxy.record.current import Recordings
from falmock.proxy.record.current import prepare
from falmock.proxy.record.current import unwritten
from falmock.serving import store
from falmock.serving import trust
from falmock.serving.store import NoStore

logger = logging.getLogger(__name__)
_REDIRECTING = (mode_specs.TransparentMode, mode_specs.WireGuardMode, mode_specs.LocalMode, mode_specs.TunMode)
"""The modes to which connections come that were made to another address."""


class Configuration:
    """The configuration in use; applies it to the engine, the fixtures, the recordings and the veto on connections.

    `why_flows` returns why calls go through mitmproxy's flows, "" if they do not.
    """

    def __init__(self, app: App, recordings: Recordings, why_flows: Callable[[], str]) -> None:
        self.current: Config | None = None
        """None before the first valid options, and after a start with invalid ones: mitmproxy is about to exit."""
        self._app = app
        self._fixtures = app.fixtures
        self._recordings = recordings
        self._why_flows = why_flows
        self._running = False
        self._has_warned = False
        self._is_sharing = False

    def update(self, updated: set[str]) -> None:
        """Apply the changed options with these names, or reject them.

        At the start, an error in the log makes mitmproxy exit (it would show an exception as a traceback). While mitmproxy is
        running, an OptionsError reverts the change.
        """
        try:
            if self.current is None:
                options.check_names(ctx.options.deferred)
            config = self.current
            if config is None or not updated.isdisjoint(options.NAMES):
                values = {name: getattr(ctx.options, name) for name in options.NAMES}
                config = replace(option_values.parse(values), started=started_as(sys.argv))
            _check_dns_addresses(config)
            if config is not self.current:
                self._use(config)
            _check_proxy_options(config.mode)
        except (options.BadOption, FixtureErrors) as error:
            if self._running:
                raise exceptions.OptionsError(f"falmock: {error}") from None
            self.current = None
            logger.error("falmock: %s", error)  # noqa: TRY400

    def _use(self, config: Config) -> None:
        before = self.current
        loader = FixtureLoader(config.fixtures, config.faults, config.hosts)
        root = loader.paths[0]
        if config.mode.records:
            prepare(root)
        if before is None or before.mode is Mode.RECORD or _of_files(config) != _of_files(before):
            self._fixtures.load(loader)
        self._use_store(config, before)
        self.current = config
        if config.faults and not config.mode.answers:
            logger.warning(
                "falmock: fal_faults does nothing in mode %s: calls go to fal as they are", config.mode.value
            )
        self._app.engines.use_config(config)
        egress.installed().use(config.hosts, config.dns_addresses, closed=config.mode is Mode.REPLAY)
        self._recordings.use(config, root, self._fixtures.loaded.index.fixtures)
        if self._running:
            self._begin()

    def _use_store(self, config: Config, before: Config | None) -> None:
        """Open the store at the start, and be the one that records if the mode does. Raises BadOption."""
        if before is not None and config.store != before.store:
            raise options.BadOption(
                "fal_store cannot be changed while falmock runs: stop it, and start it with the other store"
            )
        if before is None and not self._is_sharing:
            try:
                store.share(self._app, config.store, os.environ)
            except NoStore as error:
                raise options.BadOption(str(error)) from None
            self._is_sharing = config.store != MEMORY
        shared = self._app.shared
        if shared is not None and config.mode.records != bool(shared.replicas.recorder):
            try:
                if config.mode.records:
                    store.record(self._app, config.store, os.environ)
                else:
                    shared.replicas.recorder = ""
            except NoStore as error:
                raise options.BadOption(str(error)) from None

    def running(self) -> None:
        """mitmproxy is up: log the configuration, and watch the fixtures on disk from now on."""
        self._running = self.current is not None
        self._begin()
        for text in (*unavailable(), *trust.exposed(Path(ctx.options.confdir).expanduser())):
            logger.warning("falmock: %s", text)

    def _begin(self) -> None:
        config, loader = self.current, self._fixtures.loader
        if config is None or loader is None:
            return
        if config.mode is not Mode.RECORD:
            self._fixtures.watch()
        for text in () if config.mode.records else unwritten(loader.paths):
            logger.warning("falmock: %s", text)
        self._warn_of_old(config)
        captures = importing.only_imported() if config.mode.records else ""
        flows, store = self._why_flows(), self._app.store_address
        logger.info("%s", banner(config, self._fixtures.loaded, loader.paths, captures, flows=flows, store=store))

    def _warn_of_old(self, config: Config) -> None:
        text = run_summary.too_old(config, self._fixtures.loaded.index.fixtures, time.time())
        if text and not self._has_warned:
            logger.warning("falmock: %s", text)
        self._has_warned = bool(text)


def _of_files(config: Config) -> tuple[object, ...]:
    """The settings that loading the fixtures depends on."""
    return config.fixtures, config.faults, config.hosts.extra


def _check_proxy_options(mode: Mode) -> None:
    """Set the mitmproxy options that a mode needs, and reject those that send bodies out before falmock's hooks run."""
    if mode.answers and ctx.options.connection_strategy != "lazy":
        ctx.options.update(connection_strategy="lazy")
    if mode is not Mode.PASSTHROUGH and ctx.options.stream_large_bodies:
        raise options.BadOption(
            "stream_large_bodies makes mitmproxy send uploads to the real fal before they can be answered or read: "
            "unset it (recording streams what is large by itself), or use fal_mode=passthrough"
        )


def _check_dns_addresses(config: Config) -> None:
    """Reject a public address for fal's names in modes that do not get what is sent there."""
    public = [str(address) for address in config.dns_addresses if dns_addresses.is_public(address)]
    if public and not any(isinstance(each, _REDIRECTING) for each in map(ProxyMode.parse, ctx.options.mode)):
        raise options.BadOption(
            f"fal_dns_address: {public[0]} is a public address. What apps send there comes to mitmproxy in modes transparent, "
            f"wireguard, local and tun only, found {', '.join(ctx.options.mode)}: calls would go to a stranger. Add --mode transparent "
            f"with a redirect, or take an address that no host on the internet has, such as {dns_addresses.DEFAULT}"
        )
