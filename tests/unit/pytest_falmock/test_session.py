"""How a worker of pytest-xdist finds the falmock of its session. See clients/test_pytest_plugin.py for the rest."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from pytest_falmock.server import Ready
from pytest_falmock.session import Handed
from pytest_falmock.session import read_handed

READY = Ready("http://127.0.0.1:1", {"A": "b"}, ["A"])
BEFORE = {"A": None, "B": "c"}
TEXT = json.dumps({"pid": 7, "ready": asdict(READY), "before": BEFORE})


@pytest.mark.parametrize(
    ("text", "parent", "is_ours"), [(TEXT, 7, True), (TEXT, 8, False), (TEXT, None, True), ("", 7, False)]
)
def test_it_is_of_the_process_that_started_this_one(text: str, parent: int | None, *, is_ours: bool) -> None:
    assert read_handed(text, parent) == (Handed(READY, BEFORE) if is_ours else None)
