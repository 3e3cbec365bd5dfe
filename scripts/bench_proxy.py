"""Measures calls through mitmdump with falmock, with 1 and many fixtures, relative to an addon with a constant reply."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_figures import report
from bench_mitmdump import Proxied
from bench_mitmdump import mitmdump
from bench_samples import ENDPOINT
from bench_samples import MANY
from bench_samples import flux_fixture
from bench_samples import flux_input
from bench_samples import write_fixtures

ROOT = Path(__file__).resolve().parents[1]
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
        met &= report(f"{label}, 1 fixture", over_floor, 1.25, "a constant reply")
        met &= report(f"{label}, {MANY} fixtures of the endpoint", over_one, 1.05, "with 1 fixture")
    return met
