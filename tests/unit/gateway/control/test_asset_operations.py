"""Files in the control API: their content, new ones, and tickets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.files.registry import Assets
from falmock.engine.tickets import SECONDS
from falmock.engine.tickets import Tickets
from falmock.wire.message import Content
from falmock.wire.storage import digest
from unit.gateway.control.test_asset_view import PNG
from unit.gateway.control.test_asset_view import SECRET
from unit.gateway.control.test_asset_view import SVG
from unit.gateway.control.test_asset_view import add
from unit.gateway.control.test_asset_view import drawing
from unit.gateway.control.test_asset_view import listed
from unit.gateway.steering import Steered

TOKEN = "a-token-of-16-ch"
FROM_ELSEWHERE = ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"})


def read(steered: Steered, data: bytes = PNG, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return steered.reply("GET", f"/assets/{digest(data)}", headers=named)


def headers_of(reply: Reply) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in reply.headers}


def guarded() -> Steered:
    """One that asks for the token, and has a file."""
    steered = Steered(control_token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    body = b'{"name": "cat.png", "data": "%s"}' % base64.b64encode(PNG)
    assert steered.reply("POST", "/assets", body, headers=bearer).status == 201
    return steered


# content


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("cat.svg", SVG, "application/octet-stream"),
        ("cat.png", SVG, "application/octet-stream"),
        ("page.html", b"<!doctype html><script>alert(1)</script>", "application/octet-stream"),
        (
            "page.xhtml",
            b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
            "application/octet-stream",
        ),
        ("data.json", b'{"fal_key": "x"}', "application/octet-stream"),
        ("doc.pdf", b"%PDF-1.7", "application/pdf"),
        ("cat.html", PNG, "image/png"),
        ("cat.svg", b"GIF89a<svg><script>alert(1)</script></svg>", "image/gif"),
    ],
)
def test_nothing_runs_on_the_origin_of_the_control_api(name: str, data: bytes, kind: str) -> None:
    steered = Steered()
    add(steered, name, data)
    reply = read(steered, data)
    headers = headers_of(reply)
    assert (reply.status, reply.body, headers["content-type"]) == (200, data, kind)
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert not any(name.startswith("access-control") for name in headers)
    assert headers.get("content-disposition", "").startswith("attachment") is not kind.startswith("image/")


def test_the_name_of_an_attachment() -> None:
    steered = Steered()
    add(steered, 'é "; x=y.txt', b"text")
    told = headers_of(read(steered, b"text"))["content-disposition"]
    assert told == "attachment; filename*=UTF-8''%C3%A9%20%22%3B%20x%3Dy.txt"


@given(st.binary(max_size=40), st.text("0123456789", max_size=3), st.text("0123456789", max_size=3))
def test_ranges(rest: bytes, start: str, stop: str) -> None:
    steered, data = Steered(), PNG + rest
    add(steered, "cat.png", data)
    reply = read(steered, data, range=f"bytes={start}-{stop}")
    first = max(len(data) - int(stop), 0) if not start and stop else int(start or 0)
    last = len(data) - 1 if not start or not stop else min(int(stop), len(data) - 1)
    headers = headers_of(reply)
    assert headers["content-security-policy"]
    if not (start or stop) or (start and stop and int(stop) < int(start)):
        assert (reply.status, reply.body) == (200, data)
    elif first >= len(data):
        assert (reply.status, reply.body, headers["content-range"]) == (416, b"", f"bytes */{len(data)}")
    else:
        assert (reply.status, reply.body) == (206, data[first : last + 1])
        assert headers["content-range"] == f"bytes {first}-{last}/{len(data)}"


def test_head() -> None:
    steered = Steered()
    add(steered, "cat.png", PNG)
    path = f"/assets/{digest(PNG)}"
    reply, whole = steered.reply("HEAD", path), steered.reply("GET", path)
    assert (reply.status, reply.body, reply.length, reply.headers) == (200, b"", len(PNG), whole.headers)
    refused = steered.reply("HEAD", "/assets")
    assert (refused.status, headers_of(refused)["allow"]) == (405, "GET, POST")
    assert headers_of(steered.reply("PUT", path))["allow"] == "GET, HEAD"


def test_one_that_the_page_has() -> None:
    steered = Steered()
    add(steered, "cat.png", PNG)
    tag = headers_of(read(steered))["etag"]
    reply = read(steered, if_none_match=tag)
    assert (reply.status, reply.body) == (304, b"")
    assert read(steered, range="bytes=0-1", if_range='"other"').status == 200


def test_one_on_disk() -> None:
    steered = Steered()
    steered.disk.files["/t/1"] = PNG
    steered.engines.common.scope.assets.put(Content(digest(PNG), len(PNG), file="/t/1"), "x", "text/html")
    reply = read(steered, range="bytes=2-5")
    assert (reply.status, reply.body, headers_of(reply)["content-type"]) == (206, FileBody("/t/1", 2, 6), "image/png")


def test_secrets_in_a_content_stay() -> None:
    """The content is the client's own, and a range of it must be one of the whole."""
    steered = Steered()
    steered.engines.common.redactor.learn_value(SECRET)
    add(steered, "a.txt", SECRET.encode())
    assert read(steered, SECRET.encode()).body == SECRET.encode()


@pytest.mark.parametrize("sha256", [digest(b"none"), digest(PNG).upper(), digest(PNG)[:63], "..", "x" * 999, "%00"])
def test_what_is_not_there(sha256: str) -> None:
    steered = Steered()
    add(steered, "cat.png", PNG)
    assert "GET /__falmock/assets lists" in steered.ask("GET", f"/assets/{sha256}", status=404)["message"]


def test_a_file_of_a_fixture_of_another_scope() -> None:
    steered = Steered()
    steered.ask("POST", "/fixtures", drawing(), 201, scope="one")
    assert read(steered).body == PNG  # as on the CDN


# new ones


def test_it_is_served_like_an_upload_and_known_by_its_digest() -> None:
    matched = {
        "match": {"model": "t/e", "input": {"image_url": {"$file": f"sha256:{digest(PNG)}"}}},
        "response": {"json": 7},
    }
    steered = Steered(matched)
    url = add(steered, "cat.png", PNG)["urls"][0]
    reply = steered.call("GET", url, scope="another")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, headers_of(reply)["content-type"]) == (200, PNG, "image/png")
    assert steered.run("t/e", {"image_url": url}) == 7


def test_one_without_a_telling_name() -> None:
    assert add(Steered(), "cat", PNG)["declared"] == "image/png"
    assert add(Steered(), "cat", b"?")["declared"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "../x", "data": ""}, "name: '../x' is not a file name"),
        ({"name": "", "data": ""}, "name: '' is not a file name"),
        ({"name": "x", "data": "AAA"}, "data: expected base64"),
        ({"name": "x", "data": "data:image/png;base64,AAAA"}, "data: expected base64"),
        ({"name": "x", "data": "é"}, "data: expected base64"),
        ({"name": "x"}, "expected the key data"),
        ({"name": "x", "data": 5}, "$.data"),
    ],
)
def test_what_is_no_file(body: dict[str, Any], said: str) -> None:
    steered = Steered()
    assert said in steered.ask("POST", "/assets", body, 400)["message"]
    assert listed(steered) == []


def test_nothing_is_dropped_for_it() -> None:
    steered = Steered()
    steered.engines.common.scope.assets = assets = Assets(limit=len(PNG) + 1)
    add(steered, "cat.png", PNG)
    assert "There is no room for 2 bytes more" in add(steered, "x.txt", b"ab", 409)["message"]
    assert [asset.sha256 for asset in assets.uploads] == [digest(PNG)]
    add(steered, "again.png", PNG)
    add(steered, "x.txt", b"a")


# tickets


def test_a_ticket_reads_a_file_in_place_of_the_token() -> None:
    steered = guarded()
    given = steered.reply("POST", "/assets/tickets", headers={"authorization": f"Bearer {TOKEN}"})
    ticket = json.loads(bytes(given.body))
    assert ticket["expires"] == int(steered.now) + SECONDS
    path = f"/assets/{digest(PNG)}"
    assert steered.reply("GET", path).status == 401
    for method in ("GET", "HEAD"):
        assert steered.reply(method, f"{path}?ticket={ticket['ticket']}").status == 200
    assert steered.reply("GET", f"{path}?ticket={ticket['ticket']}", headers={"range": "bytes=0-1"}).status == 206
    steered.now += SECONDS
    assert steered.reply("GET", f"{path}?ticket={ticket['ticket']}").status == 401


def test_a_ticket_is_asked_for_with_the_token() -> None:
    assert guarded().reply("POST", "/assets/tickets").status == 401


@pytest.mark.parametrize("path", ["/assets", "/assets/tickets", "/journal", "/health", "/assets/x", "/openapi.json"])
def test_a_ticket_is_for_files_alone(path: str) -> None:
    steered = guarded()
    ticket = steered.engines.tickets.give(steered.now)[0]
    assert steered.reply("GET", f"{path}?ticket={ticket}").status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_ticket_only_reads(method: str) -> None:
    steered = guarded()
    ticket = steered.engines.tickets.give(steered.now)[0]
    assert steered.reply(method, f"/assets/{digest(PNG)}?ticket={ticket}").status == 401


@pytest.mark.parametrize("secret", [b"", b"other"])
def test_a_ticket_of_another_falmock(secret: bytes) -> None:
    steered = guarded()
    ticket = Tickets(secret).give(steered.now)[0]
    assert steered.reply("GET", f"/assets/{digest(PNG)}?ticket={ticket}").status == 401


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_a_ticket_is_of_no_use_to_pages_of_other_origins(headers: dict[str, str]) -> None:
    steered = guarded()
    ticket = steered.engines.tickets.give(steered.now)[0]
    assert steered.reply("GET", f"/assets/{digest(PNG)}?ticket={ticket}", headers=headers).status == 403


def test_a_ticket_opens_nothing_to_other_machines_while_there_is_no_token() -> None:
    steered = Steered()
    add(steered, "cat.png", PNG)
    ticket = steered.engines.tickets.give(steered.now)[0]
    path = f"/assets/{digest(PNG)}?ticket={ticket}"
    assert steered.reply("GET", path).status == 200
    assert steered.reply("GET", path, peer="192.168.1.7").status == 403
    assert steered.reply("GET", path, headers={"host": "evil.example:8080"}, host="evil.example").status == 403
