"""Logs of jobs through real clients: put together from polls and streams when recorded, and shown as they were."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import shared

PYTHON, JAVASCRIPT = CLIENTS / "programs" / "python_sync.py", CLIENTS / "programs" / "client.mjs"
LINES = [f"step {number // 2} of 15" for number in range(30)]
"""Every message twice: what tells lines apart is their time."""
SLIDING = Pace(queued=0.1, running=1.5, logs=tuple(LINES), window=10)
fal, _calm = shared.fal, shared.calm


def messages(logs: list[dict[str, Any]]) -> list[str]:
    return [log["message"] for log in logs]


def times(logs: list[dict[str, Any]]) -> list[datetime]:
    read = [datetime.fromisoformat(log["timestamp"]) for log in logs]
    return [time if time.tzinfo else time.replace(tzinfo=UTC) for time in read]


def gaps(logs: list[dict[str, Any]]) -> list[timedelta]:
    return [later - earlier for earlier, later in itertools.pairwise(times(logs))]


@pytest.mark.parametrize("pace", ["instant", "x3"])
def test_a_log_that_slides(confdir: Path, tmp_path: Path, fal: Upstream, pace: str) -> None:
    fal.pace = replace(SLIDING, bare=True)
    asked = {"app": "test/echo", "arguments": {"prompt": "long"}, "with_logs": True}
    with recording(confdir, fal, tmp_path) as mock, running.app(PYTHON, mock) as app:
        recorded = app("subscribe", **asked)
    shown = [update["logs"] for update in recorded["updates"] if update.get("logs")]
    assert max(map(len, shown)) == 10, "no poll shows the whole log"
    (entry,) = tape.entries(tmp_path)
    assert messages(entry["queue"]["logs"]) == LINES
    with mitmdump(confdir, "--set", f"fal_pace={pace}", fixtures=tmp_path) as mock, running.app(PYTHON, mock) as app:
        replayed = app("subscribe", **asked)
    logs = replayed["updates"][-1]["logs"]
    assert messages(logs) == LINES
    seen = {log["timestamp"]: log for window in shown for log in window}
    assert gaps(logs) == gaps(list(seen.values()))
    assert replayed["result"] == recorded["result"]


def test_a_log_from_streams_and_polls(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.pace = SLIDING
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "mixed"})
        polls = [app.get(f"{url}/status", params={"logs": logs}).json() for logs in (1, 0)]
        with app.stream("GET", f"{url}/status/stream?logs=1") as stream:
            told = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
        polls.append(app.get(f"{url}/status", params={"logs": 1}).json())
        tape.finish(app, url)
    assert messages([log for event in told for log in event["logs"] or ()]) == LINES
    assert len(polls[-1]["logs"]) == 10
    (entry,) = tape.entries(tmp_path)
    assert messages(entry["queue"]["logs"]) == LINES
    with mitmdump(confdir, "--set", "fal_pace=x3", fixtures=tmp_path) as mock, running.app(JAVASCRIPT, mock) as js:
        seen = js("subscribe", app="test/echo", input={"prompt": "mixed"}, mode="streaming", logs=True)
    joined: list[Any] = []
    for update in seen["updates"]:
        joined = update["logs"] if len(update["logs"] or ()) >= len(joined) else joined
    assert messages(joined) == LINES


def test_entries_as_fal_sends_them(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.pace = Pace(running=0.2, logs=("one", "two"), bare=True)
    asked = {"app": "test/echo", "arguments": {"prompt": "bare"}, "with_logs": True}
    with recording(confdir, fal, tmp_path) as mock, running.app(PYTHON, mock) as app:
        recorded = app("subscribe", **asked)["updates"][-1]["logs"]
    with mitmdump(confdir, fixtures=tmp_path) as mock, running.app(PYTHON, mock) as app:
        replayed = app("subscribe", **asked)["updates"][-1]["logs"]
    without_times = [[{**log, "timestamp": ""} for log in logs] for logs in (recorded, replayed)]
    assert without_times == [[{"timestamp": "", "message": text, "labels": {}} for text in ("one", "two")]] * 2
    assert gaps(replayed) == gaps(recorded)
    assert not any(log["timestamp"].endswith(("Z", "+00:00")) for log in replayed)


@pytest.mark.parametrize("bare", [False, True])
def test_the_error_of_a_failed_job_is_there_if_it_was(
    confdir: Path, tmp_path: Path, fal: Upstream, *, bare: bool
) -> None:
    fal.pace = Pace(running=0.2, bare=bare)
    asked = {"app": "test/fail", "arguments": {"steps": 3}}
    with recording(confdir, fal, tmp_path) as mock, running.app(PYTHON, mock) as app:
        recorded = app("subscribe", **asked)
    with mitmdump(confdir, fixtures=tmp_path) as mock, running.app(PYTHON, mock) as app:
        replayed = app("subscribe", **asked)
    assert replayed["updates"][-1] == recorded["updates"][-1]
    assert (replayed["updates"][-1]["error"] is None) is bare
    assert replayed["result"] == recorded["result"]


SLOW = {
    "match": {"model": "fal-ai/slow"},
    "response": {"json": {"done": True}},
    "queue": {"started": 0, "completed": 1},
}


def test_silence_at_every_door(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", SLOW)
    silence = ("-s", str(CLIENTS / "short_silence.py"))
    with mitmdump(confdir, *silence, "--set", "fal_pace=manual", fixtures=folder) as mock, tape.client(mock) as app:
        for by_proxy_door in (False, True):
            body = heard(app, mock.proxy, by_proxy_door=by_proxy_door)
            assert body.count(b": ping\n\n") >= 2
            events = [json.loads(block[6:]) for block in body.split(b"\n\n") if block.startswith(b"data: ")]
            assert [event["status"] for event in events] == ["IN_QUEUE", "COMPLETED"]
            assert {block[:5] for block in body.split(b"\n\n") if block} == {b"data:", b": pin"}


def heard(app: httpx.Client, falmock: str, *, by_proxy_door: bool) -> bytes:
    """The body of a status stream; its job is completed after two comments."""
    job = app.post("https://queue.fal.run/fal-ai/slow", json={}).json()["request_id"]
    url = f"https://queue.fal.run/fal-ai/slow/requests/{job}/status/stream"
    body = b""
    with httpx.Client(trust_env=False, timeout=30) as direct:
        target = {"x-fal-target-url": url}
        stream = (
            direct.stream("GET", f"{falmock}/api/fal/proxy", headers=target)
            if by_proxy_door
            else app.stream("GET", url)
        )
        with stream as answer:
            for piece in answer.iter_raw():
                before, body = body.count(b": ping"), body + piece
                if before < 2 <= body.count(b": ping"):
                    assert direct.post(f"{falmock}/__falmock/jobs/{job}/complete").status_code == 200
    return body


def test_clients_read_past_the_comments(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", SLOW)
    silence = ("-s", str(CLIENTS / "short_silence.py"))
    with (
        mitmdump(confdir, *silence, "--set", "fal_pace=recorded", fixtures=folder) as mock,
        running.app(JAVASCRIPT, mock) as js,
    ):
        seen = js("subscribe", app="fal-ai/slow", input={}, mode="streaming", logs=True)
    assert seen["result"]["data"] == {"done": True}
