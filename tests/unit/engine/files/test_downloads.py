from __future__ import annotations

import base64

import pytest

from falmock.engine.effects import Reply
from falmock.fixtures.format import codec
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Asset
from falmock.wire.storage import digest
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of
from unit.engine.calls import read
from unit.engine.calls import upload


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


# URLs that files had when they were recorded

PICTURE = b"a picture"
RECORDED = "https://v3.fal.media/files/lion/9aBc_out.png"


def chain(recorded: str = RECORDED) -> Client:
    """A client of an index in which a/make answers with a picture that had this URL, and a/use takes it."""
    reference = {"$file": f"sha256:{digest(PICTURE)}"}
    document = {
        "fixtures": [
            {
                "match": {"model": "a/make"},
                "response": {"json": {"image": {"url": reference | {"name": "out.png"}}}},
                "recorded": {"urls": {recorded: f"sha256:{digest(PICTURE)}"}},
            },
            {
                "match": {"model": "a/use", "input": {"image_url": reference}, "exact": True},
                "response": {"json": "file"},
            },
            {
                "match": {"model": "a/copied", "input": {"image_url": recorded}, "exact": True},
                "response": {"json": "copy"},
            },
        ]
    }
    asset = Asset(digest(PICTURE), "out.png", "image/png", len(PICTURE), data=PICTURE)
    read_back = codec.check(document, "test.json", lambda _: asset)
    assert not read_back.problems
    client = Client()
    client.engine.use_fixtures(Index(read_back.fixtures, read_back.assets))
    return client


def test_a_file_answers_at_the_url_that_it_had_beside_the_new_one() -> None:
    client = chain()
    new = read(client.run("a/make"))["image"]["url"]
    assert new != RECORDED
    for url in (new, RECORDED, f"{RECORDED}?signature=1", RECORDED.replace("out", "o%75t")):
        reply = get(client, url)
        assert (reply.status, reply.body, header(reply, "content-type")) == (200, PICTURE, "image/png")
    assert get(client, RECORDED, range="bytes=0-1").status == 206
    assert get(client, f"{RECORDED}x").status == 404


@pytest.mark.parametrize("recorded", [RECORDED, "https://replicate.delivery/x/out.png?sig=1"])
def test_both_urls_are_the_same_input(recorded: str) -> None:
    client = chain(recorded)
    new = read(client.run("a/make"))["image"]["url"]
    for url in (new, recorded):
        assert read(client.run("a/use", {"image_url": url})) == "file"
        assert read(client.run("a/copied", {"image_url": url})) == "copy"
    assert client.run("a/use", {"image_url": f"{RECORDED}x"}).status == 404


def test_a_fixture_for_the_url_itself_answers_first() -> None:
    client = chain()
    rule = {"path": "/files/lion/9aBc_out.png", "host": "v3.fal.media", "method": "GET"}
    own = index_of({"match": rule, "response": {"status": 403, "json": "gone"}})
    client.engine.use_fixtures(Index((*client.engine.index.fixtures, *own.fixtures), client.engine.index.assets))
    assert get(client, RECORDED).status == 403


def test_added_fixtures_bring_their_urls() -> None:
    client, source = Client(), chain().engine.index
    client.engine.add_fixtures("added/1", source.fixtures, source.assets)
    assert get(client, RECORDED).body == PICTURE
    assert read(client.run("a/use", {"image_url": RECORDED})) == "file"
    client.engine.remove_fixtures("added/1")
    assert get(client, RECORDED).status == 404
