"""Hundreds of concurrent sockets and SSE streams through one mitmdump: counts the events, measures the proxy's memory.

Each stream gets an event per second; each socket sends an input per second and gets its result. With 300 of each that
is 900 messages per second, which needs most of a core: with more, the machine is the limit, not falmock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import soak_clients
from bench_mitmdump import Proxied
from bench_mitmdump import mitmdump
from bench_record import resident

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 300
PAUSE = 1.0
LONGER = 45
"""Seconds that streams and sockets last beyond the soak: the time that all may take to open, so that all are open
together."""
SAMPLE_POINTS = (1 / 6, 1 / 3, 2 / 3, 1)
"""When the memory is measured: after 10, 20, 40 and 60 s of 60."""
MAX_GROWTH_MIB = 2
"""The limit from the second sample to the last: by the second, the stored socket messages have reached their limit."""


def fixtures(count: int) -> dict[str, object]:
    """A stream of `count` events, and a result for each of `count` inputs of a socket."""
    events = [{"at": number * PAUSE, "json": {"n": number}} for number in range(count)]
    stream = {"match": {"model": soak_clients.STREAM}, "stream": events}
    results = [
        {"match": {"model": soak_clients.SOCKET, "input": {"n": number}}, "realtime": [{"msgpack": {"n": number}}]}
        for number in range(count)
    ]
    return {"fixtures": [stream, *results]}


def bench_soak(seconds: float) -> bool:
    """Print the results; return whether all events arrived and memory was flat."""
    print(
        f"soak ({CLIENTS} sockets and {CLIENTS} streams for {seconds:.0f} s, an event every {PAUSE:.0f} s each, over TLS)"
    )
    count = int((seconds + LONGER) / PAUSE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "soak").mkdir()
        (folder / "soak" / "soak.json").write_text(json.dumps(fixtures(count)), "utf-8")
        addon = ROOT / "addon" / "falmock_addon.py"
        options = ("-s", str(addon), "--set", f"fal_fixtures={folder / 'soak'}", "--set", "fal_pace=recorded")
        with mitmdump(folder, *options) as proxied:
            return _soak(proxied, seconds, count)


def _soak(proxied: Proxied, seconds: float, count: int) -> bool:
    load = (str(proxied.port), str(proxied.ca), str(CLIENTS), str(count), str(PAUSE))
    command = [sys.executable, str(ROOT / "scripts" / "soak_clients.py"), *load]
    before = resident(proxied.pid)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdout is not None
        try:
            ready = json.loads(clients.stdout.readline())
            in_time = ready["after"] <= LONGER
            print(
                f"  {ready['open']} open after {ready['after']:.0f} s; limit {LONGER} s  {'ok' if in_time else 'OVER'}"
            )
            flat = _memory(proxied, seconds, before)
            results = json.loads(clients.stdout.readline())
        finally:
            clients.terminate()
    return _report(results, count) and flat and in_time


def _memory(proxied: Proxied, seconds: float, before: float) -> bool:
    started, spent = time.monotonic(), proxied.cpu()
    sizes = []
    for part in SAMPLE_POINTS:
        time.sleep(max(0.0, started + part * seconds - time.monotonic()))
        sizes.append(resident(proxied.pid))
    share = (proxied.cpu() - spent) / (time.monotonic() - started)
    growth = sizes[-1] - sizes[1]
    met = growth <= MAX_GROWTH_MIB
    shown = ", ".join(
        f"{size:.1f} after {part * seconds:.0f} s" for part, size in zip(SAMPLE_POINTS, sizes, strict=True)
    )
    print(f"  memory in MiB: {before:.1f} before, {shown}")
    print(f"  growth from the second look on: {growth:+.1f} MiB; limit {MAX_GROWTH_MIB} MiB  {'ok' if met else 'OVER'}")
    print(f"  CPU of the proxy: {share:.0%} of a core")
    return met


def _report(results: dict[str, dict[str, Any]], count: int) -> bool:
    met = True
    for kind, what in (("streams", "ms late"), ("sockets", "ms to a result")):
        result = results[kind]
        whole = (result["events"], result["whole"]) == (CLIENTS * count, CLIENTS)
        met &= whole
        median, most, worst = result["late_ms"]
        print(
            f"  {kind}: {result['events']} of {CLIENTS * count} events in order, {result['whole']} of {CLIENTS} to the end"
            f"  {'ok' if whole else 'LOST'}   ({what}: median {median}, 99 % {most}, worst {worst})"
        )
        for line in result["trouble"]:
            print(f"    {line}")
    return met
