"""Falmocks on one store whose fixtures differ: one that lacks a job's fixture says so, and never gives another answer."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.replicas import group
from clients.replicas.work import detail
from clients.running import Mitmdump
from clients.running import write_fixtures

BOTH = {"match": {"model": "acme/both"}, "response": {"json": {"from": "both"}}}
ONE = {"match": {"model": "acme/film"}, "response": {"json": {"from": "one"}}}
OTHER = {"match": {"model": "acme/film"}, "response": {"json": {"from": "the other"}}}


def call(mock: Mitmdump, method: str, path: str) -> httpx.Response:
    headers = {"x-fal-target-host": "queue.fal.run", "Authorization": f"Key {running.KEY}"}
    return httpx.request(
        method, f"{mock.proxy}/fal{path}", headers=headers, json={} if method == "POST" else None, trust_env=False
    )


@pytest.mark.parametrize("kind", ["mitmdump", "serve"])
@pytest.mark.parametrize("others", [(BOTH,), (BOTH, OTHER)], ids=["lacks it", "has another"])
def test_another_falmock_does_not_have_the_fixture_of_a_job(
    confdir: Path, tmp_path: Path, kind: str, others: tuple[object, ...]
) -> None:
    url = group.store_url()
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(
                group.STARTING[kind](confdir, url, (), write_fixtures(tmp_path / name, *fixtures), None)
            )
            for name, fixtures in (("one", (BOTH, ONE)), ("other", others))
        )
        job = f"/acme/film/requests/{call(one, 'POST', '/acme/film').json()['request_id']}"
        assert call(one, "GET", f"{job}/status").json()["status"] == "COMPLETED"
        refused = call(other, "GET", job)
        assert refused.status_code == 503, refused.text
        assert "fixture" in detail(refused)
        assert call(one, "GET", job).json() == {"from": "one"}
        shared = f"/acme/both/requests/{call(one, 'POST', '/acme/both').json()['request_id']}"
        assert call(other, "GET", shared).json() == {"from": "both"}
        assert "Traceback" not in one.output + other.output
        other.wait_for("fixtures")
