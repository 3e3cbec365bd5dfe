"""Measures the fast lane: CPU of the server's process per call, against the same calls through flows, and against aimock.

One queue job is a submit, two polls and a result, over 16 connections that are kept alive. Each server prints a line for
each call (aimock: none at this log level), to a file. aimock is installed from npm into .venvs/peers by this script.
"""

from __future__ import annotations

import json
import os
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

from bench_figures import report
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
def running(folder: Path, *command: str) -> Iterator[Server]:
    """A server that is started with this command; `{port}` in it is a free port."""
    port = _free_port()
    started = time.perf_counter()
    env = os.environ | {"NO_COLOR": "1"}
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


def mitmdump(conf: Path, folder: Path, fast: str) -> list[str]:
    addon = ROOT / "addon" / "falmock_addon.py"
    return [
        *(str(BIN / "mitmdump"), "--listen-host", "127.0.0.1", "-p", "{port}", "-s", str(addon)),
        *("--set", f"confdir={conf}", "--set", f"fal_fixtures={folder}", "--set", f"fal_fast={fast}"),
    ]


def input_of(number: int, count: int) -> bytes:
    prompt = PROMPT.format(number % count)
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
        before = self.server.cpu()
        self._clients.run(self._repeats, lambda number: input_of(number, self._count))
        if counts:
            self.rounds.append((self.server.cpu() - before) / self._repeats / 4 * 1e6)


def bench_lane(rounds: int) -> bool:
    """Print the figures; return whether the limits are met."""
    print("the fast lane (CPU of the server's process per call; a line is printed for each call, to a file)")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        conf = folder / "conf"
        one = fixtures(folder / "one", 1)

        def start(*command: str) -> Server:
            return stack.enter_context(running(folder, *command))

        flows, lane = start(*mitmdump(conf, one, "off")), start(*mitmdump(conf, one, "auto"))
        trust = ssl.create_default_context(cafile=str(conf / "mitmproxy-ca-cert.pem"))
        measured = {
            "flows": Measured(flows, Way(flows.port, trust), repeats=100),
            "lane": Measured(lane, Way(lane.port, trust)),
            "lane, direct": Measured(lane, Way(lane.port, None, "/fal", AIMOCK_HOST)),
            "flows, new": Measured(flows, Way(flows.port, trust, reconnects=True), repeats=30),
            "lane, new": Measured(lane, Way(lane.port, trust, reconnects=True), repeats=60),
        }
        many = start(*mitmdump(conf, fixtures(folder / "many", 20_000), "auto"))
        measured["lane, 20,000"] = Measured(many, Way(many.port, trust), 20_000)
        if shutil.which("npm"):
            for count in (1, 1000, 10_000):
                loaded = fixtures(folder / f"aimock-{count}", count, aimock=True)
                server = start(str(peers()), "-f", str(loaded), "-p", "{port}")
                way = Way(server.port, None, "/fal", AIMOCK_HOST)
                measured[f"aimock, {count}"] = Measured(server, way, count, repeats=300 if count < 10_000 else 60)
        for number in range(rounds + 1):
            for each in measured.values():
                each.round(counts=number > 0)
        for label, each in measured.items():
            print(f"  {label}: {statistics.median(each.rounds):.0f} us a call")
        return _compared(measured)


def _compared(measured: dict[str, Measured]) -> bool:
    def ratios(one: str, other: str) -> list[float]:
        return [a / b for a, b in zip(measured[one].rounds, measured[other].rounds, strict=True)]

    rows = [
        ("mitmdump, CONNECT and TLS", "lane", "flows", 1 / 12, "through flows"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 1", 0.8, "aimock, plain HTTP"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 1000", 0.6, "aimock with 1,000 fixtures"),
        ("mitmdump, CONNECT and TLS", "lane", "aimock, 10000", 0.1, "aimock with 10,000 fixtures"),
        ("mitmdump, a new connection each call", "lane, new", "flows, new", 0.4, "through flows"),
        ("mitmdump, 20,000 fixtures", "lane, 20,000", "lane", 1.15, "one fixture"),
    ]
    met = True
    for label, one, other, limit, base in rows:
        if other in measured:
            met &= report(label, ratios(one, other), limit, base)
    return met
