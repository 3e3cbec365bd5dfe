"""Fuzzes falmock with the targets of `tests/fuzz/`, in turn, and keeps what fails in its corpus."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of mitmproxy's imports
    from fuzz import corpus
    from fuzz import runner

SLICE = 20.0
"""How long one target runs before the next (seconds)."""
Failing = dict[str, list[runner.Failure]]


def main() -> int:
    """Run the targets until the time is over; returns the exit status: 1 if anything failed."""
    arguments = _arguments()
    end = time.monotonic() + arguments.minutes * 60
    names = arguments.targets or runner.names()
    failing: Failing = {}
    runs = {name: _begun(name, failing) for name in names}
    turn = min(SLICE, arguments.minutes * 60 / len(names))
    while time.monotonic() < end:
        for name, run in runs.items():
            left = end - time.monotonic()
            if left > 0:
                _go(run, min(turn, left), failing)
                _tell(name, run, failing, end)
    return _summary(runs, failing, arguments.minutes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0, help="how long, in minutes (default 10)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all of " + ", ".join(runner.names()))
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(runner.names()):
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(runner.names())}")
    return arguments


def _begun(name: str, failing: Failing) -> runner.Run:
    """A run of a target, after its corpus: what fails there is told, unless the entry says that it is open."""
    target = runner.target(name)
    for entry in corpus.entries(name):
        found = runner.failure(target, entry.case)
        if (found is None) == bool(entry.why_open):
            about = "passes, but is marked as open" if found is None else f"fails again: {found.text}"
            print(f"{entry.path.relative_to(ROOT)} {about}")
            failing.setdefault(name, []).append(found or runner.Failure(entry.case, AssertionError("marked as open")))
    return runner.Run(target, runner.known(target))


def _go(run: runner.Run, seconds: float, failing: Failing) -> None:
    """Run a target for a time. It goes on after a failure, and passes over the same fault from then on."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        found = run.go(left)
        if found is None:
            return
        run.known.add(found.origin)
        failing.setdefault(run.target.name, []).append(found)
        path = corpus.write(run.target.name, found.case, found.text)
        print(f"{path.relative_to(ROOT)}: {found.text}", flush=True)


def _tell(name: str, run: runner.Run, failing: Failing, end: float) -> None:
    left = max(end - time.monotonic(), 0.0)
    print(f"{name:20} {run.cases:9,} cases, {len(failing.get(name, []))} failed, {left / 60:.1f} min left", flush=True)


def _summary(runs: dict[str, runner.Run], failing: Failing, minutes: float) -> int:
    count = sum(map(len, failing.values()))
    cases = sum(run.cases for run in runs.values())
    print(f"fuzz: {cases:,} cases for {len(runs)} targets in {minutes:g} min, {count} failed")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
