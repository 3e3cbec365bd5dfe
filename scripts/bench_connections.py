"""Measures many connections to one server at a time: idle ones, clients that poll, and a burst of new ones."""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import statistics
import time
from typing import TYPE_CHECKING

from bench_bodies import memory
from bench_figures import report_value
from job_load import Connection
from job_load import Way

if TYPE_CHECKING:
    from bench_lane import Server

APP = "fal-ai/fast-sdxl"
IDLE, POLLING, BURST = 2000, 1000, 1000
INTERVAL, SECONDS = 0.5, 10.0
AT_ONCE = 50
"""How many connections are opened at a time, unless it is the burst that is measured."""
_BODY = json.dumps({"prompt": "a photo of cat number 0"}).encode()


def bench_idle(name: str, server: Server, trust: ssl.SSLContext, limit: float) -> bool:
    """Print the memory of a TLS connection on which nothing happens; return whether the limit (KiB) is met."""
    raise_file_limit()

    async def run() -> float:
        opened = await _opened(server, trust, AT_ONCE)  # makes all that is made once
        before = memory(server.process.pid, "VmRSS")
        opened += await _opened(server, trust, IDLE)
        await asyncio.sleep(1)
        grown = memory(server.process.pid, "VmRSS") - before
        for each in opened:
            each.close()
        return grown * 1024 / IDLE

    return report_value(name, asyncio.run(run()), limit, f"KiB, of {IDLE:,}")


async def _opened(server: Server, trust: ssl.SSLContext, count: int) -> list[Connection]:
    opened: list[Connection] = []
    while len(opened) < count:
        batch = [Connection(Way(server.port, trust)) for _ in range(min(AT_ONCE, count - len(opened)))]
        await asyncio.gather(*(each.open() for each in batch))
        opened += batch
    return opened


def bench_pollers(server: Server, trust: ssl.SSLContext) -> bool:
    """Print how long clients that poll wait for the slowest hundredth of answers; return whether the limit is met."""
    raise_file_limit()

    async def poll(connection: Connection, path: str, first: float, found: list[float]) -> None:
        await asyncio.sleep(first)
        due = time.perf_counter()
        end = due + SECONDS
        while due < end:
            started = time.perf_counter()
            await connection.call("GET", path)
            found.append(time.perf_counter() - started)
            due += INTERVAL
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def run() -> list[float]:
        opened = await _opened(server, trust, POLLING)
        request_id = json.loads(await opened[0].call("POST", f"/{APP}", _BODY))["request_id"]
        path, found = f"/{APP}/requests/{request_id}/status", list[float]()
        await asyncio.gather(
            *(poll(each, path, number * INTERVAL / POLLING, found) for number, each in enumerate(opened))
        )
        for each in opened:
            each.close()
        return found

    found = sorted(asyncio.run(run()))
    slow, usual = found[len(found) * 99 // 100] * 1000, statistics.median(found) * 1000
    more = f"(median {usual:.1f} ms, {len(found):,} polls)"
    return report_value(
        f"serve, {POLLING:,} clients that poll every {INTERVAL} s", slow, 50, "ms, 99 of 100 are faster", more
    )


def bench_burst(server: Server) -> bool:
    """Print how long the slowest of many connections that are opened at once takes to its answer."""
    raise_file_limit()

    async def call() -> float:
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        took = time.perf_counter() - started
        writer.close()
        return took

    async def run() -> float:
        return max(await asyncio.gather(*(call() for _ in range(BURST))))

    return report_value(
        f"serve, {BURST:,} connections at once, the slowest", asyncio.run(run()), 0.7, "s to its answer"
    )


def raise_file_limit() -> None:
    """Allow this process as many connections as the system does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
