"""A falmock that ends: what it answered last is in the store."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from clients import running
from clients.replicas import group
from clients.running import Mitmdump
from clients.running import write_fixtures

FILM = {"match": {"model": "acme/film"}, "response": {"json": {"film": 1}}}
CALLS = 7


def calls(mock: Mitmdump) -> list[str]:
    """The prompts of all calls, by the journal."""
    answer = httpx.get(f"{mock.proxy}/__falmock/journal", timeout=20, trust_env=False).json()
    return [entry["input"]["prompt"] for entry in answer["entries"]]


@pytest.mark.parametrize("kind", ["mitmdump", "flows", "serve"])
def test_the_last_calls_are_in_the_journal(confdir: Path, tmp_path: Path, kind: str) -> None:
    fixtures, url = write_fixtures(tmp_path, FILM), group.store_url()
    with group.STARTING["serve"](confdir, url, (), fixtures, None) as stays:
        with group.STARTING[kind](confdir, url, (), fixtures, None) as ends:
            headers = {"x-fal-target-host": "fal.run", "Authorization": f"Key {running.KEY}"}
            with httpx.Client(base_url=ends.proxy, headers=headers, timeout=20, trust_env=False) as client:
                for number in range(CALLS):
                    assert client.post("/fal/acme/film", json={"prompt": str(number)}).status_code == 200
        assert calls(stays) == [str(number) for number in range(CALLS)]
