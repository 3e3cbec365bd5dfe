from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording import files
from falmock.recording.files import FileUrls
from falmock.recording.files import inline_file
from falmock.recording.files import readable_name
from falmock.recording.files import reference
from falmock.recording.uploads import File
from falmock.wire import storage
from falmock.wire.hosts import Hosts
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded


@pytest.mark.parametrize(
    "url",
    [
        CAT,
        f"{CAT}?identity=abc",
        "https://V3.fal.media/files/koala/7CG2M_3H4_x8Uci2ay4LH.jpeg",
        "https://fal.media/files/a/b.png",
        "https://storage.googleapis.com/falserverless/gallery/a.png",
    ],
)
def test_urls_of_files(url: str) -> None:
    assert FileUrls(Hosts()).is_file_url(url)


@pytest.mark.parametrize(
    "text",
    [
        "http://v3b.fal.media/files/a.png",
        "https://v3b.fal.media",
        "https://v3b.fal.media/",
        "https://storage.googleapis.com/other/a.png",
        "https://fal.run/fal-ai/flux",
        "https://example.com/a.png",
        "https://v3b.fal.media/files/a.png is the cat",
        "https://v3b.fal.media/files/a.png\nhttps://v3b.fal.media/files/b.png",
        "https://[v3b.fal.media/a.png",
        f"{CAT}?{'x' * 5000}",
        "cat.png",
        "",
    ],
)
def test_texts_that_are_none(text: str) -> None:
    assert not FileUrls(Hosts()).is_file_url(text)


def test_a_file_is_found_whatever_the_query_of_its_url() -> None:
    found = FileUrls(Hosts())
    found.upload(uploaded(CAT, PNG))
    for url in (CAT, f"{CAT}?identity=1", f"{CAT}#top"):
        assert found.uploaded(url) == found.known(url) == uploaded(CAT, PNG)
    assert found.known(f"{CAT}x") is None


def test_the_last_upload_to_a_url_counts() -> None:
    found = FileUrls(Hosts())
    found.upload(uploaded(CAT, b"old"))
    found.upload(uploaded(CAT, PNG))
    assert found.known(CAT) == uploaded(CAT, PNG)


def test_a_url_of_our_own_tells_its_content() -> None:
    digest = sha256(PNG)
    url = storage.content_url(digest, "cat.png")
    known = FileUrls(Hosts()).known(f"{url}?x=1")
    assert known is not None
    assert known.sha256 == digest
    assert reference(known) == {"$file": f"sha256:{digest}"}


def test_a_url_of_our_own_for_an_upload_is_the_uploads() -> None:
    found = FileUrls(Hosts())
    url = storage.content_url(sha256(PNG), "cat.png")
    assert found.uploaded(url) is None
    found.upload(uploaded(CAT, PNG))
    assert found.uploaded(f"{url}?x=1") == found.known(url) == uploaded(url, PNG)
    assert found.uploaded(storage.content_url(sha256(b"other"), "cat.png")) is None


def test_names_are_remembered_by_key() -> None:
    found = FileUrls(Hosts())
    assert found.named(CAT) is None
    found.name(CAT)
    assert found.named(f"{CAT}?identity=2") == CAT


def test_a_file_at_another_location_is_that_of_the_url_in_the_answer() -> None:
    found = FileUrls(Hosts())
    found.redirect(CAT, "https://example.com/elsewhere")
    assert found.named("https://example.com/elsewhere") is None
    found.name(CAT)
    found.redirect(f"{CAT}?x=1", "https://storage.googleapis.com/b/cat?X-Goog-Signature=1")
    found.redirect("https://storage.googleapis.com/b/cat", "/c/cat")
    assert found.named("https://storage.googleapis.com/b/cat") == CAT
    assert found.named("https://storage.googleapis.com/c/cat?sig=2") == CAT


@pytest.mark.parametrize(
    ("url", "is_fals", "is_elsewhere"),
    [
        (CAT, True, False),
        ("https://v2.fal.media/files/a_out.mp4", True, False),
        ("https://fal-cdn.batuhan-941.workers.dev/files/tiger/x.png", True, False),
        ("https://storage.googleapis.com/falserverless/x.png", True, False),
        ("https://storage.googleapis.com/others/x.png?X-Goog-Signature=1", False, True),
        ("https://replicate.delivery/abc/out", False, True),
        ("https://user:pw@v3.fal.media/x.png", False, False),
        ("https://queue.fal.run/a/b/requests/1", False, False),
        ("https://docs.fal.ai/errors#missing", False, False),
        ("https://example.com/", False, False),
        ("http://example.com/x.png", False, True),
        ("see https://example.com/x.png", False, False),
        ("https://[x/y.png", False, False),
    ],
)
def test_where_a_url_leads(url: str, *, is_fals: bool, is_elsewhere: bool) -> None:
    found = FileUrls(Hosts())
    assert (found.is_file_url(url), found.is_elsewhere(url)) == (is_fals, is_elsewhere)


def test_the_url_of_an_upload_is_known_by_its_content() -> None:
    found = FileUrls(Hosts())
    assert found.upload_url(sha256(PNG)) is None
    found.upload(uploaded(f"{CAT}?x=1", PNG))
    assert found.upload_url(sha256(PNG)) == CAT
    found.upload(uploaded(storage.content_url(sha256(PNG), "cat.png"), PNG))
    assert found.upload_url(sha256(PNG)) is None


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LIMIT", 2)
    found = FileUrls(Hosts())
    urls = [f"https://v3b.fal.media/files/{number}" for number in range(3)]
    for url in urls:
        found.upload(uploaded(url, PNG))
        found.name(url)
    assert [found.known(url) is not None for url in urls] == [False, True, True]
    assert [found.named(url) is not None for url in urls] == [False, True, True]


def test_a_reference_tells_type_and_size_where_they_are_known() -> None:
    digest = sha256(PNG)
    assert reference(uploaded(CAT, PNG)) == {"$file": f"sha256:{digest}", "type": "image/png", "size": 72}
    assert reference(File(CAT, digest, 0, "")) == {"$file": f"sha256:{digest}"}


@pytest.mark.parametrize(
    ("name", "speaks"),
    [
        ("kVYyA5s8Xo0qTzNw3pLr_output.mp4", "output.mp4"),
        ("kVYyA5s8Xo0qTzNw3pLr_my%20cat.png", "my cat.png"),
        ("7CG2M_3H4_x8Uci2ay4LH.jpeg", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_0a1b2c3d0a1b2c3d.png", ""),
        ("cat.png", "cat.png"),
        ("", ""),
        ("..", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_..%2Fx.png", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_a1b2c3d4.png", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_abcdefab.png", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_tmp9vh7d2l_.wav", ""),
        ("kVYyA5s8Xo0qTzNw3pLr_facade.png", "facade.png"),
    ],
)
def test_what_of_a_name_says_something(name: str, speaks: str) -> None:
    assert readable_name(f"https://v3b.fal.media/files/b/0a1b2c3d/{name}?x=1") == speaks


def test_a_name_of_our_own_making_says_nothing() -> None:
    for number in range(16):
        digest = sha256(b"%d" % number)
        assert readable_name(storage.content_url(digest, f"{digest[:12]}.png")) == ""


@given(st.binary(max_size=8), st.sampled_from(["output.mp4", "my cat.png", "a_b.png"]))
def test_what_says_something_does_so_in_a_url_of_our_own(content: bytes, name: str) -> None:
    assert readable_name(storage.content_url(sha256(content), name)) == name


def test_a_data_uri_is_its_content() -> None:
    text = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    found = inline_file(text)
    assert found is not None
    assert (found.content.data, found.content_type, found.exact) == (PNG, "image/png", True)


@pytest.mark.parametrize(
    ("text", "content", "content_type"),
    [
        ("data:,a%20cat", b"a cat", "text/plain;charset=US-ASCII"),
        ("data:text/plain;charset=utf-8,cat", b"cat", "text/plain;charset=utf-8"),
        ("data:;base64,Y2F0", b"cat", "text/plain;charset=US-ASCII"),
    ],
)
def test_a_data_uri_that_would_be_written_otherwise(text: str, content: bytes, content_type: str) -> None:
    found = inline_file(text)
    assert found is not None
    assert (found.content.data, found.content_type, found.exact) == (content, content_type, False)


@pytest.mark.parametrize("text", ["data:image/png;base64", "data:image/png;base64,c", "https://a/data:,x", "cat"])
def test_texts_that_are_no_data_uri(text: str) -> None:
    assert inline_file(text) is None
