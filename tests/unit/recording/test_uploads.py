from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording import uploads
from falmock.recording.exchange import Exchange
from falmock.recording.uploads import File
from falmock.recording.uploads import Sink
from falmock.recording.uploads import UploadTraces
from falmock.recording.uploads import file_name
from falmock.recording.uploads import url_key
from falmock.wire import routes
from falmock.wire.hosts import Hosts
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import exchange
from unit.recording.exchanges import joined
from unit.recording.exchanges import uploaded

INITIATE = "POST https://rest.fal.ai/storage/upload/initiate"
SIGNED = "https://v3b.fal.media/signed/71/files/b/cat.png?expires=1893456000&signature=abcdef"
BUCKET = "https://storage.googleapis.com/falserverless/web-uploads/0123456789abcdef/cat.png"
JPEG = {"content-type": "image/jpeg"}


class Storage:
    """The uploads of a recording, which get every exchange as they do from the recorder."""

    def __init__(self) -> None:
        self.uploads = UploadTraces(joined)

    def observe(self, line: str, sent: Any = None, answer: Any = None, **more: Any) -> File | None:
        return self.note(exchange(line, sent, answer, **more))

    def note(self, observed: Exchange) -> File | None:
        method, host, path, query, *_ = observed.request
        if self.uploads.expects(method, f"https://{host}{path}"):
            return self.uploads.proceed(f"https://{host}{path}", observed)
        role = Hosts().role(host)
        assert role is not None
        return self.uploads.start(routes.route(role, method, path, query), observed)

    def initiate(self, upload_url: str = SIGNED, file_url: str = CAT, *, multipart: bool = False, **more: Any) -> None:
        """Request an upload URL as the JavaScript client does."""
        announced = {"content_type": "image/png", "file_name": "cat.png"}
        answer = {"upload_url": upload_url, "file_url": file_url}
        line = f"{INITIATE}{'-multipart' * multipart}?storage_type=fal-cdn-v3"
        assert self.observe(line, announced, answer, **more) is None

    def start(self) -> str:
        """Request the URL for the parts of an upload as the Python client does."""
        answer = {"access_url": CAT, "uploadId": "up-1"}
        line = "POST https://v3b.fal.media/files/upload/multipart"
        assert self.observe(line, None, answer, asked={"content-type": "image/png"}) is None
        return f"{CAT}/multipart/up-1"


# in one piece


def test_javascript_puts_the_file_where_it_was_told() -> None:
    storage = Storage()
    storage.initiate()
    assert storage.observe(f"PUT {SIGNED}", PNG, asked={"content-type": "image/png"}) == uploaded(CAT, PNG)


def test_the_type_is_that_of_the_put_or_else_the_one_announced() -> None:
    storage = Storage()
    storage.initiate()
    assert storage.observe(f"PUT {SIGNED}", PNG, asked=JPEG) == uploaded(CAT, PNG, "image/jpeg")
    assert storage.observe(f"PUT {SIGNED}", PNG, asked={"content-type": "no type"}) == uploaded(CAT, PNG)


@pytest.mark.parametrize(
    "host", ["storage.googleapis.com", "bucket.r2.cloudflarestorage.com", "somewhere.else.example"]
)
def test_an_upload_url_may_be_on_any_host(host: str) -> None:
    storage = Storage()
    url = f"https://{host}/falserverless/web-uploads/x/cat.png"
    assert not storage.uploads.expects("PUT", url)
    storage.initiate(f"{url}?X-Goog-Signature=1234")
    assert storage.uploads.expects("PUT", url)
    assert storage.observe(f"PUT {url}?X-Goog-Signature=1234", PNG) == uploaded(CAT, PNG)


def test_the_fallback_of_python_puts_the_file_to_its_own_url() -> None:
    storage = Storage()
    storage.initiate(f"{BUCKET}?X-Goog-Signature=1234", BUCKET)
    assert storage.observe(f"PUT {BUCKET}?X-Goog-Signature=1234", PNG) == uploaded(BUCKET, PNG)


@pytest.mark.parametrize("host", ["v3.fal.media", "v3b.fal.media", "fal.media"])
def test_python_posts_the_file_and_is_told_its_url(host: str) -> None:
    answer = {"access_url": CAT}
    line = f"POST https://{host}/files/upload"
    assert Storage().observe(line, PNG, answer, asked=JPEG) == uploaded(CAT, PNG, "image/jpeg")
    assert Storage().observe(line, PNG, answer) == uploaded(CAT, PNG, "application/octet-stream")


def test_a_body_that_passed_through_is_known_by_its_digest() -> None:
    sent = joined([exchange("PUT https://a/b", PNG).uploaded])._replace(data=None)
    observed = exchange("POST https://v3.fal.media/files/upload", None, {"access_url": CAT}, asked=JPEG)
    assert Storage().note(observed._replace(sent=sent)) == uploaded(CAT, PNG, "image/jpeg")


# in parts


def test_javascript_puts_numbered_parts_and_completes() -> None:
    storage = Storage()
    storage.initiate(multipart=True)
    target, query = SIGNED.split("?")
    for number, part in enumerate((b"one", b"two"), 1):
        assert storage.observe(f"PUT {target}/{number}?{query}", part, {"partNumber": number, "etag": "e"}) is None
    assert storage.observe(f"POST {target}/complete?{query}", {"parts": []}) == uploaded(CAT, b"onetwo")


def test_python_puts_numbered_parts_and_completes() -> None:
    storage = Storage()
    target = storage.start()
    for number, part in enumerate((b"one", b"two"), 1):
        assert storage.observe(f"PUT {target}/{number}", part, asked=JPEG) is None
    assert storage.observe(f"POST {target}/complete", {"parts": []}) == uploaded(CAT, b"onetwo")


def test_the_fal_package_asks_where_to_put_each_part() -> None:
    storage = Storage()
    storage.initiate(f"{BUCKET}?X-Goog-Signature=1234", BUCKET)
    for number, part in ((2, b"two"), (1, b"one")):
        target = f"https://storage.googleapis.com/parts/{number}?X-Goog-Signature=5678"
        assert storage.observe(f"POST {BUCKET}/{number}", None, {"upload_url": target}) is None
        assert storage.observe(f"PUT {target}", part) is None
    assert storage.observe(f"POST {BUCKET}/complete", {"parts": []}) == uploaded(BUCKET, b"onetwo")


@given(
    st.lists(st.binary(max_size=4), min_size=1, max_size=12).flatmap(
        lambda parts: st.permutations([*enumerate(parts, 1)])
    )
)
def test_parts_may_come_in_any_order(parts: list[tuple[int, bytes]]) -> None:
    storage = Storage()
    target = storage.start()
    for number, part in parts:
        assert storage.observe(f"PUT {target}/{number}", part) is None
    whole = b"".join(part for _, part in sorted(parts))
    assert storage.observe(f"POST {target}/complete", {"parts": []}) == uploaded(CAT, whole)


@given(st.permutations([(upload, number) for upload in "ab" for number in (1, 2, 3)]))
def test_uploads_at_the_same_time_are_told_apart(order: list[tuple[str, int]]) -> None:
    storage = Storage()
    targets = {name: f"https://up.example/{name}" for name in "ab"}
    for name, target in targets.items():
        storage.initiate(target, f"https://v3b.fal.media/files/b/1/{name}")
    for name, number in order:
        storage.observe(f"PUT {targets[name]}/{number}", f"{name}{number}".encode())
    for name, target in targets.items():
        file = storage.observe(f"POST {target}/complete", {})
        assert file == uploaded(f"https://v3b.fal.media/files/b/1/{name}", f"{name}1{name}2{name}3".encode())


def test_a_part_that_is_sent_again_takes_the_place_of_the_first() -> None:
    storage = Storage()
    target = storage.start()
    for part in (b"bad", b"good"):
        storage.observe(f"PUT {target}/1", part)
    assert storage.observe(f"POST {target}/complete", {}) == uploaded(CAT, b"good")


def test_an_upload_without_parts_comes_to_nothing() -> None:
    storage = Storage()
    target = storage.start()
    assert storage.observe(f"POST {target}/complete", {}) is None


# what is needed of bodies


def test_what_is_needed_of_a_body_is_known_before_it_comes() -> None:
    storage = Storage()
    assert storage.uploads.sink("PUT", SIGNED) is Sink.NOTHING
    storage.initiate()
    target = url_key(SIGNED)
    for method, url, sink in (
        ("PUT", target, Sink.HASH),
        ("PUT", f"{target}/1", Sink.SPOOL),
        ("PUT", f"{target}/complete", Sink.NOTHING),
        ("POST", f"{target}/1", Sink.NOTHING),
        ("GET", target, Sink.NOTHING),
        ("PUT", f"{target}x", Sink.NOTHING),
        ("PUT", f"{target}/x", Sink.NOTHING),
    ):
        assert storage.uploads.sink(method, url) is sink, (method, url)


def test_the_start_of_an_upload_that_lost_content_is_told_once() -> None:
    storage = Storage()
    assert storage.uploads.lose(SIGNED) is None
    storage.initiate()
    begun = storage.uploads.lose(f"{url_key(SIGNED)}/3")
    assert begun is not None
    assert begun.request.path == "/storage/upload/initiate"
    assert storage.uploads.lose(f"{url_key(SIGNED)}/4") is None


def test_parts_of_which_one_is_lost_are_no_file() -> None:
    storage = Storage()
    storage.initiate()
    assert storage.observe(f"PUT {url_key(SIGNED)}/1", PNG) is None
    storage.uploads.lose(f"{url_key(SIGNED)}/2")
    assert storage.observe(f"POST {url_key(SIGNED)}/complete", {"parts": []}) is None


# what goes wrong


@pytest.mark.parametrize("answer", [None, "text", [], {}, {"upload_url": 1, "file_url": CAT}, {"upload_url": SIGNED}])
def test_a_promise_that_cannot_be_read_is_none(answer: Any) -> None:
    storage = Storage()
    assert storage.observe(INITIATE, {"content_type": "image/png"}, answer) is None
    assert not storage.uploads.expects("PUT", url_key(SIGNED))


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b'{"content_type": 5}'])
def test_an_announcement_that_cannot_be_read_tells_no_type(sent: bytes) -> None:
    storage = Storage()
    assert storage.observe(INITIATE, sent, {"upload_url": SIGNED, "file_url": CAT}) is None
    assert storage.observe(f"PUT {SIGNED}", PNG) == uploaded(CAT, PNG, "application/octet-stream")


def test_an_upload_without_its_content_names_no_file() -> None:
    observed = exchange("POST https://v3.fal.media/files/upload", None, {"access_url": CAT}, lost="it was cut")
    assert Storage().note(observed) is None


def test_the_oldest_promises_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LIMIT", 2)
    storage = Storage()
    for number in range(3):
        storage.initiate(f"https://up.example/{number}")
    assert [storage.uploads.expects("PUT", f"https://up.example/{number}") for number in range(3)] == [
        False,
        True,
        True,
    ]


def test_names_of_urls() -> None:
    assert url_key(f"{CAT}?identity=1#x") == CAT
    assert url_key(f"{CAT}#x?y") == CAT
    assert file_name("https://a/b/a%20cat.png?x=/y") == "a cat.png"
    assert file_name("https://a/b/") == ""


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://v3.fal.media/a.png?x=1#y", "https://v3.fal.media/a.png"),
        ("https://storage.googleapis.com/b/a.png?x=1", "https://storage.googleapis.com/b/a.png"),
        ("https://Out.Example.com/a.png#top", "https://out.example.com/a.png"),
        ("http://out.example.com/a.png", "https://out.example.com/a.png"),
        ("https://out.example.com/a cat.png", "https://out.example.com/a%20cat.png"),
        ("https://out.example.com/a%20cat.png", "https://out.example.com/a%20cat.png"),
        ("https://out.example.com/猫.png", "https://out.example.com/%E7%8C%AB.png"),
        ("https://out.example.com/file?id=1", "https://out.example.com/file?id=1"),
        ("https://out.example.com/file?id=1&Signature=x", "https://out.example.com/file"),
        ("https://out.example.com/file?id=1&api_key=x", "https://out.example.com/file"),
        ("https://out.example.com/file?X-Amz-Date=1&id=2", "https://out.example.com/file"),
        ("ftp://out.example.com/a?b", "ftp://out.example.com/a"),
        ("no URL", "no URL"),
    ],
)
def test_the_key_of_a_url(url: str, key: str) -> None:
    assert url_key(url) == key
