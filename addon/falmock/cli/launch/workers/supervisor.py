"""Runs several falmocks on one port: starts them, starts those again that die, and ends them together."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from collections.abc import Coroutine
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import TypeVar

from falmock.cli import listening
from falmock.cli import signals
from falmock.cli.launch.workers import ports
from falmock.cli.launch.workers import restarts
from falmock.cli.launch.workers.activity import Activity
from falmock.cli.launch.workers.assignment import Assignment
from falmock.cli.launch.workers.restarts import Restarts
from falmock.cli.launch.workers.store_server import NoStore
from falmock.cli.launch.workers.store_server import StoreServer
from falmock.cli.launch.workers.worker_process import WorkerProcess
from falmock.engine.config import Config
from falmock.serving import ready
from falmock.serving import server_context
from falmock.serving import starter

logger = logging.getLogger(__name__)
FAILED = 1
T = TypeVar("T")


class Supervisor:
    """The workers of a `falmock serve` with these `words` as its command line. `store` is their private one; None for no such."""

    def __init__(
        self,
        words: Sequence[str],
        arguments: argparse.Namespace,
        config: Config,
        confdir: Path,
        store: StoreServer | None,
    ) -> None:
        self._words = words
        self._arguments = arguments
        self._config = config
        self._confdir = confdir
        self._store = store
        self._stop = asyncio.Event()
        self._code = 0
        self._workers: dict[int, WorkerProcess] = {}
        self._ready = {number: asyncio.Event() for number in range(1, arguments.workers + 1)}

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; returns the exit code."""
        signals.on_end(self._stop.set, self._kill)
        host, port = self._arguments.host, self._arguments.port
        try:
            sockets = ports.reserved(host, port)
        except (OSError, OverflowError) as error:
            return self._fail(listening.problem(host, port, error))
        try:
            server_context.made(self._confdir, self._config.hosts.names, time.time())
            if self._store is not None:
                await self._store.start()
            with Activity(self._arguments.idle_timeout) as activity:
                addresses, descriptors = ports.for_workers(sockets)
                store = self._config.store if self._store is None else self._store.url
                everyone = Assignment(0, os.getpid(), store, addresses, descriptors, activity=activity.writing)
                await self._serve(everyone, sockets[0].getsockname()[:2], activity)
        except OSError as error:
            return self._fail(listening.problem(host, port, error))
        except NoStore as error:
            return self._fail(str(error))
        finally:
            self._kill_workers()  # after an error of falmock's own; else there are none
            for each in sockets:
                each.close()
            if self._store is not None:
                await self._store.stop()
        return self._code

    async def _serve(self, everyone: Assignment, address: tuple[str, int], activity: Activity) -> None:
        async with asyncio.TaskGroup() as tasks:
            if self._store is not None:
                tasks.create_task(self._keep_store(self._store))
            for number in self._ready:
                # The first one shows what is wrong with the configuration, once: the others are held until it is ready.
                is_first = number == 1
                tasks.create_task(self._keep(everyone._replace(number=number, is_first=is_first, is_held=not is_first)))
            for event in self._ready.values():
                await self._unless_stopped(event.wait())
            if not self._stop.is_set():
                logger.info("falmock: %s workers are ready", len(self._ready))
                ready.announce(*address, self._confdir, self._config)
                if await self._unless_stopped(activity.ends()):
                    logger.info(
                        "falmock: no call came for %g s (--idle-timeout): falmock ends", self._arguments.idle_timeout
                    )
                    self._stop.set()

    async def _keep(self, assignment: Assignment) -> None:
        """Keep a worker running until the end."""
        record, name = Restarts(), f"worker {assignment.number}"
        environment = {**os.environ, starter.STARTED_AS: self._config.started}
        is_ready = self._ready[assignment.number]
        while not self._stop.is_set():
            try:
                worker = await WorkerProcess.started(self._words, assignment, environment)
            except OSError as error:
                self._fail(f"{name} cannot be started: {error}")
                return
            self._workers[assignment.number] = worker
            if assignment.is_held:
                await self._unless_stopped(self._ready[1].wait())
                if self._ready[1].is_set():
                    worker.go()
            if await self._unless_stopped(worker.is_ready()):
                if is_ready.is_set():
                    logger.info("falmock: %s is back", name)
                is_ready.set()
                assignment = assignment._replace(is_first=False, is_held=False)
            code = await self._unless_stopped(worker.wait())
            if code is None:
                await worker.stop()
            elif assignment.is_first:  # it has told why
                self._fail(f"{name} ended {restarts.how(code)} before it was ready" if code <= 0 else "", code)
            else:
                await self._paused(record, name, code, worker.served)
            del self._workers[assignment.number]

    async def _keep_store(self, store: StoreServer) -> None:
        """Keep the store's server running until the end."""
        record, began = Restarts(), time.monotonic()
        while (code := await self._unless_stopped(store.wait())) is not None:
            await self._paused(record, store.name, code, time.monotonic() - began)
            if self._stop.is_set():
                return
            try:
                await store.start()
                logger.warning("falmock: what %s knew is lost: jobs, uploads, counts and the journal", store.name)
            except NoStore as error:
                logger.error("falmock: %s", error)  # noqa: TRY400
            began = time.monotonic()

    async def _paused(self, record: Restarts, name: str, code: int, ran: float) -> None:
        """Wait until a process that has ended may be started again, or give it up."""
        pause = record.ended(ran)
        if pause is None:
            self._fail(restarts.given_up(name, code))
        else:
            logger.warning("falmock: %s", restarts.restarted(name, code, pause))
            await self._unless_stopped(asyncio.sleep(pause))

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, T]) -> T | None:
        """What this returns; None if the end comes before."""
        task, stop = asyncio.ensure_future(waiting), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            stop.cancel()

    def _fail(self, text: str, code: int = FAILED) -> int:
        """End with an error; "" if it was told."""
        if text:
            logger.error("falmock: %s", text)
        self._code = code if code > 0 else FAILED
        self._stop.set()
        return self._code

    def _kill(self) -> None:
        """End all processes at once."""
        self._kill_workers()
        if self._store is not None:
            self._store.kill()

    def _kill_workers(self) -> None:
        for worker in self._workers.values():
            worker.kill()
