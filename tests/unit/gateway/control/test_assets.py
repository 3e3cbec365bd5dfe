"""Files that come with added fixtures."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import additions
from falmock.engine import scoped_engines
from falmock.engine.effects import Reply
from falmock.gateway.control import assets as control_assets
from falmock.wire.storage import digest
from unit.gateway.steering import Steered

PNG = b"\x89PNG\r\n\x1a\n and more"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def drawing(file: Any = "cat.png", content: bytes = PNG, model: str = "t/e") -> dict[str, Any]:
    """A fixture with its file."""
    answer = {"json": {"images": [{"url": {"$file": file}}]}}
    return {"match": {"model": model}, "response": answer, "assets": {"cat.png": encoded(content)}}


def url(steered: Steered, model: str = "t/e", scope: str = "") -> str:
    return str(steered.run(model, scope=scope)["images"][0]["url"])


def got(steered: Steered, url: str, scope: str = "") -> tuple[int, Any]:
    reply = steered.call("GET", url, scope=scope)
    assert isinstance(reply, Reply)
    return reply.status, reply.body


@pytest.mark.parametrize("file", ["cat.png", f"sha256:{digest(PNG)}"])
def test_a_test_brings_its_own_file(file: str) -> None:
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(file), 201)
    reply = steered.call("GET", url(steered))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, PNG)
    assert (b"Content-Type", b"image/png") in reply.headers


def test_it_goes_with_its_scope() -> None:
    """Until then its URL, which contains the digest, also works without the scope, as for a browser that shows the image."""
    steered = Steered()
    for scope, content in (("one", b"1"), ("two", b"2")):
        steered.ask("POST", "/fixtures", drawing(content=content), 201, scope=scope)
    first, second = url(steered, scope="one"), url(steered, scope="two")
    for scope in ("one", "two", "", "three"):
        assert (got(steered, first, scope), got(steered, second, scope)) == ((200, b"1"), (200, b"2"))
    steered.ask("DELETE", "/scopes/one")
    assert [got(steered, first, scope)[0] for scope in ("one", "two", "")] == [404] * 3
    assert got(steered, second, "") == (200, b"2")
    steered.ask("POST", "/reset", scope="two")
    assert got(steered, second, "two")[0] == 404


def test_it_goes_with_a_scope_that_nobody_used_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoped_engines, "LIMIT", 1)
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(), 201, scope="one")
    at = url(steered, scope="one")
    assert got(steered, at)[0] == 200
    steered.run("t/e", scope="two")
    assert got(steered, at)[0] == 404


def test_it_goes_with_the_batch_it_came_with() -> None:
    steered = Steered()
    added = steered.ask("POST", "/fixtures", drawing(), 201)["added"]
    at = url(steered)
    steered.ask("DELETE", f"/fixtures/{added}")
    assert got(steered, at)[0] == 404


def test_later_fixtures_may_name_it() -> None:
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(), 201)
    later = drawing(model="t/other")
    del later["assets"]
    steered.ask("POST", "/fixtures", later, 201)
    assert url(steered, "t/other") == url(steered)


def test_in_a_document_of_several_and_in_every_place() -> None:
    steered = Steered()
    data_uri = {"$file": "cat.png", "as": "data-uri", "type": "image/webp"}
    fixtures = [
        {"match": {"model": "t/file"}, "response": {"file": "cat.png"}},
        {"match": {"model": "t/inline"}, "response": {"json": {"image": data_uri}}},
        {"match": {"model": "t/in", "input": {"image_url": {"$file": "cat.png"}}}, "response": {"json": "matched"}},
    ]
    steered.ask("POST", "/fixtures", {"fixtures": fixtures, "assets": {"cat.png": encoded(PNG)}}, 201)
    raw = steered.call("POST", "https://fal.run/t/file", {})
    assert isinstance(raw, Reply)
    assert raw.body == PNG
    inline = f"data:image/webp;base64,{encoded(PNG)}"
    assert steered.run("t/inline") == {"image": inline}
    assert steered.run("t/in", {"image_url": inline}) == "matched"
    assert steered.run("t/in", {"image_url": "data:image/png;base64,AAAA"}) is None


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("x.mp4", PNG, "video/mp4"),  # the name goes first, as on disk
        ("x", PNG, "image/png"),
        ("x.unknown", b"?", "application/octet-stream"),
    ],
)
def test_its_type(name: str, content: bytes, kind: str) -> None:
    (asset,) = control_assets.read({name: encoded(content)})[0].values()
    assert (asset.content_type, asset.size) == (kind, len(content))


@pytest.mark.parametrize(
    ("assets", "path", "said"),
    [
        ({"../cat.png": "AAAA"}, "$.assets", "is not a file name"),
        ({"a/b.png": "AAAA"}, "$.assets", "is not a file name"),
        ({"cat.png": "data:image/png;base64,AAAA"}, "$.assets['cat.png']", "expected base64"),
        ({"cat.png": "AAA"}, "$.assets['cat.png']", "expected base64"),
        ({"cat.png": "é"}, "$.assets['cat.png']", "expected base64"),
        ({"cat.png": 5}, "$.assets['cat.png']", "expected string"),
        (["cat.png"], "$.assets", "expected object"),
        ({"dog.png": "AAAA"}, "$.fixtures[0].response.json.images[0].url", "'cat.png'"),
    ],
)
def test_what_is_no_file_is_told_and_nothing_added(assets: Any, path: str, said: str) -> None:
    steered = Steered()
    told = steered.ask("POST", "/fixtures", {**drawing(), "assets": assets}, 400)
    assert said in json.dumps(told, ensure_ascii=False)
    assert path in [problem["path"] for problem in told["problems"]]
    assert steered.ask("GET", "/fixtures")["total"] == 0


def test_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additions, "MOST_BYTES", 10)
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(content=b"123456"), 201)
    assert "10 bytes of files" in steered.ask("POST", "/fixtures", drawing(content=b"abcdef"), 409)["message"]
    steered.ask("POST", "/fixtures", drawing(content=b"abcdef"), 201, scope="another")


_JSON = st.none() | st.integers() | st.text(max_size=12) | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=3))
def test_whatever_comes(given: dict[str, Any]) -> None:
    assets, problems = control_assets.read(given)
    assert len(assets) + len(problems) == len(given)


@pytest.mark.parametrize("given", [None, 5, "cat.png", ["cat.png"]])
def test_what_is_no_object(given: Any) -> None:
    assets, (problem,) = control_assets.read(given)
    assert (assets, problem.path) == ({}, "$.assets")
