"""Captured flows become fixtures, in any mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.engine.config import Config
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy.record.save_command import SaveCommand
from falmock.proxy.record.session import join
from unit.apps import app_of

ID = "019d9528-94b5-77d0-8628-df8aac40a5dc"
JOB = f"https://queue.fal.run/fal-ai/flux/requests/{ID}"


def flow(method: str, url: str, sent: Any, status: int, answer: Any, began: float) -> http.HTTPFlow:
    body = b"" if sent is None else json.dumps(sent).encode()
    made = tflow.tflow(req=tutils.treq(), resp=True)
    headers = {"content-type": "application/json", "authorization": "Key kid:ksecret"}
    made.request = http.Request.make(
        method, url, body, http.Headers([(k.encode(), v.encode()) for k, v in headers.items()])
    )
    made.response = http.Response.make(status, json.dumps(answer), {"content-type": "application/json"})
    made.request.timestamp_start = made.request.timestamp_end = began
    made.response.timestamp_start = made.response.timestamp_end = began + 0.1
    made.live = False
    return made


def saving(root: Path) -> SaveCommand:
    known = FixtureLoader([str(root)]).load().index.fixtures if root.exists() else ()
    return SaveCommand(app_of().recorder(Config(), join), str(root), known)


def job(answer: Any = None) -> list[http.HTTPFlow]:
    """The flows of one job, in the order in which they began."""
    status = {"status": "COMPLETED", "request_id": ID, "logs": None, "metrics": {"inference_time": 1.5}}
    return [
        flow("POST", "https://queue.fal.run/fal-ai/flux/dev", {"prompt": "a cat"}, 200, {"request_id": ID}, 1.0),
        flow("GET", f"{JOB}/status", None, 200, status, 2.0),
        flow("GET", JOB, None, 200, answer or {"seed": 7}, 3.0),
    ]


def entries(root: Path) -> list[Any]:
    return [entry for path in sorted(root.rglob("*.json")) for entry in json.loads(path.read_text())["fixtures"]]


def test_a_job_is_one_fixture_in_whatever_order_it_was_selected(tmp_path: Path) -> None:
    told = saving(tmp_path / "f").save(job()[::-1])
    assert told == f"1 recorded from 3 flows in {tmp_path / 'f'}"
    (entry,) = entries(tmp_path / "f")
    assert entry["match"] == {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}, "exact": True}
    assert entry["response"] == {"json": {"seed": 7}}
    assert entry["queue"]["inferenceTime"] == 1.5
    assert "ksecret" not in json.dumps(entry)


def test_saving_again_rewrites(tmp_path: Path) -> None:
    saving(tmp_path).save(job())
    saving(tmp_path).save(job({"seed": 8}))
    assert [entry["response"] for entry in entries(tmp_path)] == [{"json": {"seed": 8}}]


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    elsewhere = flow("GET", "https://example.com/", None, 200, {}, 0.5)
    refused = flow("POST", "https://fal.run/fal-ai/flux/dev", {"prompt": "x"}, 401, {"detail": "no"}, 0.7)
    told = saving(tmp_path).save([elsewhere, refused, *job()[:2]])
    assert told.startswith(f"0 recorded from 4 flows in {tmp_path}; 1 to other hosts passed over; ")
    assert "is not recorded: it was answered 401 (not authorized)" in told
    assert f"job {ID} of fal-ai/flux/dev is not recorded: its result was never fetched" in told
    assert entries(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="recordings cannot be written to"):
        saving(tmp_path / "file" / "below").save(job())
