"""What this tree costs against another commit, side by side: the engine alone, and calls through mitmdump."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_figures import report
from bench_mitmdump import mitmdump
from bench_proxy import ROOT
from bench_proxy import cpu_of
from bench_proxy import cycle_step
from bench_proxy import run_step
from bench_proxy import status_step
from bench_samples import ENDPOINT
from bench_samples import flux_input
from bench_samples import write_fixtures

LIMIT = 1.10
_LINE = re.compile(r"^  (\S.*?) +([0-9.]+) x ", re.MULTILINE)


def bench_against(revision: str, rounds: int, repeats: int) -> bool:
    """Compare with a commit. Each side's engine is measured by its own `bench_engine.py`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = folder / "before"
        before.mkdir()
        archive = subprocess.run(
            ["git", "archive", revision, "addon", "scripts"], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", str(before)], input=archive.stdout, check=True)
        print(f"against {revision}: the two sides take turns, {rounds} rounds")
        return _engine(before, rounds) & _proxy(before, folder, rounds, repeats)


def _engine(before: Path, rounds: int) -> bool:
    ratios: dict[str, list[float]] = {}
    for number in range(rounds):
        old, new = {}, {}
        for side, figures in [(before, old), (ROOT, new)][:: 1 if number % 2 else -1]:
            figures.update(_engine_figures(side))
        for label, figure in new.items():
            ratios.setdefault(label, []).append(figure / old[label])
    met = True
    for label, each in ratios.items():
        met &= report(f"{label}, engine alone", each, LIMIT, "before")
    return met


def _engine_figures(side: Path) -> dict[str, float]:
    """Each call's cost in units of json.loads and json.dumps, which are the same on both sides."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(side / "addon"), str(side / "scripts")])}
    command = [sys.executable, "-c", "from bench_engine import bench_engine; bench_engine(5)"]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return {label: float(figure) for label, figure in _LINE.findall(output)}


def _proxy(before: Path, folder: Path, rounds: int, repeats: int) -> bool:
    fixtures = write_fixtures(folder / "one", 1)
    option = f"fal_fixtures={fixtures}"
    with (
        mitmdump(folder, "-s", str(before / "addon" / "falmock_addon.py"), "--set", option) as old,
        mitmdump(folder, "-s", str(ROOT / "addon" / "falmock_addon.py"), "--set", option) as new,
    ):
        jobs = {}
        for proxied in (old, new):
            submitted = proxied.call("POST", "queue.fal.run", f"/{ENDPOINT}", json.dumps(flux_input(0)).encode())
            jobs[id(proxied)] = json.loads(submitted)["request_id"]
            cpu_of(proxied, cycle_step, repeats, 1)
        met = True
        for label in ("Run", "Status", "Submit-Status-Result"):
            ratios = []
            for number in range(rounds):
                spent = {}
                for proxied in (old, new)[:: 1 if number % 2 else -1]:
                    step = {"Run": run_step, "Status": status_step(jobs[id(proxied)])}.get(label, cycle_step)
                    spent[id(proxied)] = statistics.median(cpu_of(proxied, step, repeats, 1) for _ in range(3))
                ratios.append(spent[id(new)] / spent[id(old)])
            met &= report(f"{label}, through mitmdump", ratios, LIMIT, "before")
    return met
