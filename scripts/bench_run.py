"""Measures `falmock run`: how long until its program starts, relative to how long until `mitmdump -s` is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_figures import report

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DATE = ("date", "+%s%N")
"""A program that prints when it started, in nanoseconds since the epoch."""


def bench_run(rounds: int) -> bool:
    """Print the ratio; return whether its limit is met."""
    print("falmock run (time until its program starts)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "fixtures").symlink_to(ROOT / "fixtures")
        environment = {**os.environ, "FALMOCK_HOME": str(folder / "home")}
        until_program(folder, environment)  # makes the CA
        until_ready(folder, environment)
        pairs = [(until_program(folder, environment), until_ready(folder, environment)) for _ in range(rounds)]
    ratios = [run / dumped for run, dumped in pairs]
    shortest = min(run for run, _ in pairs), min(dumped for _, dumped in pairs)
    print(f"  the shortest: {shortest[0]:.2f} s, and {shortest[1]:.2f} s for mitmdump")
    return report("falmock run -- PROGRAM", ratios, 0.4, "mitmdump -s until it is ready")


def until_program(folder: Path, environment: dict[str, str]) -> float:
    """Seconds until the program of a run starts."""
    began = time.time()
    command = [BIN / "falmock", "run", "--", *DATE]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return int(done.stdout) / 1e9 - began


def until_ready(folder: Path, environment: dict[str, str]) -> float:
    """Seconds until a mitmdump with falmock says that it is ready."""
    reading, writing = os.pipe()
    began = time.time()
    command = [
        BIN / "mitmdump",
        "-s",
        ROOT / "addon" / "falmock_addon.py",
        "-p",
        "0",
        "--set",
        f"confdir={folder / 'conf'}",
    ]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "FALMOCK_READY_FD": str(writing)},
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(writing)
        with os.fdopen(reading) as line:
            told = line.readline()
        taken = time.time() - began
        process.terminate()
    if not told:
        raise SystemExit("mitmdump did not start")
    return taken
