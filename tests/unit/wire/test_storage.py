from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import storage
from falmock.wire.storage import BadFileName
from falmock.wire.storage import ByteRange

RISKY_NAMES = st.text(
    st.sampled_from(["/", "\\", "\r", "\n", "\x00", "\x1f", "\x7f", ".", "a", " ", "é", "%", "?", "#"])
    | st.characters(),
    max_size=12,
)


def plain(name: str) -> bool:
    try:
        return storage.check_name(name) == name
    except BadFileName:
        return False


NAMES = RISKY_NAMES.filter(plain)


@pytest.mark.parametrize("name", ["a", "a b.txt", "é.png", "...", ".hidden", "a%2Fb", "日本.png", "x" * 255])
def test_file_names(name: str) -> None:
    assert storage.check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "/a", "../a", "a\\b", "a\r\nb", "a\nb", "a\x00", "a\x7f", "a\ud800", "x" * 256],
)
def test_texts_that_are_no_file_name(name: str) -> None:
    with pytest.raises(BadFileName, match="is not a file name"):
        storage.check_name(name)


@given(RISKY_NAMES)
def test_whatever_passes_for_a_name_stays_in_its_folder_and_header(name: str) -> None:
    if plain(name):
        assert not set(name) & set("/\\\r\n\x00")
        assert name not in ("", ".", "..")
        assert name.encode()


@given(st.binary(max_size=8), NAMES)
def test_a_content_path_names_its_content(content: bytes, name: str) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    path = storage.content_path(storage.digest(content), name)
    assert storage.digest_in_path(path) == sha256
    assert path.isascii()
    assert path.count("/") == 4
    assert not set(path) & set(" ?#\r\n\\")
    assert urlsplit(storage.content_url(sha256, name)).path == path


def test_the_form_of_a_content_url() -> None:
    sha256 = hashlib.sha256(b"").hexdigest()
    assert storage.content_url(sha256, "a b.png") == (
        "https://v3b.fal.media/files/b/e3b0c442/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU_a%20b.png"
    )


GOOD = "/files/b/e3b0c442/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU_a.png"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        GOOD[1:],
        GOOD.replace("e3b0c442", "e3b0c443"),
        GOOD.replace("/b/", "/c/"),
        GOOD.replace("47DEQ", "47DE"),
        GOOD.replace("47DEQ", "47DE+"),
        GOOD + "/x",
        "/falserverless" + GOOD,
        "/files/koala/7CG2M_3H4_x8Uci2ay4LH.jpeg",
        "/files/b/0a9df36f/gjg6Bvp-NUq-_C3kB_l3l_video.mp4",
    ],
)
def test_other_paths_name_no_content(path: str) -> None:
    assert storage.digest_in_path(path) is None


@given(st.text(st.characters()) | st.from_regex(r"/files/b/[0-9a-f]{8}/[A-Za-z0-9_-]{43}_x", fullmatch=True))
def test_any_path_names_a_digest_or_nothing(path: str) -> None:
    found = storage.digest_in_path(path)
    assert found is None or len(bytes.fromhex(found)) == 32


def test_promised_urls() -> None:
    path = storage.ticket_path("0123456789abcdef0123456789abcdef", "a b.txt")
    assert path == "/files/b/01234567/89abcdef0123456789abc_a%20b.txt"
    upload, file = storage.promised_urls(path, "sig", gcs=False)
    assert (upload, file) == (f"https://v3b.fal.media{path}?signature=sig", f"https://v3b.fal.media{path}")
    upload, file = storage.promised_urls(path, "sig", gcs=True)
    assert file == f"https://storage.googleapis.com/falserverless{path}"
    assert upload == f"{file}?signature=sig"


@pytest.mark.parametrize("path", ["/files/b/01/a%20b.txt", "/falserverless/files/b/01/a b.txt"])
def test_a_file_has_one_key_on_every_host(path: str) -> None:
    assert storage.asset_key(path) == "/files/b/01/a b.txt"


def test_an_entity_tag_is_quoted() -> None:
    assert storage.etag_of("ab" * 32) == f'"{"ab" * 16}"'


def model(first: int | None, last: int | None, size: int) -> ByteRange | None:
    """RFC 9110 section 14.1.2 by trying every byte; ValueError if the range has none."""
    if first is None:
        wanted = [at for at in range(size) if at >= size - (last or 0)]
    elif last is not None and last < first:
        return None
    else:
        wanted = [at for at in range(size) if at >= first and (last is None or at <= last)]
    if not wanted:
        raise ValueError
    return ByteRange(wanted[0], wanted[-1] + 1)


PLACES = st.none() | st.integers(0, 25) | st.integers(10**15, 10**17)


@given(PLACES, PLACES, st.integers(0, 20))
def test_one_range(first: int | None, last: int | None, size: int) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None and last is None:
        assert storage.parse_range(text, size) is None
        return
    try:
        expected = model(first, last, size)
    except ValueError:
        with pytest.raises(ValueError, match=text):
            storage.parse_range(text, size)
    else:
        assert storage.parse_range(text, size) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "items=0-1",
        "bytes=1-0",
        "bytes=-1-2",
        "bytes=٣-",
        pytest.param(f"bytes=0-{'9' * 5000}", id="digits"),
    ],
)
def test_what_is_no_single_range_is_ignored(text: str) -> None:
    assert storage.parse_range(text, 10) is None


@given(st.text(st.sampled_from("bytes=0123456789-, ") | st.characters(), max_size=20), st.integers(0, 5))
def test_any_range_header_is_met_ignored_or_refused(text: str, size: int) -> None:
    try:
        span = storage.parse_range(text, size)
    except ValueError:
        return
    assert span is None or 0 <= span.start < span.stop <= size


@given(st.lists(st.tuples(st.binary(), NAMES), max_size=4), st.binary())
def test_the_digests_in_a_text(files: list[tuple[bytes, str]], between: bytes) -> None:
    digests = {storage.digest(content) for content, _ in files}
    urls = [storage.content_url(storage.digest(content), name).encode() for content, name in files]
    assert storage.digests_in(b" ".join([between, *urls, between])) >= digests
    assert storage.digests_in(b'","'.join(urls)) == digests


def test_what_only_looks_like_one_has_no_digest() -> None:
    path = storage.content_path(storage.digest(b"cat"), "cat.png")
    assert storage.digests_in(path.replace(path[9:17], "00000000", 1).encode()) == set()
