"""Measures falmocks that share a store: two workers against one, a store against memory, and what the store costs.

The store is a redis-server on a Unix socket, on the same two cores, as is the load.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench_figures import report
from bench_figures import report_value
from bench_lane import APP
from bench_lane import ROOT
from bench_lane import Bench
from bench_lane import Measured
from bench_lane import Server
from bench_lane import input_of
from bench_lane import machine
from bench_lane import mitmdump
from bench_lane import serve
from job_load import Clients
from job_load import Way
from replicas_load import POLLS

BEFORE = "689412c"
"""The last commit without stores."""
AT_ONCE = 20
CONNECTIONS = 40
SECONDS = 2.0
JOBS = 200
MAX_JOBS = 1_000_000
"""More than there are: sides of different speed would come to the limit in different rounds."""
TRIPS = 6
STORE_US = 450


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a running store."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("scripts/bench replicas needs redis-server, which is not installed")
    path = folder / "store.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        while not path.is_socket():
            time.sleep(0.01)
        yield f"unix://{path}?timeout=10&prefix="
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def loaded(server: Server) -> float:
    """The seconds that a call takes on average, from the first to the last of a load that reads all answers."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "replicas_load.py"),
        str(server.port),
        str(CONNECTIONS),
        str(SECONDS),
    ]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if told["wrong"]:
        raise SystemExit(f"wrong answers: {told['wrong']}")
    return float(told["seconds"]) / int(told["calls"])


def _in_turns(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each side measures, in as many rounds, in which they take turns; one before does not count."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            figure = sides[name]()
            if number:
                figures[name].append(figure)
    return figures


def _ratios(figures: dict[str, list[float]], one: str, other: str) -> list[float]:
    return [a / b for a, b in zip(figures[one], figures[other], strict=True)]


def bench_replicas(rounds: int) -> bool:
    """Print the figures; return whether the limits are met."""
    print("falmocks that share a store (redis-server, the falmocks and the load on the same cores)")
    print(f"  {machine()}")
    with tempfile.TemporaryDirectory(prefix="fm") as name, redis(Path(name)) as url:
        met = _workers(url, rounds)
        met &= _flows(url, rounds)
        met &= asyncio.run(_store(url, rounds))
    met &= _before(7)
    print(f"  {machine()}")
    return met


def _workers(url: str, rounds: int) -> bool:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bench = Bench(Path(name), stack)
        command = [*serve(bench.conf, bench.one), "--max-jobs", str(MAX_JOBS)]
        alone = bench.start(*command)
        one = bench.start(*command, "--store", f"{url}one:")
        two = bench.start(*command, "--store", f"{url}two:", "--workers", "2")
        sides = {"memory": alone, "one": one, "two": two}
        figures = _in_turns({side: lambda server=server: loaded(server) for side, server in sides.items()}, rounds)  # type: ignore[misc]
    for side, label in (
        ("memory", "one process, memory"),
        ("one", "one process, store"),
        ("two", "two workers, store"),
    ):
        print(f"  {label}: {1 / statistics.median(figures[side]):.0f} calls a second")
    met = report("time a call, two workers", _ratios(figures, "two", "one"), 1 / 1.5, "one with the store")
    gain = statistics.median(_ratios(figures, "memory", "two"))
    print(f"  two workers with the store make {gain:.2f} times the calls of one with memory")
    return met


def _flows(url: str, rounds: int) -> bool:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bench = Bench(Path(name), stack)
        command = mitmdump(bench.conf, bench.one, "off")
        servers = {"memory": bench.start(*command), "store": bench.start(*command, "--set", f"fal_store={url}flows:")}
        trust = bench.trust()
        clients = {side: Clients(Way(server.port, trust), APP) for side, server in servers.items()}
        for each in clients.values():
            stack.callback(each.close)

        def timed(side: str) -> float:
            clients[side].open()
            started = time.perf_counter()
            clients[side].run(60, lambda number: input_of(number, 1))
            return time.perf_counter() - started

        figures = _in_turns({side: lambda side=side: timed(side) for side in servers}, rounds)  # type: ignore[misc]
    for side, seconds in figures.items():
        print(f"  flows, {side}: {60 / statistics.median(seconds):.0f} jobs a second")
    return report("time a job through flows, store", _ratios(figures, "store", "memory"), 1 / 0.85, "memory")


class Counting:
    """A store whose calls are counted: each is one round trip."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.trips: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        async def counted(*args: Any) -> Any:
            # Waiting for news is no part of a job.
            self.trips[name] += name not in ("watch", "close", "now")
            return await call(*args)

        return counted


async def _store(url: str, rounds: int) -> bool:
    """The CPU time and the round trips that a store takes in our process, for a job cycle."""
    sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]
    from falmock.store.address import parse
    from falmock.store.redis import RedisStore

    logging.disable(logging.WARNING)
    store = Counting(RedisStore(parse(f"{url}cpu:", os.environ)))
    apps = {"memory": _app(), "store": _app()}
    apps["store"].share(store, b"x" * 32, 0.0, "redis")
    figures: dict[str, list[float]] = {side: [] for side in apps}
    for number in range(rounds + 1):
        for side, app in apps.items():
            store.trips.clear()
            started = time.process_time()
            await _cycles(app, JOBS)
            if side == "store":
                await asyncio.sleep(0.2)  # what is written behind the answers counts
            if number:
                figures[side].append((time.process_time() - started) / JOBS * 1e6)
        trips = {name: count / JOBS for name, count in store.trips.items() if count}
    cost = [shared - alone for shared, alone in zip(figures["store"], figures["memory"], strict=True)]
    await store.close()
    label = f"{AT_ONCE} at once; in memory a cycle takes {statistics.median(figures['memory']):.0f} us"
    met = report_value("the store's CPU in our process", statistics.median(cost), STORE_US, "us a job cycle", label)
    return met & report_value(
        "round trips",
        sum(trips.values()),
        TRIPS,
        "a job cycle",
        ", ".join(f"{name} {each:.2f}" for name, each in trips.items()),
    )


def _app() -> Any:
    import random

    from falmock.wire.formats.uuid7 import uuid7
    from unit.apps import app_of

    fixture = {"match": {"model": APP}, "response": {"json": {"seed": 1}}}
    return app_of(fixture, edge=_edge(), new_id=lambda now: uuid7(now, random.getrandbits(60)))


def _edge() -> Any:
    from unit.apps import TestEdge

    class Edge(TestEdge):
        def now(self) -> float:
            return time.time()

    return Edge()


async def _cycles(app: Any, jobs: int) -> None:
    from falmock.wire.message import Request

    async def ask(method: str, path: str, body: bytes = b"") -> Any:
        headers = {"content-type": "application/json"} if body else {}
        reply = await app.answer(Request(method, "queue.fal.run", path, "", headers, body))
        assert reply.status == 200, reply
        return json.loads(reply.body)

    numbers = iter(range(jobs))

    async def work() -> None:
        for _ in numbers:
            job = (await ask("POST", f"/{APP}", b'{"prompt": "a cat"}'))["request_id"]
            for _ in range(POLLS):
                assert (await ask("GET", f"/{APP}/requests/{job}/status"))["status"] == "COMPLETED"
            assert await ask("GET", f"/{APP}/requests/{job}") == {"seed": 1}

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def _before(rounds: int) -> bool:
    """What falmock costs with its state in memory, against the last commit that knew of no store."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bench = Bench(Path(name), stack)
        before = Path(name) / "before"
        before.mkdir()
        archive = subprocess.run(["git", "archive", BEFORE, "addon"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", str(before)], input=archive.stdout, check=True)
        met = True
        for kind, command in (
            ("serve", lambda _: serve(bench.conf, bench.one)),
            ("mitmdump, lane", lambda addon: mitmdump(bench.conf, bench.one, "auto", addon)),
            ("mitmdump, flows", lambda addon: mitmdump(bench.conf, bench.one, "off", addon)),
        ):
            sides = {}
            for side, addon in (("now", ROOT / "addon"), ("before", before / "addon")):
                server = bench.start(*command(addon), addon=addon)
                sides[side] = Measured(server, Way(server.port, bench.trust()), repeats=50 if "flows" in kind else 200)
                stack.callback(sides[side].close)
            for number in range(rounds + 2):
                for side in list(sides)[:: 1 if number % 2 else -1]:
                    sides[side].round(counts=number >= 2)
            ratios = [now / then for now, then in zip(sides["now"].rounds, sides["before"].rounds, strict=True)]
            met &= report(f"memory, {kind}", ratios, 1.10, f"before ({BEFORE})")
    return met
