from __future__ import annotations

import base64
from datetime import UTC
from datetime import datetime
from typing import Any

import pytest

from falmock.engine.assets import Assets
from falmock.engine.assets import NoRoom
from falmock.engine.effects import Reply
from falmock.wire.storage import content_path
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

REST = "https://rest.fal.ai/storage"
TEXT = {"content-type": "text/plain"}


def initiate(client: Client, name: str = "a b.txt", *, multipart: bool = False, kind: str = "fal-cdn-v3") -> Any:
    route = "initiate-multipart" if multipart else "initiate"
    reply = client.send(
        "POST", f"{REST}/upload/{route}?storage_type={kind}", {"content_type": "text/plain", "file_name": name}
    )
    assert reply.status == 200
    return read(reply)


def upload(client: Client, content: bytes = b"content", **headers: str) -> str:
    reply = client.send("POST", "https://v3.fal.media/files/upload", content, {**TEXT, **headers})
    assert reply.status == 200
    return str(read(reply)["access_url"])


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


def get(client: Client, url: str, method: str = "GET", **headers: str) -> Reply:
    return client.send(method, url, None, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_download_has_the_headers_of_the_cdn() -> None:
    client = Client()
    reply = get(client, upload(client))
    assert header(reply, "accept-ranges") == "bytes"
    assert header(reply, "cache-control") == "public, max-age=5184000, immutable"
    assert header(reply, "access-control-allow-origin") == "*"
    assert header(reply, "etag")


def test_head_has_the_length_and_no_body() -> None:
    client = Client()
    reply = get(client, upload(client), "HEAD")
    assert (reply.status, reply.body, reply.length) == (200, b"", 7)


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-2", 206, b"con", "bytes 0-2/7"),
        ("bytes=4-", 206, b"ent", "bytes 4-6/7"),
        ("bytes=-2", 206, b"nt", "bytes 5-6/7"),
        ("bytes=2-100", 206, b"ntent", "bytes 2-6/7"),
        ("bytes=-100", 206, b"content", "bytes 0-6/7"),
        ("bytes=7-", 416, b"", "bytes */7"),
        ("bytes=-0", 416, b"", "bytes */7"),
        ("bytes=0-1,3-4", 200, b"content", None),
        ("bytes=3-1", 200, b"content", None),
        ("lines=1-2", 200, b"content", None),
    ],
)
def test_ranges(asked: str, status: int, body: bytes, told: str | None) -> None:
    client = Client()
    reply = get(client, upload(client), range=asked)
    assert (reply.status, reply.body, header(reply, "content-range")) == (status, body, told)


def test_a_range_of_something_else_by_now_is_the_whole() -> None:
    client = Client()
    url = upload(client)
    etag = header(get(client, url), "etag")
    assert etag
    assert get(client, url, range="bytes=0-1", if_range=etag).status == 206
    assert get(client, url, range="bytes=0-1", if_range='"old"').status == 200


def test_what_the_client_has_is_not_sent_again() -> None:
    client = Client()
    url = upload(client)
    etag = header(get(client, url), "etag")
    for condition in (etag, f'"x", W/{etag}', "*"):
        reply = get(client, url, if_none_match=str(condition))
        assert (reply.status, reply.body, header(reply, "etag")) == (304, b"", etag)
    assert get(client, url, if_none_match='"other"').status == 200


def test_a_file_nobody_knows_gets_the_report_of_a_miss() -> None:
    reply = get(Client(), "https://v3.fal.media/files/koala/x.png")
    assert reply.status == 404
    assert header(reply, "x-falmock-miss") == "1"
    assert header(reply, "access-control-allow-origin") == "*"
    assert "https://v3.fal.media/files/koala/x.png" in read(reply)["detail"]


def test_a_fixture_can_serve_a_path() -> None:
    client = Client(
        {"match": {"method": "GET", "path": "/files/koala/*.txt"}, "response": {"text": "koala"}},
    )
    reply = get(client, "https://v3.fal.media/files/koala/x.txt?identity=secret")
    assert (reply.status, reply.body, reply.fixture) == (200, b"koala", "test.json#0")
    assert header(reply, "content-type") == "text/plain; charset=utf-8"
    assert get(client, "https://v3.fal.media/files/koala/x.txt", "HEAD").length == 5
    assert get(client, "https://v3.fal.media/files/koala/x.txt", range="bytes=1-2").body == b"oa"


def test_the_audio_of_an_aimock_fixture_is_served() -> None:
    encoded = base64.b64encode(b"sound").decode()
    client = Client({"match": {"endpoint": "fal-audio"}, "response": {"audio": encoded, "format": "wav"}})
    audio = read(client.run("a/b"))["audio"]
    assert {key: audio[key] for key in ("content_type", "file_name", "file_size")} == {
        "content_type": "audio/wav",
        "file_name": "generated_audio.wav",
        "file_size": 5,
    }
    got = get(client, audio["url"])
    assert (got.body, header(got, "content-type")) == (b"sound", "audio/wav")


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
