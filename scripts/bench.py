"""Measures falmock against the costs it cannot avoid, as ratios of figures taken side by side in one run.

engine  Run, Submit and Status of the engine alone, against json.loads and json.dumps of that call's own bodies.
load    20,000 fixture files, against reading and json.loads alone.
proxy   CPU of a mitmdump with falmock, against one with an addon that sets a constant reply; 1 and 20,000 fixtures.
doors   CPU of a mitmdump for calls that come in by a direct door, against the same calls through the proxy.
record  CPU of a mitmdump that records, against one without falmock; its memory over 10,000 jobs and a file of 1 GiB.
soak    300 sockets and 300 SSE streams at once through a mitmdump for a minute: every event counted, memory flat.
bodies  Memory of a mitmdump while 2 GiB are uploaded, in three ways, and downloaded.

Machines are noisy: the two sides of a ratio take turns in short rounds, and the median of the rounds' ratios is told.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.metadata
import json
import os
import platform
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_bodies import bench_bodies
from bench_doors import bench_doors
from bench_record import bench_record
from bench_soak import bench_soak

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.store import Store
from falmock.wire.message import Request
from falmock.wire.uuid7 import uuid7

ROOT = Path(__file__).resolve().parents[1]
ENDPOINT = "fal-ai/flux/dev"
MANY = 20_000
PARTS = ("engine", "load", "proxy", "doors", "record", "soak", "bodies")


def flux_input(number: int) -> dict[str, object]:
    """An input as apps send it."""
    return {
        "prompt": f"a photo of cat number {number}",
        "image_size": "square_hd",
        "seed": 2**63 + number,
        "num_images": 1,
    }


def flux_fixture(number: int) -> dict[str, object]:
    """A fixture as a recording has it."""
    return {
        "match": {"model": ENDPOINT, "input": flux_input(number), "exact": True},
        "response": {
            "status": 200,
            "billableUnits": 1.0,
            "json": {
                "images": [
                    {
                        "url": f"https://v3b.fal.media/files/b/0a9df36f/{number:021d}_image.png",
                        "width": 1024,
                        "height": 1024,
                        "content_type": "image/png",
                    }
                ],
                "timings": {"inference": 1.4321},
                "seed": 2**63 + number,
                "has_nsfw_concepts": [False],
                "prompt": f"a photo of cat number {number}",
            },
        },
        "queue": {
            "started": 0.52,
            "completed": 2.04,
            "inferenceTime": 1.4321,
            "positions": [{"at": 0.0, "position": 0}],
            "logs": [{"at": 0.61, "message": "loading"}, {"at": 1.9, "message": "100%"}],
        },
        "recorded": {"at": "2026-11-20T10:11:12+00:00", "client": "fal-client/1.0.3 (python)"},
    }


def write_fixtures(folder: Path, count: int) -> Path:
    """A folder of `count` fixture files of one endpoint."""
    home = folder / ENDPOINT
    home.mkdir(parents=True)
    for number in range(count):
        document = {"fixtures": [flux_fixture(number)]}
        (home / f"cat-{number:05d}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return folder


def told(name: str, ratios: list[float], limit: float, base: str) -> bool:
    """Print one ratio with its limit; whether it is met."""
    ratio = statistics.median(ratios)
    low, high = min(ratios), max(ratios)
    verdict = "ok" if ratio <= limit else "OVER"
    print(f"  {name:<44} {ratio:6.2f} x {base:<34} limit {limit:.2f}  {verdict}   (rounds {low:.2f}-{high:.2f})")
    return ratio <= limit


def seconds_of(action: Callable[[], object], repeats: int) -> float:
    """CPU seconds of one call of `action`."""
    started = time.process_time()
    for _ in range(repeats):
        action()
    return (time.process_time() - started) / repeats


# engine


def bench_engine(rounds: int) -> bool:
    print("engine alone (CPU per call)")
    with tempfile.TemporaryDirectory() as name:
        index = Store([str(write_fixtures(Path(name), 1))]).load().index
    counter = iter(range(10**9))
    engine = Engine(Config(), index, lambda now: uuid7(now, next(counter)))
    sent = json.dumps(flux_input(0)).encode()
    headers = {
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "authorization": "Key kid:ksecret",
        "content-type": "application/json",
        "user-agent": "fal-client/1.0.3 (python)",
    }
    run = Request("POST", "fal.run", f"/{ENDPOINT}", "", headers, sent)
    submit = Request("POST", "queue.fal.run", f"/{ENDPOINT}", "", headers, sent)
    job = json.loads(_body(engine.handle(submit, 1.0)))
    path = job["status_url"].removeprefix("https://queue.fal.run")
    status = Request("GET", "queue.fal.run", path, "logs=true", headers, b"")
    met = True
    # Submits come last: so many drop the job that is asked after.
    for label, request in (("Run", run), ("Status with logs", status), ("Submit", submit)):
        answered = json.loads(_body(engine.handle(request, 2.0)))

        def floor(received: bytes = request.body, answered: object = answered) -> None:
            if received:
                json.loads(received)
            json.dumps(answered)

        ratios = [
            seconds_of(lambda request=request: engine.handle(request, 2.0), 2000) / seconds_of(floor, 2000)
            for _ in range(rounds)
        ]
        _body(engine.handle(request, 2.0))
        met &= told(label, ratios, 6.0, "json.loads + json.dumps")
    return met


def _body(effect: object) -> bytes:
    assert isinstance(effect, Reply)
    assert effect.status == 200
    assert isinstance(effect.body, bytes)
    return effect.body


# load


def bench_load(rounds: int) -> bool:
    print(f"loading {MANY} fixture files (wall time, warm file cache)")
    with tempfile.TemporaryDirectory() as name:
        folder = str(write_fixtures(Path(name), MANY))
        ratios = []
        for _ in range(rounds):
            started = time.perf_counter()
            read_and_parse(folder)
            between = time.perf_counter()
            loaded = Store([folder]).load()
            ratios.append((time.perf_counter() - between) / (between - started))
            assert len(loaded.index.fixtures) == MANY
            del loaded
    return told("load", ratios, 3.0, "read + json.loads")


def read_and_parse(folder: str) -> list[object]:
    """Reading and json.loads alone; what is parsed is kept, as any loader would."""
    documents = []
    for home, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(home, name), "rb") as opened:  # noqa: PTH118, PTH123
                documents.append(json.loads(opened.read()))
    return documents


# proxy

CPU_SCRIPT = """
import time
from mitmproxy import http

class Cpu:
    def request(self, flow):
        if flow.request.host == "bench.test":
            flow.response = http.Response.make(200, str(time.process_time()))

addons = [Cpu()]
"""

FLOOR_SCRIPT = """
from mitmproxy import ctx, http

REPLY = b'%s'

class Floor:
    def configure(self, updated):
        if ctx.options.connection_strategy != "lazy":
            ctx.options.update(connection_strategy="lazy")

    def request(self, flow):
        if flow.request.pretty_host.endswith("fal.run"):
            flow.response = http.Response.make(200, REPLY, {"content-type": "application/json"})

addons = [Floor()]
"""


class Proxied:
    """One mitmdump, and one keep-alive connection through it to each of two hosts."""

    def __init__(self, port: int, ca: Path, pid: int) -> None:
        self.pid = pid
        self.port = port
        self.ca = ca
        self._trust = trust = ssl.create_default_context(cafile=str(ca))
        self._hosts: dict[str, http.client.HTTPSConnection] = {}
        for host in ("fal.run", "queue.fal.run"):
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=30)
            connection.set_tunnel(host, 443)
            self._hosts[host] = connection
        self._plain = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, host: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"content-type": "application/json", "authorization": "Key kid:ksecret"}
        connection = self._hosts[host]
        connection.request(method, path, body, headers)
        return connection.getresponse().read()

    def size_of(self, host: str, path: str) -> int:
        """How many bytes a file has that is read and thrown away."""
        connection = self.connect(host)
        connection.request("GET", path)
        answer = connection.getresponse()
        size = 0
        while chunk := answer.read(1 << 20):
            size += len(chunk)
        connection.close()
        return size

    def connect(self, host: str) -> http.client.HTTPSConnection:
        """A new connection to a host, for what takes long."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self._trust, timeout=300)
        connection.set_tunnel(host, 443)
        return connection

    def cpu(self) -> float:
        self._plain.request("GET", "http://bench.test/")
        return float(self._plain.getresponse().read())

    def close(self) -> None:
        for connection in (*self._hosts.values(), self._plain):
            connection.close()


@contextmanager
def mitmdump(folder: Path, *args: str) -> Iterator[Proxied]:
    """A mitmdump on a free port."""
    script = folder / "cpu.py"
    script.write_text(CPU_SCRIPT)
    command = [str(Path(sys.executable).with_name("mitmdump")), "--listen-host", "127.0.0.1", "-p", "0"]
    command += ["--set", f"confdir={folder / 'conf'}", "--set", "flow_detail=0", "-s", str(script), *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            port = 0
            for line in process.stdout:
                found = re.search(r"listening at \S*:(\d+)", line)
                if found:
                    port = int(found[1])
                    break
            if not port:
                raise SystemExit(f"mitmdump did not come up: {' '.join(command)}")
            _drain(process)
            proxied = Proxied(port, folder / "conf" / "mitmproxy-ca-cert.pem", process.pid)
            proxied.cpu()
            yield proxied
            proxied.close()
        finally:
            process.terminate()


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    threading.Thread(target=process.stdout.read, daemon=True).start()


Step = Callable[[Proxied, int], None]


def run_step(proxied: Proxied, number: int) -> None:
    proxied.call("POST", "fal.run", f"/{ENDPOINT}", json.dumps(flux_input(number)).encode())


def cycle_step(proxied: Proxied, number: int) -> None:
    submitted = proxied.call("POST", "queue.fal.run", f"/{ENDPOINT}", json.dumps(flux_input(number)).encode())
    path = f"/fal-ai/flux/requests/{json.loads(submitted)['request_id']}"
    proxied.call("GET", "queue.fal.run", f"{path}/status?logs=0")
    proxied.call("GET", "queue.fal.run", path)


def status_step(request_id: str) -> Step:
    path = f"/fal-ai/flux/requests/{request_id}/status?logs=0"
    return lambda proxied, _: proxied.call("GET", "queue.fal.run", path) and None


def cpu_of(proxied: Proxied, step: Step, repeats: int, fixtures: int) -> float:
    before = proxied.cpu()
    for number in range(repeats):
        step(proxied, number * 7919 % fixtures)
    return (proxied.cpu() - before) / repeats


def bench_proxy(rounds: int, repeats: int) -> bool:
    print("through mitmdump (CPU of its process per call; the constant addon answers the same bytes as Run)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, many = write_fixtures(folder / "one", 1), write_fixtures(folder / "many", MANY)
        addon = ROOT / "addon" / "falmock_addon.py"
        constant = folder / "floor.py"
        reply = json.dumps({**flux_fixture(0)["response"]["json"], "request_id": "0" * 36})  # type: ignore[index,dict-item]
        constant.write_text(FLOOR_SCRIPT % reply)
        with (
            mitmdump(folder, "-s", str(constant)) as floor,
            mitmdump(folder, "-s", str(addon), "--set", f"fal_fixtures={one}") as with_one,
            mitmdump(folder, "-s", str(addon), "--set", f"fal_fixtures={many}") as with_many,
        ):
            return _compare(floor, with_one, with_many, rounds, repeats)


def _compare(floor: Proxied, with_one: Proxied, with_many: Proxied, rounds: int, repeats: int) -> bool:
    jobs = {}
    for proxied in (floor, with_one, with_many):
        submitted = proxied.call("POST", "queue.fal.run", f"/{ENDPOINT}", json.dumps(flux_input(0)).encode())
        jobs[id(proxied)] = json.loads(submitted)["request_id"]
        for _ in range(50):
            cycle_step(proxied, 0)
            run_step(proxied, 0)
    met = True
    for label in ("Run", "Status", "Submit-Status-Result"):
        over_floor, over_one = [], []
        for _ in range(rounds):
            spent = []
            for proxied, count in ((floor, 1), (with_one, 1), (with_many, MANY)):
                step = {"Run": run_step, "Status": status_step(jobs[id(proxied)])}.get(label, cycle_step)
                spent.append(cpu_of(proxied, step, repeats, count))
            over_floor.append(spent[1] / spent[0])
            over_one.append(spent[2] / spent[1])
        print(f"  {label}: the floor takes {spent[0] * 1e6:.0f} us")
        met &= told(f"{label}, 1 fixture", over_floor, 1.25, "a constant reply")
        met &= told(f"{label}, {MANY} fixtures of the endpoint", over_one, 1.05, "with 1 fixture")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repeats", type=int, default=400, help="calls a round through mitmdump")
    parser.add_argument("--seconds", type=float, default=60, help="how long the soak lasts")
    parser.add_argument("--gib", type=float, default=2, help="how large the bodies are")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: expected one of {', '.join(PARTS)}")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("mitmproxy", "jsonschema"))
    print(f"{' '.join(['scripts/bench', *sys.argv[1:]])}")
    print(f"Python {platform.python_version()}, {versions}, {platform.platform()}, {os.cpu_count()} cores\n")
    parts = args.parts or PARTS
    met = True
    if "engine" in parts:
        met &= bench_engine(args.rounds)
    if "load" in parts:
        met &= bench_load(max(3, args.rounds // 3))
    if "proxy" in parts:
        met &= bench_proxy(args.rounds, args.repeats)
    if "doors" in parts:
        with tempfile.TemporaryDirectory() as name:
            fixtures, sent = write_fixtures(Path(name), 1), json.dumps(flux_input(0)).encode()
            met &= bench_doors(args.rounds, args.repeats, fixtures, sent, mitmdump, told)
    if "record" in parts:
        met &= bench_record(args.rounds, args.repeats // 2, mitmdump, told)
    if "soak" in parts:
        met &= bench_soak(args.seconds, mitmdump)
    if "bodies" in parts:
        met &= bench_bodies(args.gib, mitmdump)
    print("\nall limits met" if met else "\nsome limits are not met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
