"""How files are shown."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from falmock.engine.config import Misses
from falmock.fixtures.model import Asset
from falmock.gateway.control import asset_view
from falmock.redaction.redactor import HIDDEN
from falmock.wire.message import Content
from falmock.wire.storage import content_url
from falmock.wire.storage import digest
from unit.gateway.steering import Steered

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SECRET = "q8Zk2vX9mPr4Lw7Tn3Bd"


def add(steered: Steered, name: str, data: bytes, status: int = 201) -> Any:
    return steered.ask("POST", "/assets", {"name": name, "data": base64.b64encode(data).decode()}, status)


def drawing(name: str = "cat.png", content: bytes = PNG, model: str = "t/e") -> dict[str, Any]:
    """A fixture with its file."""
    answer = {"json": {"images": [{"url": {"$file": name}}]}}
    return {"match": {"model": model}, "response": answer, "assets": {name: base64.b64encode(content).decode()}}


def listed(steered: Steered, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = steered.ask("GET", "/assets", **query)["assets"]
    return found


def test_an_upload() -> None:
    steered = Steered()
    headers = {"content-type": "image/webp", "x-fal-file-name": "my cat.webp"}
    steered.call("POST", "https://v3b.fal.media/files/upload", PNG, **headers)
    assert listed(steered) == [
        {
            "sha256": digest(PNG),
            "type": "image/png",
            "declared": "image/webp",
            "size": len(PNG),
            "name": "my cat.webp",
            "origin": "upload",
            "urls": [content_url(digest(PNG), "my cat.webp")],
            "width": 640,
            "height": 480,
            "duration": None,
            "used_by": [],
            "shows": True,
        }
    ]
    assert listed(steered, scope="another") == listed(steered)


def test_a_file_of_a_fixture() -> None:
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(), 201)
    steered.ask("POST", "/fixtures", drawing(model="t/other"), 201)
    (shown,) = listed(steered)
    assert (shown["origin"], shown["name"], shown["urls"]) == (
        "fixture",
        "cat.png",
        [content_url(digest(PNG), "cat.png")],
    )
    assert sorted(shown["used_by"]) == ["added/1#0", "added/2#0"]
    assert listed(steered, scope="another") == []


def test_a_file_that_was_uploaded_and_is_one_of_a_fixture() -> None:
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(), 201)
    shown = add(steered, "dog.png", PNG)
    assert [shown] == listed(steered)
    assert (shown["origin"], shown["used_by"]) == ("upload", ["added/1#0"])
    assert shown["urls"] == [content_url(digest(PNG), "dog.png"), content_url(digest(PNG), "cat.png")]


def test_files_of_made_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    made = steered.run("fal-ai/flux/dev", {"prompt": "a cat"})["images"][0]
    (shown,) = listed(steered)
    assert (shown["origin"], shown["urls"], shown["used_by"]) == ("made", [made["url"]], [])
    assert (shown["width"], shown["height"], shown["shows"]) == (made["width"], made["height"], True)
    monkeypatch.setattr(asset_view, "NEWEST", 0)
    steered.run("fal-ai/flux/dev", {"prompt": "a dog"})
    assert listed(steered) == [shown]


def test_a_file_on_disk_is_read_for_its_head_alone() -> None:
    steered = Steered()
    steered.disk.files["/t/1"] = PNG + bytes(10**6)
    content = Content(digest(b"1"), 10**6 + len(PNG), file="/t/1")
    gone = Content(digest(b"2"), 5, file="/t/gone")
    for each in (content, gone):
        steered.engines.common.scope.assets.put(each, "x.png", "image/png")
    shown = {each["sha256"]: (each["type"], each["width"], each["size"]) for each in listed(steered)}
    assert shown[content.sha256] == ("image/png", 640, content.size)
    assert shown[gone.sha256] == ("application/octet-stream", None, 5)


@pytest.mark.parametrize(
    ("data", "kind", "shows"),
    [
        (PNG, "image/png", True),
        (b"ID3" + bytes(20), "audio/mpeg", True),
        (b"\0\0\0\x18ftypisom", "video/mp4", True),
        (SVG, "application/octet-stream", False),
        (b"<!doctype html><script>", "application/octet-stream", False),
        (b"%PDF-1.7", "application/pdf", False),
        (b"", "application/octet-stream", False),
    ],
)
def test_types_are_those_of_the_content(data: bytes, kind: str, shows: bool) -> None:  # noqa: FBT001
    shown = add(Steered(), "cat.png", data)
    assert (shown["type"], shown["declared"], shown["shows"]) == (kind, "image/png", shows)


def test_duration_and_size_of_a_film() -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    steered.run("fal-ai/veo3", {"prompt": "a cat", "duration": "4s"})
    (shown,) = listed(steered)
    assert shown["type"] == "video/mp4"
    assert shown["duration"] > 1
    assert shown["width"] > shown["height"] > 0


def test_lists_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset_view, "MOST", 2)
    steered = Steered()
    for place in range(4):
        steered.ask("POST", "/fixtures", drawing(model=f"t/{place}"), 201)
        shown = add(steered, f"{place}.png", PNG)
    assert (len(shown["urls"]), len(shown["used_by"])) == (2, 2)


def test_pages() -> None:
    steered = Steered()
    for place in range(5):
        add(steered, f"{place}.txt", b"%d" % place)
    page = steered.ask("GET", "/assets", limit=2, offset=1)
    assert ([asset["name"] for asset in page["assets"]], page["total"]) == (["3.txt", "2.txt"], 5)


def test_no_secret_shows() -> None:
    steered = Steered()
    steered.engines.common.redactor.learn_value(SECRET)
    signed = f"https://v3b.fal.media/files/b/1/cat.png?X-Amz-Signature={SECRET}"
    shown = add(steered, f"{SECRET}.txt", b"text")
    headers = {"content-type": f"text/plain; token={SECRET}", "x-fal-file-name": f"a {SECRET}"}
    steered.call("POST", f"https://v3b.fal.media/files/upload?signature={SECRET}", b"other", **headers)
    started = {"file_name": f"{SECRET}.png", "content_type": "image/png", "url": signed}
    steered.call("POST", "https://rest.fal.ai/storage/upload/initiate", started)
    told = json.dumps([shown, listed(steered)])
    assert SECRET not in told
    assert HIDDEN in told
    assert digest(b"text") in told
    reply = steered.reply("GET", f"/assets/{digest(b'text')}")
    assert SECRET.encode() not in b"".join(value for _, value in reply.headers)


def test_names_that_urls_cannot_have() -> None:
    steered = Steered()
    steered.engines.common.scope.assets.added_assets.add_assets([Asset(digest(b"a"), "a", "text/plain", 1, b"a")])
    shown = add(steered, "é%?#.txt", b"text")
    assert shown["urls"] == [content_url(digest(b"text"), "é%?#.txt")]
    reply = steered.call("GET", shown["urls"][0])
    assert getattr(reply, "body", None) == b"text"
