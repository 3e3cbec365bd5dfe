from __future__ import annotations

import tracemalloc

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats import multipart
from falmock.wire.formats.multipart import BadForm
from falmock.wire.formats.multipart import Part

TYPE = "multipart/form-data; boundary=XX"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)


def form(*fields: str, end: str = "--XX--\r\n") -> bytes:
    return "".join(f"--XX\r\n{field}\r\n" for field in fields).encode() + end.encode()


def test_fields_and_files() -> None:
    body = form(
        'Content-Disposition: form-data; name="n"\r\n\r\n3',
        'content-disposition: form-data; name="image[]"; filename="a \\"b\\".png"\r\nContent-Type: image/png\r\n\r\nab\r\ncd\r\n',
        "Content-Disposition: form-data; name=x; filename*=UTF-8''%C3%A9.png\r\n\r\n",
    )
    assert multipart.read(TYPE, b"before\r\n" + body + b"behind") == [
        Part("n", b"3"),
        Part("image[]", b"ab\r\ncd\r\n", 'a "b".png', "image/png"),
        Part("x", b"", "é.png"),
    ]


@given(st.lists(st.tuples(NAMES, NAMES, st.binary()), min_size=1, max_size=5))
def test_what_httpx_sends_is_what_is_read(files: list[tuple[str, str, bytes]]) -> None:
    given = [(name, (file, data, "image/png")) for name, file, data in files]
    request = httpx.Request("POST", "http://x", files=given)
    parts = multipart.read(request.headers["content-type"], request.read())
    assert [part.data for part in parts] == [data for _, _, data in files]
    assert [part.content_type for part in parts] == ["image/png"] * len(files)
    # Backslashes are escaped by some senders and not by others; %22 stands for a quotation mark and for itself.
    plain = [(name, file) for name, file, _ in files if "\\" not in name + file and "%22" not in name + file]
    assert [(part.name, part.file_name) for part in parts if (part.name, part.file_name) in plain] == plain


@given(
    st.sampled_from(
        [TYPE, "multipart/form-data", "multipart/form-data; boundary=", "", 'multipart/form-data; boundary="a b"']
    ),
    st.binary(),
)
def test_anything_else_is_no_form(content_type: str, body: bytes) -> None:
    with pytest.raises(BadForm):
        multipart.read(content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"{}", "expected the content type multipart/form-data, found 'application/json'"),
        ("multipart/form-data", b"--XX--", "expected a boundary in the content type"),
        (TYPE, b"--YY\r\n\r\n--YY--", "expected the boundary of the content type in the body"),
        (TYPE, form('Content-Disposition: form-data; name="n"\r\n\r\n3', end=""), "it breaks off"),
        (TYPE, form("Content-Disposition: form-data\r\n\r\n3"), "expected a field to tell its name"),
        (TYPE, form('Content-Disposition: form-data; name="n"'), "expected an empty line"),
        (TYPE, b"--XX rest\r\n\r\n--XX--", "expected the end of the line behind a boundary"),
        (TYPE, form(*['Content-Disposition: form-data; name="n"\r\n\r\n'] * 1001), "more than 1000 fields"),
        (
            TYPE,
            form(*['Content-Disposition: form-data; name="n"\r\n\r\n'] * 1001) + b"--XX" * 99,
            "more than 1000 fields",
        ),
        (TYPE, form("X: 1\r\n" * 20_000 + "\r\n3"), "a field with more than 65536 bytes of headers"),
    ],
)
def test_the_complaint_says_what_was_expected(content_type: str, body: bytes, expected: str) -> None:
    with pytest.raises(BadForm, match=expected):
        multipart.read(content_type, body)


def test_a_body_of_boundaries_takes_little_memory() -> None:
    body = b"\r\n--XX...." * 1_000_000
    tracemalloc.start()
    with pytest.raises(BadForm):
        multipart.read(TYPE, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(body)


def test_as_many_fields_as_there_may_be() -> None:
    assert len(multipart.read(TYPE, form(*['Content-Disposition: form-data; name="n"\r\n\r\n3'] * 1000))) == 1000
