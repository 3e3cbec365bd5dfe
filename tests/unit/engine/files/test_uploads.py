from __future__ import annotations

import json
from datetime import UTC
from datetime import datetime
from random import Random
from typing import Any
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.wire.calls import UploadComplete
from falmock.wire.storage import content_url
from falmock.wire.storage import digest
from unit.engine.calls import TEXT
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read
from unit.engine.calls import upload
from unit.engine.disk import Disk

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


@pytest.mark.parametrize("parts", [[b"all", b"", b""], [b"", b"x"], [b""]])
def test_parts_without_content_are_taken(parts: list[bytes]) -> None:
    client = Client()
    started = read(client.send("POST", "https://v3b.fal.media/files/upload/multipart", b"", TEXT))
    target = f"{started['access_url']}/multipart/{started['uploadId']}"
    told = [
        {"partNumber": number, "etag": header(client.send("PUT", f"{target}/{number}", part, TEXT), "etag")}
        for number, part in enumerate(parts, 1)
    ]
    assert client.send("POST", f"{target}/complete", {"parts": told}).status == 200
    assert client.send("GET", started["access_url"]).body == b"".join(parts)


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
        ({"parts": [{"partNumber": 1, "etag": '"x"'}]}, "expected part 1 to have the ETag 7692c3ad3540bb80"),
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


def test_parts_of_an_upload_are_bounded_too() -> None:
    client = Client()
    client.engine.scope.assets.limit = 10
    base, _, query = initiate(client, multipart=True)["upload_url"].partition("?")
    assert client.send("PUT", f"{base}/1?{query}", b"12345678").status == 200
    assert client.send("PUT", f"{base}/1?{query}", b"123456789").status == 200
    assert client.send("PUT", f"{base}/2?{query}", b"12").status == 413


# bodies on disk


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.REPLAY])
def test_bodies_for_fal_do_not_go_to_disk(mode: Mode) -> None:
    assert not Client(mode=mode).engine.spools("POST", "v3.fal.media", "/files/upload", {})


def test_a_file_on_disk_is_uploaded_and_read_back() -> None:
    client = Client()
    disk = Disk(client)
    reply = disk.send("POST", "https://v3.fal.media/files/upload", b"hello", TEXT)
    url = read(reply)["access_url"]
    assert url == upload(Client(), b"hello", **{"x-fal-file-name": "upload.txt"})  # as it is from memory
    assert disk.get(url) == b"hello"
    assert disk.get(url, range="bytes=1-3") == b"ell"
    head = client.send("HEAD", url)
    assert (head.body, head.length) == (b"", 5)
    assert disk.send("POST", "https://v3.fal.media/files/upload", b"hello", TEXT).body == reply.body
    assert list(disk.files.values()) == [b"hello"]
    put = initiate(client)
    assert disk.send("PUT", put["upload_url"], b"hello").status == 200
    assert disk.get(put["file_url"]) == b"hello"
    assert len(disk.files) == 1


@pytest.mark.parametrize(
    ("method", "url", "headers", "status"),
    [
        ("PUT", "https://v3b.fal.media/files/b/00000000/none_x", {}, 404),
        ("PUT", "https://v3b.fal.media/files/b/00000000/none_x/1", {}, 404),
        ("POST", "https://v3.fal.media/files/upload", {"x-fal-file-name": "../x"}, 422),
        ("OPTIONS", "https://v3.fal.media/files/upload", {}, 200),
    ],
)
def test_a_file_that_is_refused_is_dropped(method: str, url: str, headers: dict[str, str], status: int) -> None:
    disk = Disk(Client())
    assert disk.send(method, url, b"hello", headers).status == status
    assert disk.files == {}


def test_a_part_with_a_number_that_is_none_is_dropped() -> None:
    client = Client()
    disk = Disk(client)
    base = initiate(client, multipart=True)["upload_url"].partition("?")[0]
    assert disk.send("PUT", f"{base}/0", b"hello").status == 400
    assert disk.files == {}


def test_an_upload_is_completed_twice() -> None:
    client = Client()
    urls = initiate(client, multipart=True)
    base = urls["upload_url"].partition("?")[0]
    client.send("PUT", f"{base}/1", b"one")
    body = {"parts": [{"partNumber": 1}]}
    first = client.send("POST", f"{base}/complete", body)
    assert first.status == 200
    assert client.send("POST", f"{base}/complete", body).body == first.body


def test_the_journal_tells_what_a_complete_came_to() -> None:
    client = Client()
    disk = Disk(client)
    base = initiate(client, multipart=True)["upload_url"].partition("?")[0]
    disk.send("PUT", f"{base}/1", b"one")
    client.engine.scope.assets.disk_limit = client.engine.scope.assets.limit = 2
    assert disk.send("POST", f"{base}/complete", b'{"parts": [{"partNumber": 2}]}').status == 400
    assert disk.send("POST", f"{base}/complete", b'{"parts": [{"partNumber": 1}]}').status == 200
    assert disk.send("POST", "https://v3b.fal.media/files/b/none/x.bin/complete", b"{}").status == 404
    entries = [entry for entry in client.engine.scope.journal if entry.path.endswith("/complete")]
    assert [entry.status for entry in entries] == [400, 200, 404]
    assert all(isinstance(entry.call, UploadComplete) for entry in entries)


def test_a_complete_meets_its_fault_wherever_the_parts_are() -> None:
    client = Client()
    disk = Disk(client)
    for sender in (client, disk):
        base = initiate(client, multipart=True)["upload_url"].partition("?")[0]
        sender.send("PUT", f"{base}/1", b"one")
        headers = {"x-falmock-fault": '{"latency": 2, "contentType": "text/plain"}'}
        reply = disk.send("POST", f"{base}/complete", b'{"parts": [{"partNumber": 1}]}', headers)
        assert (reply.status, reply.fault, reply.delay) == (200, "latency + contentType", 2)
        assert header(reply, "content-type") == "text/plain"
        assert client.engine.scope.journal.entries[-1].fault == "latency + contentType"


def test_parts_are_joined_for_a_page_of_another_origin() -> None:
    client = Client()
    disk = Disk(client)
    base = initiate(client, multipart=True)["upload_url"].partition("?")[0]
    disk.send("PUT", f"{base}/1", b"one", {"origin": "https://app.example"})
    body = b'{"parts": [{"partNumber": 1}]}'
    reply = disk.send("POST", f"{base}/complete", body, {"origin": "https://app.example"})
    assert header(reply, "access-control-allow-origin") == "*"


class Part(NamedTuple):
    """One part to send; the last one with a number is kept."""

    number: int
    data: bytes
    on_disk: bool


parts_of_uploads = st.lists(
    st.builds(Part, st.integers(1, 6), st.binary(max_size=6), st.booleans()), min_size=1, max_size=12
)


@given(parts_of_uploads, st.randoms(use_true_random=False))
def test_parts_in_any_order_and_sent_again_give_the_same_file(sent: list[Part], random: Random) -> None:
    client = Client()
    disk = Disk(client)
    started = read(client.send("POST", "https://v3b.fal.media/files/upload/multipart", b"", TEXT))
    base = f"{started['access_url']}/multipart/{started['uploadId']}"
    last = {}
    for part in sent:
        sender = disk if part.on_disk else client
        etag = header(sender.send("PUT", f"{base}/{part.number}", part.data, TEXT), "etag")
        last[part.number] = (part, etag)
    named = [{"partNumber": number, "etag": etag} for number, (_, etag) in last.items()]
    random.shuffle(named)
    done = disk.send("POST", f"{base}/complete", json.dumps({"parts": named}).encode())
    assert done.status == 200
    whole = b"".join(last[number][0].data for number in sorted(last))
    assert disk.get(started["access_url"]) == whole
    assert disk.get(content_url(digest(whole), "upload.txt")) == whole
    assert list(disk.files.values()) == ([whole] if any(part.on_disk for part, _ in last.values()) else [])


# uploads whose content a recording does not have

ISSUED = "https://v3b.fal.media/files/b/0a96d564/QR9a1l_cat.jpg"


def plain(method: str, url: str, answer: Any, status: int = 200) -> dict[str, Any]:
    host, _, path = url.removeprefix("https://").partition("/")
    match = {"method": method, "host": host, "path": f"/{path}"}
    return {"match": match, "response": {"json": answer, "status": status}}


def start(client: Client, route: str = "upload/initiate") -> Any:
    return read(client.send("POST", f"{REST}/{route}", {"content_type": "image/jpeg", "file_name": "cat.jpg"}))


@pytest.mark.parametrize(
    "upload_url", [f"{ISSUED}?signature=x", "https://storage.googleapis.com/falserverless/up/cat?X=1"]
)
def test_a_recorded_start_takes_the_content_of_the_app(upload_url: str) -> None:
    answer = {"file_url": ISSUED, "upload_url": upload_url}
    use = {"match": {"model": "a/b", "input": {"image_url": ISSUED}, "exact": True}, "response": {"json": "used"}}
    client = Client(plain("POST", f"{REST}/upload/initiate", answer), use)
    assert start(client) == answer
    assert client.send("GET", ISSUED).status == 404
    for content in (b"one", b"two"):
        assert client.send("PUT", upload_url, content, {"content-type": "image/jpeg"}).status == 200
        reply = client.send("GET", ISSUED)
        assert (reply.body, header(reply, "content-type")) == (content, "image/jpeg")
        start(client)
    assert client.send("GET", ISSUED).body == b"two"
    # The recorded input has the URL itself, as nothing else of the file is known.
    assert read(client.run("a/b", {"image_url": ISSUED})) == "used"


def test_a_recorded_start_takes_parts_as_js_sends_them() -> None:
    answer = {"file_url": ISSUED, "upload_url": f"{ISSUED}?signature=x"}
    client = Client(plain("POST", f"{REST}/upload/initiate-multipart", answer))
    start(client, "upload/initiate-multipart")
    parts = [
        read(client.send("PUT", f"{ISSUED}/{number}?signature=x", content))
        for number, content in ((1, b"a"), (2, b"b"))
    ]
    for _ in range(2):
        assert client.send("POST", f"{ISSUED}/complete?signature=x", {"parts": parts}).status == 200
    assert client.send("GET", ISSUED).body == b"ab"


def test_a_recorded_start_takes_parts_as_python_sends_them() -> None:
    client = Client(
        plain("POST", "https://v3.fal.media/files/upload/multipart", {"access_url": ISSUED, "uploadId": "u"})
    )
    client.send("POST", "https://v3.fal.media/files/upload/multipart", b"")
    assert client.send("PUT", f"{ISSUED}/multipart/u/1", b"all").status == 200
    assert client.send("POST", f"{ISSUED}/multipart/u/complete", {"parts": [{"partNumber": 1}]}).status == 200
    assert client.send("GET", ISSUED).body == b"all"


@pytest.mark.parametrize(
    ("method", "url", "answer"),
    [
        ("PUT", ISSUED, None),
        ("POST", "https://v3.fal.media/files/upload", {"access_url": ISSUED}),
    ],
)
def test_a_file_that_a_recorded_answer_took_is_kept(method: str, url: str, answer: Any) -> None:
    client = Client(plain(method, url, answer))
    assert read(client.send(method, url, b"content", {"content-type": "image/jpeg"})) == answer
    assert client.send("GET", ISSUED).body == b"content"


def test_a_file_that_a_recorded_answer_refused_is_not_kept() -> None:
    client = Client(plain("PUT", ISSUED, {"detail": "no"}, 403))
    assert client.send("PUT", ISSUED, b"content").status == 403
    assert client.send("GET", ISSUED).status == 404


@pytest.mark.parametrize("answer", [None, "text", {}, {"file_url": 1}, {"file_url": ISSUED, "upload_url": None}])
def test_a_recorded_start_that_names_no_urls_starts_nothing(answer: Any) -> None:
    client = Client(plain("POST", f"{REST}/upload/initiate", answer))
    assert start(client) == answer
    assert client.send("PUT", ISSUED, b"x").status == 404


def test_a_recorded_answer_does_not_hide_an_upload_of_this_run() -> None:
    client = Client({"match": {"method": "PUT", "host": "v3b.fal.media", "path": "/files/*"}, "response": {"json": 1}})
    issued = initiate(client)
    assert read(client.send("PUT", issued["upload_url"], b"content")) == 1
    assert client.send("GET", issued["file_url"]).body == b"content"
    assert client.engine.digest_of(issued["file_url"]) == digest(b"content")
