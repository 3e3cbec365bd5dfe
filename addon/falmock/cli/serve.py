"""`falmock serve`: falmock on a port of its own, without mitmproxy."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from falmock.app import App
from falmock.cli import listening
from falmock.cli import serve_options
from falmock.cli import settings
from falmock.cli import signals
from falmock.cli import terminal
from falmock.cli.launch.workers import activity
from falmock.cli.launch.workers import assignment
from falmock.cli.launch.workers import ports
from falmock.cli.launch.workers import with_parent
from falmock.cli.launch.workers.assignment import Assignment
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.engines import Connect
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy import command_line
from falmock.proxy import memory
from falmock.proxy import option_values
from falmock.proxy import run_summary
from falmock.proxy.banner import banner
from falmock.proxy.banner import inspector
from falmock.proxy.options import BadOption
from falmock.proxy.unknown_hosts import UnknownHosts
from falmock.serving import ready
from falmock.serving import starter
from falmock.serving import store
from falmock.serving import upload_spool
from falmock.serving.ca import CERTIFICATE
from falmock.serving.call_lines import address
from falmock.serving.edge import ServingEdge
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables
from falmock.serving.file_limit import raise_file_limit
from falmock.serving.listener import Listener
from falmock.serving.own_ca import folder as own_ca
from falmock.serving.sightings import Sightings
from falmock.serving.store import NoStore
from falmock.serving.transparent import Transparent
from falmock.serving.upload_spool import SpoolFolder
from falmock.serving.webhooks.poster import PostingRules
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.serving.webhooks.sender import WebhookSender
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
BAD_USAGE = 2
FAILED = 1


def main(words: Sequence[str]) -> int:
    """Serve until a signal comes; returns the exit code. Modes that forward calls become mitmdump instead."""
    arguments = settings.parse(serve_options.parser(), words)
    worker = assignment.taken(os.environ)
    if worker is not None:
        with_parent.end_with(worker.parent)
        if not worker.wait(os.environ):
            return FAILED
    try:
        values = settings.given(arguments)
        config = option_values.parse(settings.complete(values))
    except BadOption as error:
        print(f"falmock: {settings.with_flags(str(error), arguments)}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    if config.mode is not Mode.REPLAY and (arguments.transparent_at or arguments.observe):
        why = f"mode {config.mode.value} sends calls to fal, and nothing leads out there"
        print(f"falmock: falmock run --transparent and falmock doctor are for mode replay: {why}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    is_several = worker is None and arguments.workers > 1
    if is_several and (problem := serve_options.why_one_worker(arguments, values, config)):
        print(f"falmock: --workers {arguments.workers}: {problem}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    names = config.hosts.names
    try:
        confdir = Path(arguments.confdir).expanduser() if arguments.confdir else own_ca.path(names)
        if config.mode is not Mode.REPLAY:
            if not arguments.confdir:
                own_ca.ensure(names, time.time())
            return _become_mitmdump(config.mode, settings.mitmdump_arguments(arguments, values, confdir, config.hosts))
    except own_ca.NoCa as error:
        print(f"falmock: {error}, or with --confdir", file=sys.stderr)  # noqa: T201
        return FAILED
    started = os.environ.pop(starter.STARTED_AS, "") or settings.started_as(arguments, values)
    if arguments.transparent_at:
        config = replace(config, dns_addresses=(arguments.transparent_at,))
    config = replace(config, started=started)
    if is_several:
        from falmock.cli.launch.workers import supervised

        return supervised.run(words, arguments, config, confdir)
    server = Server(config, arguments, confdir, worker)
    handler = terminal.log_to_stdout(lambda: server.app.redactor, worker.mark if worker else "")
    try:
        return asyncio.run(server.run())
    finally:
        logging.getLogger().removeHandler(handler)


def _become_mitmdump(mode: Mode, arguments: list[str]) -> int:
    program = settings.MITMDUMP
    shown = command_line.started_as([program.name, *arguments])
    print(f"falmock: mode {mode.value} forwards calls, which mitmproxy does: {shown}", flush=True)  # noqa: T201
    try:
        os.execv(program, [str(program), *arguments])  # noqa: S606 - no shell
    except OSError as error:
        print(f"falmock: {program} cannot be started: {error.strerror}", file=sys.stderr)  # noqa: T201
    return FAILED


class Server:
    """falmock with its listener. `arguments` are those of the command, `confdir` is the folder of the CA.

    `worker` is what it is told if it is one of several; None if it is alone.
    """

    def __init__(
        self, config: Config, arguments: argparse.Namespace, confdir: Path, worker: Assignment | None = None
    ) -> None:
        self._started = time.time()
        self._config = config if worker is None else replace(config, store=worker.store)
        self._worker = worker
        self._idle_timeout: float | None = arguments.idle_timeout
        self._address = (arguments.host, arguments.port)
        self._confdir = confdir
        self._uploads = SpoolFolder()
        rules = PostingRules(
            (arguments.trusted_ca,) if arguments.trusted_ca else (), to_trust="falmock serve --trusted-ca FILE"
        )
        self._webhooks = WebhookSender(lambda: self.app.engines, WebhookPoster(lambda: rules), lambda: confdir)
        edge = ServingEdge(_forward, self._uploads)
        self.app = App(
            edge,
            lambda now: uuid7(now, secrets.randbits(74)),
            secrets.token_bytes(32),
            os.environ,
            self._webhooks,
        )
        self._unknown_hosts = UnknownHosts()
        lines = terminal.TerminalLines(self.app.redactor, worker.mark if worker else "")
        self._listener = Listener(
            self.app,
            self._uploads,
            confdir,
            lines,
            lambda host: self._unknown_hosts.called(host, config.hosts),
            leads_out=arguments.transparent_at is None,
        )
        self._transparent = Transparent(self._listener, arguments.transparent_at) if arguments.transparent_at else None
        self._observed: Path | None = arguments.observe
        edge.streams.append(self._listener.server)

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; returns the exit code."""
        app, config = self.app, self._config
        loader = FixtureLoader(config.fixtures, config.faults, config.hosts)
        app.engines.use_config(config)
        try:
            store.share(app, config.store, os.environ)
            app.fixtures.load(loader)
        except (FixtureErrors, NoStore) as error:
            logger.error("falmock: %s", error)  # noqa: TRY400
            return FAILED
        stop = asyncio.Event()
        signals.on_end(stop.set)
        raise_file_limit()
        memory.give_back()
        upload_spool.remove_leftovers()
        try:
            if self._worker is None:
                addresses = await self._listener.start(*self._address)
            else:
                addresses = await self._listener.start_on(ports.of_worker(self._worker))
        except (OSError, OverflowError) as error:
            logger.error("falmock: %s", listening.problem(*self._address, error))  # noqa: TRY400
            return FAILED
        if self._observed is not None:
            self._observe(self._observed, *addresses[0])
        try:
            if self._transparent is not None:
                await self._transparent.start()
        except OSError as error:
            why = f"--transparent-at: {error}. It needs a network of its own: falmock run --transparent makes one"
            logger.error("falmock: %s", why)  # noqa: TRY400
            self._listener.stop()
            return FAILED
        app.join()
        try:
            self._begin(loader, addresses)
            await self._until(stop)
        finally:
            self._end()
            await self.app.leave()
            self._webhooks.stop()
        return 0

    def _observe(self, file: Path, host: str, port: int) -> None:
        url, files = f"http://{address(host, port)}", trust_files.write(self._confdir, os.environ)
        own = variables.environment(url, files, {}, self._config.hosts, is_replay=True).variables
        self._listener.sightings = Sightings(file, own, self.app.redactor.text)

    async def _until(self, stop: asyncio.Event) -> None:
        """Wait for the end: a signal, or no call for a while."""
        if self._worker is not None:
            await self._as_worker(self._worker, stop)
            return
        calls = -1
        while calls != self.app.engines.totals.calls:
            calls = self.app.engines.totals.calls
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._idle_timeout)
                return
        logger.info("falmock: no call came for %g s (--idle-timeout): falmock ends", self._idle_timeout)

    async def _as_worker(self, worker: Assignment, stop: asyncio.Event) -> None:
        """Wait for the end, and tell of calls: none in any worker for a while ends them all."""
        told, pause = self.app.engines.totals.calls, self._idle_timeout and self._idle_timeout / activity.SHARE
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            if told != self.app.engines.totals.calls:
                told = self.app.engines.totals.calls
                activity.tell(worker.activity)

    def _begin(self, loader: FixtureLoader, addresses: list[tuple[str, int]]) -> None:
        fixtures = self.app.fixtures
        fixtures.watch()
        if self._worker is None or self._worker.is_first:
            self._tell(loader, addresses)
        url = ready.url_of(*addresses[0])
        self.app.engines.connect = Connect(url, str(self._confdir / CERTIFICATE))
        ready.announce(*addresses[0], self._confdir, self._config)

    def _tell(self, loader: FixtureLoader, addresses: list[tuple[str, int]]) -> None:
        """Log what several workers have in common."""
        fixtures = self.app.fixtures
        text = run_summary.too_old(self._config, fixtures.loaded.index.fixtures, time.time())
        if text:
            logger.warning("falmock: %s", text)
        for each in addresses:
            logger.info("HTTP(S) proxy listening at %s.", address(*each))
        store = self.app.store_address
        logger.info("%s", banner(self._config, fixtures.loaded, loader.paths, flows=None, store=store))
        for line in inspector(ready.url_of(*addresses[0]), self._config):
            logger.info("falmock: %s", line)

    def _end(self) -> None:
        if self._transparent is not None:
            self._transparent.stop()
        self._listener.stop()
        self._unknown_hosts.end()
        engines = self.app.engines
        found = run_summary.lines(self._config, engines.totals, engines.files.fixtures, self._started, time.time())
        for line in found:
            logger.info("falmock: %s", line)
        self.app.stop()
        self._uploads.stop()


async def _forward(request: Request, forward: Forward) -> Reply:  # noqa: ARG001
    return replies.problem(502, "falmock serve does not forward calls: use mitmdump", "no forwarding")
