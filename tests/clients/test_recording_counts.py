"""Nothing that an app does while recording is dropped in silence: it replays, or the log and the last counts name it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped, unused-ignore]
import httpx
import pytest

from clients import tape
from clients.running import mitmdump
from clients.upstream import recording
from clients.upstream import upstream
from clients.upstream.messages import Answer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
ELSEWHERE = "https://storage.googleapis.com/me/out.png?sig=1"
MOVED = "https://v3b.fal.media/files/b/abc/kVYyA5s8Xo0qTzNw3pLr_moved.png"
TARGET = "https://bucket.r2.cloudflarestorage.com/x/moved.png?sig=2"
LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}


def answer(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "application/json"), *headers), json.dumps(value).encode())


PLAYED = {
    "POST fal.run/me/links": answer(200, {"images": [{"url": ELSEWHERE}, {"url": MOVED}]}),
    "GET storage.googleapis.com/me/out.png": Answer(200, (("Content-Type", "image/png"),), PNG),
    "GET storage.googleapis.com/me/other.png": Answer(200, (("Content-Type", "image/png"),), b"other"),
    "GET v3b.fal.media/files/b/abc/*": Answer(302, (("Location", TARGET),), b""),
    "GET bucket.r2.cloudflarestorage.com/*": Answer(200, (("Content-Type", "image/png"),), PNG[::-1]),
    "PUT fal.run/me/app/items/1": answer(200, {"saved": 1}),
    "DELETE fal.run/me/app/items/1": answer(404, {"detail": "no such item"}),
    "GET api.fal.ai/v1/models": answer(404, {"error": {"type": "not_found", "message": "Model not found"}}),
    "GET api.fal.ai/v1/keys": answer(200, {"keys": []}),
    "POST fal.run/me/poor": answer(402, {"detail": "Payment required"}),
    "POST fal.run/me/locked": answer(403, LOCKED),
    "POST rest.fal.ai/storage/upload/initiate": answer(400, {"detail": "too big"}),
}


def calls(app: httpx.Client) -> dict[str, Any]:
    """What an app sees of the calls that are recorded; the addresses of files apart."""
    zipped = {"content-type": "application/json", "content-encoding": "x-gzip, br"}
    body = brotli.compress(gzip.compress(json.dumps({"prompt": "一只猫", "n": 1}).encode()))
    seen: dict[str, Any] = {
        "put": app.put("https://fal.run/me/app/items/1", json={"name": "x"}),
        "delete": app.delete("https://fal.run/me/app/items/1"),
        "models": app.get("https://api.fal.ai/v1/models?endpoint_id=a/b"),
        "zipped": app.post("https://fal.run/test/echo", content=body, headers=zipped),
    }
    images = app.post("https://fal.run/me/links", json={}).json()["images"]
    files = [app.get(image["url"], follow_redirects=True).content for image in images]
    return {name: (got.status_code, got.json()) for name, got in seen.items()} | {"files": files}


def test_what_an_app_did_replays_or_is_named(confdir: Path, tmp_path: Path) -> None:
    with upstream() as fal:
        for where, what in PLAYED.items():
            fal.trouble(where, what)
        with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
            recorded = calls(app)
            assert app.post("https://fal.run/me/poor", json={}).status_code == 402
            assert app.post("https://fal.run/me/locked", json={}).status_code == 403
            app.get("https://api.fal.ai/v1/keys")
            app.post("https://rest.fal.ai/storage/upload/initiate", json={"file_name": "x"})
            app.get("https://storage.googleapis.com/me/other.png")
    assert recorded["files"] == [PNG, PNG[::-1]]
    for line in (
        "the run of me/poor is not recorded: it was answered 402 (payment required)",
        "the run of me/locked is not recorded: it was answered 403 (the account is locked or has no credit)",
        "GET https://api.fal.ai/v1/keys is not recorded: it may hold credentials",
        "POST https://rest.fal.ai/storage/upload/initiate is not recorded: it was answered 400",
    ):
        assert line in mock.output
    assert not any("falmock:" in line and "other.png" in line for line in mock.output.splitlines())
    told = re.search(
        r"(\d+) calls to fal: (\d+) recorded in (\d+) fixtures, (\d+) that .*?, (\d+) not recorded", mock.output
    )
    assert told is not None
    seen, kept, fixtures, own, lost = map(int, told.groups())
    # Besides the five runs and plain calls, the two files are recorded; the redirect needs no fixture.
    assert (seen, kept, fixtures, own, lost) == (12, 7, 5, 1, 4)
    assert seen == kept + own + lost
    assert [path.name.rpartition("-")[0] for path in (tmp_path / "test/echo").glob("*.json")] == ["一只猫"]
    assert b"other" not in b"".join(tape.tree(tmp_path).values())
    tape.whole(tmp_path)
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        assert calls(app) == recorded


@pytest.mark.parametrize("wanted", [False, True])
def test_trouble_of_the_account_is_recorded_if_that_is_asked_for(
    confdir: Path, tmp_path: Path, *, wanted: bool
) -> None:
    options = ("--set", "fal_record_errors=all") if wanted else ()
    with upstream() as fal:
        fal.trouble("POST fal.run/me/locked", answer(403, LOCKED))
        fal.trouble("POST queue.fal.run/me/poor", answer(402, {"detail": "Payment required"}))
        with recording(confdir, fal, tmp_path, *options) as mock, tape.client(mock) as app:
            app.post("https://fal.run/me/locked", json={})
            app.post("https://queue.fal.run/me/poor", json={})
    found = [entry["response"] for entry in tape.entries(tmp_path)]
    expected = [{"status": 403, "json": LOCKED}, {"status": 402, "json": {"detail": "Payment required"}}]
    assert sorted(found, key=str) == (sorted(expected, key=str) if wanted else [])
    assert ("2 not recorded" in mock.output) is not wanted
