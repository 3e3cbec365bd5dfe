"""Measures loading fixture files, relative to reading and json.loads alone."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from bench_figures import report
from bench_samples import MANY
from bench_samples import write_fixtures

from falmock.fixtures.disk.loader import FixtureLoader


def bench_load(rounds: int) -> bool:
    print(f"loading {MANY} fixture files (wall time, warm file cache)")
    with tempfile.TemporaryDirectory() as name:
        folder = str(write_fixtures(Path(name), MANY))
        ratios = []
        for _ in range(rounds):
            started = time.perf_counter()
            read_and_parse(folder)
            between = time.perf_counter()
            loaded = FixtureLoader([folder]).load()
            ratios.append((time.perf_counter() - between) / (between - started))
            assert len(loaded.index.fixtures) == MANY
            del loaded
    return report("load", ratios, 3.0, "read + json.loads")


def read_and_parse(folder: str) -> list[object]:
    """Read and parse only; the documents are kept, as in any loader."""
    documents = []
    for home, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(home, name), "rb") as opened:  # noqa: PTH118, PTH123
                documents.append(json.loads(opened.read()))
    return documents
