"""How a worker of pytest-xdist finds the falmock of its session. See clients/test_pytest_plugin.py for the rest."""

from __future__ import annotations

import json

import pytest
from pytest_falmock.server import Ready
from pytest_falmock.session import HANDED
from pytest_falmock.session import handed_on

READY = Ready("http://127.0.0.1:1", {"A": "b"}, ["A"])


@pytest.mark.parametrize(("parent", "expected"), [(7, READY), (8, None)])
def test_it_is_of_the_process_that_started_this_one(parent: int, expected: Ready | None) -> None:
    environ = {HANDED: json.dumps({"pid": 7, "ready": READY.to_json()})}
    assert handed_on(environ, parent) == expected


def test_there_is_none() -> None:
    assert handed_on({}, 7) is None
