from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats.media import extension_of
from falmock.wire.formats.media import is_type
from falmock.wire.formats.media import media_type
from falmock.wire.formats.media import sniffed
from falmock.wire.formats.media import type_of


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.png", "image/png"),
        ("A.PNG", "image/png"),
        ("a.b.jpeg", "image/jpeg"),
        ("clip.mp4", "video/mp4"),
        ("clip.webm", "video/webm"),
        ("speech.wav", "audio/wav"),
        ("song.mp3", "audio/mpeg"),
        ("mesh.glb", "model/gltf-binary"),
        ("a.unknown", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
        ("", "application/octet-stream"),
        (".", "application/octet-stream"),
    ],
)
def test_the_type_a_name_suggests(name: str, content_type: str) -> None:
    assert type_of(name) == content_type


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("image/png", "png"),
        ("IMAGE/JPEG", "jpg"),
        ("text/plain; charset=utf-8", "txt"),
        (" audio/mpeg ; x=y", "mp3"),
        ("application/octet-stream", "bin"),
        ("application/x-unheard-of", "bin"),
        ("", "bin"),
    ],
)
def test_the_extension_of_a_type(content_type: str, extension: str) -> None:
    assert extension_of(content_type) == extension


@pytest.mark.parametrize(
    "text",
    [
        "image/png",
        "text/plain; charset=utf-8",
        "text/plain;charset=utf-8",
        'multipart/form-data; boundary="a b;c"',
        "application/vnd.api+json",
        "image/svg+xml",
        "video/mp4; codecs=avc1.42E01E; q=1",
        "text/plain\t;\ta=b",
    ],
)
def test_media_types(text: str) -> None:
    assert is_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "png",
        "image/",
        "/png",
        "image/png/x",
        "image /png",
        "image/png;",
        "image/png; charset",
        "image/png, text/plain",
        "image/png\r\n",
        "text/plain;\r\na=b",
        "text/plain\r\n;a=b",
        'text/plain;a="\r\n"',
        "text/plain;a=\x00",
        "text/plain;a=\x7f",
        'text/plain;a="\x01"',
        "text/plain;a=é",
        'text/plain;a="\ud800"',
        "ïmage/png",
    ],
)
def test_texts_that_are_no_media_type(text: str) -> None:
    assert not is_type(text)


RISKY = st.lists(
    st.sampled_from(
        ["a/b", "text/plain", ";", "=", '"', "a", "\r", "\n", "\r\n", " ", "\t", "\x00", "\x0b", "\x85", "\\"]
    )
    | st.characters(),
    max_size=10,
).map("".join)


@given(RISKY | RISKY.map("text/plain;a=".__add__) | RISKY.map('text/plain;a="{}"'.format))
def test_whatever_passes_for_a_type_is_safe_in_a_header(text: str) -> None:
    if is_type(text):
        assert text.isascii()
        assert all(char.isprintable() or char == "\t" for char in text)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"RIFF1234WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"ID3\4", "audio/mpeg"),
        (b"glTF\2", "model/gltf-binary"),
        (b"RIFF1234AVI ", "application/octet-stream"),
        (b"\x89PN", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_type_that_content_suggests(data: bytes, content_type: str) -> None:
    assert sniffed(data) == content_type
    assert content_type == "application/octet-stream" or type_of(f"x.{extension_of(content_type)}") == content_type


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("image/png", "image/png"),
        (" Application/JSON ; charset=UTF-8", "application/json"),
        ("text/plain;a=b;c=d", "text/plain"),
        ("", ""),
        (";", ""),
    ],
)
def test_the_media_type_that_a_header_tells(content_type: str, expected: str) -> None:
    assert media_type(content_type) == expected
