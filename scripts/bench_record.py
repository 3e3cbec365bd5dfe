"""Measures recording: a mitmdump that records, relative to one without falmock; both forward to the same fake upstream.

CPU of the proxy's process per call until all is in the fixture files, and its memory while it records 10,000 jobs and forwards a file of 1 GiB.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_figures import report
from bench_mitmdump import Proxied
from bench_mitmdump import mitmdump

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from clients.upstream import upstream  # noqa: E402

ECHO = "test/echo"
JOBS = 10_000
GIB = 2**30
MAX_JOBS_MIB = 64
MAX_FILE_MIB = 48


def run_step(proxied: Proxied, number: int) -> None:
    proxied.call("POST", "fal.run", f"/{ECHO}", _input(number))


def job_step(proxied: Proxied, number: int) -> None:
    """A job with two polls only, since recording mostly adds to its submit and its result."""
    submitted = proxied.call("POST", "queue.fal.run", f"/{ECHO}", _input(number))
    path = f"/{ECHO}/requests/{json.loads(submitted)['request_id']}"
    proxied.call("GET", "queue.fal.run", f"{path}/status?logs=1")
    proxied.call("GET", "queue.fal.run", f"{path}/status?logs=1")
    proxied.call("GET", "queue.fal.run", path)


def _input(number: int) -> bytes:
    pace = {"queued": 0, "running": 0, "logs": ["loading", "100%"]}
    return json.dumps({"prompt": f"a photo of cat number {number}", "seed": 2**63 + number, "pace": pace}).encode()


def resident(pid: int) -> float:
    """The current memory of a process in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(found[1]) / 1024 if found else 0.0


class Counter:
    """Numbers the calls, so that each records a new fixture."""

    def __init__(self) -> None:
        self.next = 0

    def cpu(self, proxied: Proxied, step: Callable[[Proxied, int], None], repeats: int) -> float:
        """CPU seconds of the proxy for one step."""
        before = proxied.cpu()
        for _ in range(repeats):
            step(proxied, self.next)
            self.next += 1
        return (proxied.cpu() - before) / repeats


def bench_record(rounds: int, repeats: int) -> bool:
    """Print the costs of recording; return whether the limits are met."""
    print("recording (CPU of the proxy's process per step, forwarding to a stand-in on loopback)")
    addon = ROOT / "addon" / "falmock_addon.py"
    with tempfile.TemporaryDirectory() as name, upstream() as fal:
        folder = Path(name)
        options = ("-s", str(addon), "--set", "fal_mode=record", "--set", f"fal_fixtures={folder / 'fixtures'}")
        with (
            mitmdump(folder, *fal.arguments) as plain,
            mitmdump(folder, *options, *fal.arguments) as recording,
        ):
            met = _compare(plain, recording, rounds, repeats)
            met &= _memory_of_jobs(recording)
            return _memory_of_a_file(recording) and met


def _compare(plain: Proxied, recording: Proxied, rounds: int, repeats: int) -> bool:
    met = True
    counter = Counter()
    for label, step in (("Run", run_step), ("Submit-Status-Status-Result", job_step)):
        counter.cpu(plain, step, 50)
        counter.cpu(recording, step, 50)
        ratios = []
        for _ in range(rounds):
            floor = counter.cpu(plain, step, repeats)
            ratios.append(counter.cpu(recording, step, repeats) / floor)
        print(f"  {label}: without falmock {floor * 1e6:.0f} us")
        met &= report(f"{label}, recorded", ratios, 1.3, "forwarded without falmock")
    return met


def _memory_of_jobs(recording: Proxied) -> bool:
    sizes = {}
    for number in range(JOBS + 1):
        if number in (1000, JOBS // 2, JOBS):
            sizes[number] = resident(recording.pid)
        job_step(recording, 10**9 + number)
    growth = sizes[JOBS] - sizes[1000]
    met = growth <= MAX_JOBS_MIB
    shown = ", ".join(f"{size:.0f} MiB after {number} jobs" for number, size in sizes.items())
    print(f"  memory: {shown}; growth limit {MAX_JOBS_MIB} MiB  {'ok' if met else 'OVER'}")
    return met


def _memory_of_a_file(recording: Proxied) -> bool:
    arguments = json.dumps({"prompt": "a long film", "bytes": GIB}).encode()
    video = json.loads(recording.call("POST", "fal.run", "/test/video", arguments))["video"]["url"]
    host, _, path = video.removeprefix("https://").partition("/")
    before = resident(recording.pid)
    size = recording.size_of(host, f"/{path}")
    growth = resident(recording.pid) - before
    met = size == GIB and growth <= MAX_FILE_MIB
    print(f"  a file of {size} bytes: {growth:+.0f} MiB; limit {MAX_FILE_MIB} MiB  {'ok' if met else 'OVER'}")
    return met
