"""Measures falmock relative to unavoidable costs, within one run.

engine  Run, Submit and Status of the engine alone, relative to json.loads and json.dumps of the same bodies; a Run whose input is
        checked, and one whose answer is made, relative to a Run that a fixture answers.
lane    CPU of a mitmdump whose calls do not go through flows, relative to one whose calls do, and to aimock.
run     How long until the program of `falmock run` starts, relative to a mitmdump that is ready.
redaction  1 MiB of text with 4,000 secrets learned takes 0.1 s at most.
load    20,000 fixture files, relative to reading and json.loads alone.
proxy   CPU of a mitmdump with falmock, relative to one with a constant reply; 1 and 20,000 fixtures.
doors   CPU of a mitmdump for direct calls, relative to the same calls through the proxy.
record  CPU of a mitmdump that records, relative to one without falmock; its memory for 10,000 jobs and a file of 1 GiB.
soak    300 sockets and 300 SSE streams at once through a mitmdump for a minute: all events arrive, memory is flat.
replicas  Two workers against one, a store against memory, and what the store costs (redis-server is needed).
bodies  Memory of a mitmdump while 2 GiB are uploaded, in three ways, and downloaded.

`--against REVISION` compares the engine and a mitmdump of this tree with those of that commit instead.

Machines are noisy: the two sides of a ratio are measured in turns, in short rounds, and the median ratio is reported.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable

from bench_against import bench_against
from bench_bodies import bench_bodies
from bench_doors import bench_doors
from bench_engine import bench_engine
from bench_lane import bench_lane
from bench_load import bench_load
from bench_proxy import bench_proxy
from bench_record import bench_record
from bench_redaction import bench_redaction
from bench_replicas import bench_replicas
from bench_run import bench_run
from bench_soak import bench_soak
from bench_synthesis import bench_synthesis

PARTS = ("engine", "redaction", "run", "lane", "load", "proxy", "doors", "record", "soak", "bodies", "replicas")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds without mitmdump")
    parser.add_argument("--turns", type=int, default=60, help="rounds through mitmdump: many short ones")
    parser.add_argument("--repeats", type=int, default=60, help="calls a round through mitmdump")
    parser.add_argument("--seconds", type=float, default=60, help="how long the soak lasts")
    parser.add_argument("--gib", type=float, default=2, help="how large the bodies are")
    parser.add_argument("--against", metavar="REVISION", help="compare with this commit instead")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: expected one of {', '.join(PARTS)}")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("mitmproxy", "jsonschema"))
    print(f"{' '.join(['scripts/bench', *sys.argv[1:]])}")
    print(f"Python {platform.python_version()}, {versions}, {platform.platform()}, {os.cpu_count()} cores\n")
    if args.against:
        return 0 if bench_against(args.against, 7, 200) else 1
    benches: dict[str, Callable[[], bool]] = {
        "engine": lambda: bench_engine(args.rounds) & bench_synthesis(args.rounds),
        "lane": lambda: bench_lane(max(3, args.rounds - 2), args.gib),
        "run": lambda: bench_run(args.rounds),
        "redaction": lambda: bench_redaction(args.rounds),
        "load": lambda: bench_load(max(3, args.rounds // 3)),
        "proxy": lambda: bench_proxy(args.turns, args.repeats),
        "doors": lambda: bench_doors(args.turns, args.repeats),
        "record": lambda: bench_record(args.turns, args.repeats // 2),
        "soak": lambda: bench_soak(args.seconds),
        "bodies": lambda: bench_bodies(args.gib),
        "replicas": lambda: bench_replicas(max(3, args.rounds - 2)),
    }
    results = [bench() for part, bench in benches.items() if part in (args.parts or PARTS)]
    met = all(results)
    print("\nall limits met" if met else "\nsome limits are not met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
