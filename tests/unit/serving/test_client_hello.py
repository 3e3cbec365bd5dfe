"""The hello of a client, as OpenSSL sends it, and bytes that are none."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.serving import client_hello
from falmock.serving.client_hello import ClientHello
from falmock.serving.client_hello import Incomplete
from falmock.serving.client_hello import NotAHello


def hello(name: str | None = "queue.fal.run", protocols: tuple[str, ...] = ()) -> bytes:
    """What OpenSSL begins with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def test_a_name_and_protocols() -> None:
    found = client_hello.read(hello(protocols=("h2", "http/1.1")))
    assert (found.name, found.protocols) == ("queue.fal.run", (b"h2", b"http/1.1"))
    assert found.ciphers[:3] == (0x1302, 0x1303, 0x1301)


def test_neither_a_name_nor_protocols() -> None:
    assert client_hello.read(hello(None))[:2] == ((), ())


def test_without_extensions() -> None:
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0"
    message = b"\1" + len(body).to_bytes(3) + body
    assert client_hello.read(b"\x16\x03\x01" + len(message).to_bytes(2) + message) == ClientHello((), (), (0x1301,))


def test_in_several_records() -> None:
    record = hello()
    message = record[5:]
    split = b"".join(
        b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in (message[:1], message[1:7], message[7:])
    )
    assert client_hello.read(split) == client_hello.read(record)


@given(st.data())
def test_a_part_of_it_is_incomplete(data: st.DataObject) -> None:
    whole = hello(protocols=("h2",))
    with pytest.raises(Incomplete):
        client_hello.read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1", b"\x16\x03\x01\0\4\2\0\0\0", b"\x16\x03\x01\0\5\1\0\0\1\0", b"\x15"]
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(NotAHello):
        client_hello.read(data)


@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, byte: int) -> None:
    near = bytearray(hello(protocols=("h2",)))
    near[place] = byte
    for data in (noise, bytes(near), b"\x16\x03\x01" + len(noise).to_bytes(2) + noise):
        with suppress(Incomplete, NotAHello):
            client_hello.read(data)
