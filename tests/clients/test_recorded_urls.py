"""The URLs that files had when they were recorded, on fal's hosts and on others, in replay without any network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import tape
from clients.running import mitmdump
from clients.upstream import Answer
from clients.upstream import Upstream
from clients.upstream import recording

OWN = "https://v2.fal.media/files/lion/8a_own.png"
MOVED = "https://v3.fal.media/files/b/0a1b2c3d/moved.png"
ELSEWHERE = "https://storage.googleapis.com/others/abc/out.png"
TARGET = "https://others.r2.cloudflarestorage.com/somewhere/else"
BARE = "https://storage.googleapis.com/others/abc/bare"
APPS = "https://storage.googleapis.com/others/apps/own.png"
CONTENT = {OWN: b"own", MOVED: b"moved", ELSEWHERE: b"elsewhere", BARE: b"bare"}
JSON = (("Content-Type", "application/json"),)


def serve(fal: Upstream) -> None:
    """Have a model name files on several hosts, and the hosts serve them."""
    for url, content in CONTENT.items():
        fal.files.put(TARGET if url == MOVED else url, content, "image/png")
    fal.trouble("GET v3.fal.media/files/b/0a1b2c3d/moved.png", Answer(302, (("Location", f"{TARGET}?sig=1"),)))
    made = {
        "images": [{"url": url, "content_type": "image/png"} for url in (OWN, MOVED, f"{ELSEWHERE}?X-Goog-Expires=1")],
        "bare": BARE,
        "given": APPS,
    }
    fal.trouble("POST fal.run/test/make", Answer(200, JSON, json.dumps(made).encode()))
    fal.trouble("POST fal.run/test/use", Answer(200, JSON, b'{"used": true}'))


def make(app: httpx.Client) -> dict[str, Any]:
    answer = app.post("https://fal.run/test/make", json={"image_url": APPS})
    assert answer.status_code == 200, answer.text
    return answer.json()


def urls(made: dict[str, Any]) -> list[str]:
    return [image["url"] for image in made["images"]] + [made["bare"]]


def use(app: httpx.Client, url: str) -> int:
    return app.post("https://fal.run/test/use", json={"image_url": url}).status_code


@pytest.mark.parametrize("downloads", [True, False], ids=["downloaded by the app", "fetched at the end"])
def test_files_of_any_host_are_kept_and_their_urls_work(
    confdir: Path, tmp_path: Path, fal: Upstream, *, downloads: bool
) -> None:
    folder = tmp_path / "fixtures"
    serve(fal)
    with recording(confdir, fal, folder) as mock, tape.client(mock, follow_redirects=True) as app:
        made = make(app)
        for url in urls(made) if downloads else ():
            assert app.get(url).content == CONTENT[url.partition("?")[0]]
        for url in urls(made):
            assert use(app, url) == 200
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        again = make(app)
        # What nothing says is a file is one if the app downloaded it; what the app gave stays as it gave it.
        known = urls(again) if downloads else urls(again)[:-1]
        assert (again["bare"] == BARE, again["given"]) == (not downloads, APPS)
        for new, old in zip(known, CONTENT, strict=False):
            assert new != old
            assert app.get(new).content == CONTENT[old]
            assert (use(app, new), use(app, old)) == (200, 200)
        for old in (OWN, MOVED):
            assert app.get(f"{old}?signature=x").content == CONTENT[old]
        assert "server connect" not in mock.output


def test_a_second_recording_changes_nothing_but_what_is_about_the_recording(
    confdir: Path, tmp_path: Path, fal: Upstream
) -> None:
    folder = tmp_path / "fixtures"

    def record() -> tuple[dict[str, Any], dict[str, Any]]:
        with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
            app.post("https://fal.run/test/image", json={"prompt": "a cat"})
            app.post("https://fal.run/test/image", json={"prompt": "a cat"})
        (path,) = folder.rglob("a-cat-*.json")
        (entry,) = json.loads(path.read_text())["fixtures"]
        return entry.pop("recorded")["urls"], entry

    first, second = record(), record()
    assert first[1] == second[1]
    # Of both calls, as their answers are the same.
    assert len(first[0]) == len(second[0]) == 2
    assert set(first[0].values()) == set(second[0].values())
    assert first[0].keys().isdisjoint(second[0])
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        for url in second[0]:
            assert app.get(url).content == fal.files.by_url[url].content


def test_hosts_of_fals_that_nothing_is_known_of_are_reported(confdir: Path, tmp_path: Path) -> None:
    rule = {"match": {"host": "api.fal.io", "path": "/x"}, "response": {"json": 1}}
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "odd.json").write_text(json.dumps({"fixtures": [rule]}))
    with mitmdump(confdir, fixtures=tmp_path / "fixtures") as mock, tape.client(mock) as app:
        assert app.get("https://new.fal.ai/x").status_code == 501
        assert app.get("https://new.fal.ai/x").status_code == 501
        assert app.get("https://v77b.fal.media/x").status_code == 404
    assert "odd.json: $.fixtures[0].match.host: no call to api.fal.io reaches falmock" in mock.output
    assert mock.output.count("new.fal.ai is below a domain of fal's") == 1
    assert "falmock: calls to hosts of fal's that falmock does not know: new.fal.ai (2)" in mock.output
    assert "v77b.fal.media is below" not in mock.output
