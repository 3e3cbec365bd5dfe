from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import Any

import pytest

from falmock.engine.assets import Assets
from falmock.engine.assets import NoRoom
from falmock.wire.storage import content_path
from unit.engine.calls import TEXT
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read
from unit.engine.calls import upload

REST = "https://rest.fal.ai/storage"


def initiate(client: Client, name: str = "a b.txt", *, multipart: bool = False, kind: str = "fal-cdn-v3") -> Any:
    route = "initiate-multipart" if multipart else "initiate"
    reply = client.send(
        "POST", f"{REST}/upload/{route}?storage_type={kind}", {"content_type": "text/plain", "file_name": name}
    )
    assert reply.status == 200
    return read(reply)


@pytest.mark.parametrize("host", ["rest.fal.ai", "rest.alpha.fal.ai"])
@pytest.mark.parametrize("query", ["?storage_type=fal-cdn-v3", ""])
def test_an_upload_as_js_does_it(host: str, query: str) -> None:
    client = Client()
    body = {"content_type": "text/plain", "file_name": "a b.txt"}
    reply = client.send("POST", f"https://{host}/storage/upload/initiate{query}", body)
    assert header(reply, "content-type") == "application/json"
    urls = read(reply)
    assert list(urls) == ["file_url", "upload_url"]
    assert urls["file_url"].startswith("https://v3b.fal.media/files/b/")
    assert urls["file_url"].endswith("_a%20b.txt")
    assert client.send("GET", urls["file_url"]).status == 404
    stored = client.send("PUT", urls["upload_url"], b"hello", TEXT)
    assert stored.status == 200
    got = client.send("GET", urls["file_url"])
    assert (got.status, got.body, header(got, "content-type")) == (200, b"hello", "text/plain")


def test_two_promises_of_one_name_are_two_files() -> None:
    client = Client()
    first, second = initiate(client), initiate(client)
    client.send("PUT", second["upload_url"], b"second")
    client.send("PUT", first["upload_url"], b"first")
    assert client.send("GET", first["file_url"]).body == b"first"
    assert client.send("GET", second["file_url"]).body == b"second"


def test_promised_urls_are_the_same_in_every_run() -> None:
    assert [initiate(client) for client in [Client()] for _ in range(2)] == [
        initiate(client) for client in [Client()] for _ in range(2)
    ]


def test_a_multipart_upload_as_js_does_it() -> None:
    client = Client()
    urls = initiate(client, multipart=True)
    base, _, query = urls["upload_url"].partition("?")
    parts = []
    for number, content in ((1, b"one-"), (2, b"two-"), (3, b"three")):
        reply = client.send("PUT", f"{base}/{number}?{query}", content)
        part = read(reply)
        assert part["partNumber"] == number
        assert part["etag"] == header(reply, "etag")
        parts.append(part)
    assert client.send("POST", f"{base}/complete?{query}", {"parts": parts}).status == 200
    got = client.send("GET", urls["file_url"])
    assert (got.body, header(got, "content-type")) == (b"one-two-three", "text/plain")


def test_an_upload_as_python_does_it() -> None:
    client = Client()
    token = read(client.send("POST", f"{REST}/auth/token?storage_type=fal-cdn-v3", {}))
    expires = datetime.fromisoformat(token["expires_at"])
    assert expires.utcoffset() is not None
    assert expires > datetime.fromtimestamp(client.now, UTC)
    assert token["expires_at"].endswith("+00:00")
    assert token["token_type"] == "Bearer"
    assert token["base_url"] == "https://v3b.fal.media"
    url = upload(client, b"hello", **{"x-fal-file-name": "a b.txt"})
    assert url.endswith("_a%20b.txt")
    assert client.send("GET", url).body == b"hello"


def test_the_same_bytes_get_the_same_url_in_every_run() -> None:
    assert upload(Client()) == upload(Client())
    assert upload(Client()) != upload(Client(), b"other")


def test_the_same_bytes_as_another_type_keep_each_type() -> None:
    client = Client()
    text = upload(client, **{"x-fal-file-name": "a.txt"})
    data = read(client.send("POST", "https://fal.media/files/upload", b"content", {"content-type": "image/png"}))[
        "access_url"
    ]
    assert header(client.send("GET", text), "content-type") == "text/plain"
    assert header(client.send("GET", data), "content-type") == "image/png"


def test_a_multipart_upload_as_python_does_it() -> None:
    client = Client()
    started = read(
        client.send("POST", "https://v3b.fal.media/files/upload/multipart", b"", {**TEXT, "x-fal-file-name": "b"})
    )
    parts = []
    for number, content in ((2, b"two"), (1, b"one-")):
        reply = client.send("PUT", f"{started['access_url']}/multipart/{started['uploadId']}/{number}", content, TEXT)
        parts.append({"partNumber": number, "etag": header(reply, "etag")})
    complete = f"{started['access_url']}/multipart/{started['uploadId']}/complete"
    assert client.send("POST", complete, {"parts": parts}).status == 200
    assert client.send("GET", started["access_url"]).body == b"one-two"


def test_the_gcs_fallback() -> None:
    client = Client()
    urls = initiate(client, "upload.bin", kind="gcs")
    assert urls["upload_url"].startswith("https://storage.googleapis.com/falserverless/")
    assert client.send("PUT", urls["upload_url"], b"x", {"authorization": "Key a:b"}).status == 200
    assert client.send("GET", urls["file_url"]).body == b"x"


def test_the_gcs_multipart_of_the_fal_package() -> None:
    client = Client()
    urls = initiate(client, "upload.bin", kind="gcs")
    base = urls["upload_url"].partition("?")[0]
    part = read(client.send("POST", f"{base}/1"))["upload_url"]
    etag = header(client.send("PUT", part, b"x"), "etag")
    assert etag is not None
    done = client.send("POST", f"{base}/complete", {"parts": [{"part_number": 1, "etag": etag.strip('"')}]})
    assert done.status == 200
    assert client.send("GET", urls["file_url"]).body == b"x"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"parts": [{"partNumber": 2, "etag": "x"}]}, "part 2 was not uploaded"),
        ({"parts": []}, "no parts"),
        ({"parts": [{}]}, "whole partNumber"),
        ({"parts": "1"}, "list of parts"),
        ([], "list of parts"),
        (b"{", "expected JSON"),
    ],
)
def test_a_multipart_upload_that_cannot_be_joined(body: Any, words: str) -> None:
    client = Client()
    base, _, query = initiate(client, multipart=True)["upload_url"].partition("?")
    client.send("PUT", f"{base}/1?{query}", b"one")
    reply = client.send("POST", f"{base}/complete?{query}", body)
    assert reply.status == 400
    assert words in read(reply)["detail"]


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "..", ".", "", "x\r\nset-cookie: a=b", "x" * 300, "\x00"])
def test_a_file_name_that_could_do_harm(name: str) -> None:
    reply = Client().send("POST", f"{REST}/upload/initiate", {"content_type": "text/plain", "file_name": name})
    assert reply.status == 422
    assert "file_name" in read(reply)["message"]


@pytest.mark.parametrize("body", [{"content_type": "a\r\nb: c"}, {"content_type": 1}, {"file_name": 1}, [], b"{", "x"])
def test_an_initiate_call_that_cannot_be_read(body: Any) -> None:
    assert Client().send("POST", f"{REST}/upload/initiate", body).status == 422


def test_a_harmful_name_in_a_header() -> None:
    reply = Client().send("POST", "https://v3.fal.media/files/upload", b"x", {"x-fal-file-name": "../../etc/passwd"})
    assert reply.status == 422


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_upload_nobody_started(method: str) -> None:
    path = "none_x/1" if method == "PUT" else "none_x/complete"
    reply = Client().send(method, f"https://v3b.fal.media/files/b/00000000/{path}", b'{"parts": []}')
    assert reply.status == 404
    assert "No upload was started" in read(reply)["detail"]


def test_memory_is_bounded_and_the_oldest_file_goes() -> None:
    assets = Assets(limit=10)
    old = assets.put(b"12345678", "old", "text/plain")
    new = assets.put(b"abcdefgh", "new", "text/plain")
    assert assets.find(content_path(old.sha256, "old"), {}) is None
    assert assets.find(content_path(new.sha256, "new"), {})
    with pytest.raises(NoRoom):
        assets.put(b"12345678901", "huge", "text/plain")


def test_parts_of_an_upload_are_bounded_too() -> None:
    client = Client()
    client.engine.scope.assets.limit = 10
    base, _, query = initiate(client, multipart=True)["upload_url"].partition("?")
    assert client.send("PUT", f"{base}/1?{query}", b"12345678").status == 200
    assert client.send("PUT", f"{base}/1?{query}", b"123456789").status == 200
    assert client.send("PUT", f"{base}/2?{query}", b"12").status == 413
