"""Measures the fast lane: CPU of the server's process per call, against the same calls through flows, and against aimock.

One queue job is a submit, two polls and a result, over 16 connections that are kept alive. Each server prints a line for
each call (aimock: none at this log level), to a file. aimock is installed from npm into .venvs/peers by this script.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path

from bench_bodies import bench_films
from bench_connections import bench_burst
from bench_connections import bench_idle
from bench_connections import bench_pollers
from bench_figures import report
from bench_mitmdump import Proxied
from job_load import Clients
from job_load import Way

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
AIMOCK = "@copilotkit/aimock@1.43.0"
APP = "fal-ai/fast-sdxl"
PROMPT = "a photo of cat number {}"
ANSWER = {
    "images": [{"url": "https://example.com/a.png", "width": 1024, "height": 768, "content_type": "image/png"}],
    "seed": 1,
    "has_nsfw_concepts": [False],
    "prompt": "a photo of a cat",
}
AIMOCK_HOST = "x-fal-target-host: queue.fal.run\r\n"
_WARM_UP = 4
"""How many rounds do not count: until then, aimock's are compiled."""
_STEP = 7919
"""Calls ask for fixtures that are spread over all of them: it is a prime."""
BODIES = 16
"""How many MiB the memory may grow when a large body passes."""


def peers() -> Path:
    """The program of aimock, installed if needed."""
    folder = ROOT / ".venvs" / "peers"
    program = folder / "node_modules" / ".bin" / "llmock"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", AIMOCK],
            cwd=folder,
            check=True,
        )
    return program


def fixtures(folder: Path, count: int, *, aimock: bool = False) -> Path:
    """A folder with this many fixtures, in files of 1,000."""
    folder.mkdir(parents=True)
    for start in range(0, count, 1000):
        entries = [_fixture(PROMPT.format(number), aimock=aimock) for number in range(start, min(start + 1000, count))]
        (folder / f"{start}.json").write_text(json.dumps({"fixtures": entries}))
    return folder


def _fixture(prompt: str, *, aimock: bool) -> dict[str, object]:
    match = (
        {"model": APP, "endpoint": "fal", "userMessage": prompt}
        if aimock
        else {"model": APP, "input": {"prompt": prompt}}
    )
    return {"match": match, "response": {"json": ANSWER}}


def machine() -> str:
    """The processor, and how busy it is."""
    name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{name[1] if name else platform.processor()}, {os.cpu_count()} cores, load in 1, 5 and 15 minutes: {busy}"


class Server:
    """A server under test."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, seconds: float) -> None:
        self.process = process
        self.port = port
        self.seconds = seconds
        """From its start until its port is open."""

    def cpu(self) -> float:
        """The CPU time of its process so far, in seconds."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(folder: Path, *command: str, addon: Path = ROOT / "addon") -> Iterator[Server]:
    """A server that is started with this command; `{port}` in it is a free port. `addon` has its package."""
    port = _free_port()
    started = time.perf_counter()
    env = os.environ | {"NO_COLOR": "1", "PYTHONPATH": str(addon)}
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command], stdout=log, stderr=subprocess.STDOUT, env=env
        )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - started > 60:
                    raise SystemExit(f"it did not start: {' '.join(command)}") from None
                time.sleep(0.01)
        yield Server(process, port, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def first_answer(command: list[str]) -> float:
    """The seconds from the start of a server until it has answered a submit."""
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        with running(Path(name), *command) as server:
            submit(server, 1)
            return time.perf_counter() - started


def submit(server: Server, count: int) -> None:
    """Submit jobs at falmock's own address; nobody looks at them."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"x-fal-target-host": "queue.fal.run", "content-type": "application/json"}
    for number in range(count):
        connection.request("POST", f"/fal/{APP}", input_of(number, 1), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


def mitmdump(conf: Path, folder: Path, fast: str, addon: Path = ROOT / "addon") -> list[str]:
    script = addon / "falmock_addon.py"
    return [
        *(str(BIN / "mitmdump"), "--listen-host", "127.0.0.1", "-p", "{port}", "-s", str(script)),
        *("--set", f"confdir={conf}", "--set", f"fal_fixtures={folder}", "--set", f"fal_fast={fast}"),
    ]


def serve(conf: Path, folder: Path) -> list[str]:
    program = [sys.executable, "-m", "falmock.cli", "serve", "--port", "{port}"]
    return [*program, "--confdir", str(conf), "--fixtures", str(folder)]


def input_of(number: int, count: int) -> bytes:
    prompt = PROMPT.format(number * _STEP % count)
    return json.dumps({"prompt": prompt, "seed": number, "image_size": "landscape_4_3"}).encode()


class Measured:
    """One way to reach a server, and its CPU per call in each round (microseconds)."""

    def __init__(self, server: Server, way: Way, count: int = 1, repeats: int = 300) -> None:
        self.server = server
        self.rounds: list[float] = []
        self._clients = Clients(way, APP)
        self._count = count
        self._repeats = repeats

    def round(self, *, counts: bool) -> None:
        self._clients.open()
        before = self.server.cpu()
        self._clients.run(self._repeats, lambda number: input_of(number, self._count))
        if counts:
            self.rounds.append((self.server.cpu() - before) / self._repeats / 4 * 1e6)

    def close(self) -> None:
        self._clients.close()


class Bench:
    """The servers that are compared, in one folder."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.conf = folder / "conf"
        self.one = fixtures(folder / "one", 1)

    def start(self, *command: str, addon: Path = ROOT / "addon") -> Server:
        return self._stack.enter_context(running(self._folder, *command, addon=addon))

    def mitmdump(self, fast: str = "auto") -> Server:
        return self.start(*mitmdump(self.conf, self.one, fast))

    def serve(self, count: int = 1) -> Server:
        folder = self.one if count == 1 else fixtures(self._folder / f"{count}", count)
        return self.start(*serve(self.conf, folder))

    def aimock(self, count: int) -> Server:
        folder = fixtures(self._folder / f"aimock-{count}", count, aimock=True)
        return self.start(str(peers()), "-f", str(folder), "-p", "{port}")

    def trust(self) -> ssl.SSLContext:
        """What trusts the CA that the first server has made."""
        return ssl.create_default_context(cafile=str(self.conf / "mitmproxy-ca-cert.pem"))


def bench_lane(rounds: int, gib: float) -> bool:
    """Print the figures; return whether the limits are met."""
    print("the fast lane (CPU of the server's process per call; a line is printed for each call, to a file)")
    print(f"  {machine()}")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bench = Bench(Path(name), stack)
        measured = _ways(bench)
        for each in measured.values():
            stack.callback(each.close)
        for number in range(_WARM_UP + rounds):
            for each in measured.values():
                each.round(counts=number >= _WARM_UP)
        for label, each in measured.items():
            print(f"  {label}: {statistics.median(each.rounds):.0f} us a call")
        met = _compared(measured)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bench = Bench(Path(name), stack)
        bench.mitmdump()  # makes the CA
        starts = [
            (first_answer(mitmdump(bench.conf, bench.one, "auto")), first_answer(serve(bench.conf, bench.one)))
            for _ in range(rounds)
        ]
        met &= report(
            "serve, first answer after start", [served / dumped for dumped, served in starts], 0.45, "mitmdump -s"
        )
    for kind, start, limit in (("mitmdump", Bench.mitmdump, 40), ("serve", Bench.serve, 25)):
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            bench = Bench(Path(name), stack)
            server = start(bench)
            met &= bench_idle(f"{kind}, an idle TLS connection", server, bench.trust(), limit)
            if kind == "serve":
                met &= bench_pollers(server, bench.trust())
                met &= bench_burst(server)
            ca = bench.conf / "mitmproxy-ca-cert.pem"
            met &= bench_films(kind, Proxied(server.port, ca, server.process.pid), gib, BODIES)
    print(f"  {machine()}")
    return met


def _ways(bench: Bench) -> dict[str, Measured]:
    flows, lane = bench.mitmdump("off"), bench.mitmdump()
    served, many, busy = bench.serve(), bench.serve(20_000), bench.serve()
    trust = bench.trust()
    submit(busy, 1000)
    ways = {
        "flows": Measured(flows, Way(flows.port, trust), repeats=100),
        "lane": Measured(lane, Way(lane.port, trust)),
        "lane, direct": Measured(lane, Way(lane.port, None, "/fal", AIMOCK_HOST)),
        "serve": Measured(served, Way(served.port, trust)),
        "serve, direct": Measured(served, Way(served.port, None, "/fal", AIMOCK_HOST)),
        "serve, 20,000 fixtures": Measured(many, Way(many.port, trust), 20_000),
        "serve, 1,000 jobs": Measured(busy, Way(busy.port, trust)),
        "flows, new": Measured(flows, Way(flows.port, trust, reconnects=True), repeats=30),
        "lane, new": Measured(lane, Way(lane.port, trust, reconnects=True), repeats=60),
        "serve, new": Measured(served, Way(served.port, trust, reconnects=True), repeats=60),
    }
    if shutil.which("npm"):
        for count in (1, 1000, 10_000):
            server = bench.aimock(count)
            way = Way(server.port, None, "/fal", AIMOCK_HOST)
            ways[f"aimock, {count}"] = Measured(server, way, count, repeats=300 if count < 10_000 else 60)
    return ways


def _compared(measured: dict[str, Measured]) -> bool:
    def ratios(one: str, other: str) -> list[float]:
        return [a / b for a, b in zip(measured[one].rounds, measured[other].rounds, strict=True)]

    rows = [
        ("mitmdump, CONNECT and TLS", "lane", "flows", 1 / 12, "through flows"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 1", 0.8, "aimock, plain HTTP"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 1000", 0.6, "aimock with 1,000 fixtures"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 10000", 0.1, "aimock with 10,000 fixtures"),
        ("serve, CONNECT and TLS", "serve", "aimock, 1", 0.6, "aimock, plain HTTP"),
        ("serve, direct, plain HTTP", "serve, direct", "aimock, 1", 0.5, "aimock, plain HTTP"),
        ("mitmdump, a new connection each call", "lane, new", "flows, new", 0.4, "through flows"),
        ("serve, a new connection each call", "serve, new", "flows, new", 0.15, "through flows"),
        ("serve, 20,000 fixtures", "serve, 20,000 fixtures", "serve", 1.15, "one fixture"),
        ("serve, 1,000 jobs that are not over", "serve, 1,000 jobs", "serve", 1.15, "one job"),
    ]
    met = True
    for label, one, other, limit, base in rows:
        if other in measured:
            met &= report(label, ratios(one, other), limit, base)
    return met
