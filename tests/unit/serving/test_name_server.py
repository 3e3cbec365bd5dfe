"""Queries for names, and their answers, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.serving import name_server
from falmock.serving.name_server import Address
from falmock.serving.name_server import NameServer
from falmock.serving.name_server import NotAQuery

A, AAAA, HTTPS, ANY = 1, 28, 65, 255
HERE = (ip_address("1.2.3.4"), ip_address("4000::1"))


def query(name: str, kind: int = A, flags: int = 0x0100, number: int = 7, questions: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"
    return struct.pack("!HHHHHH", number, flags, questions, 0, 0, 0) + labels + struct.pack("!HH", kind, 1)


def answered(message: bytes, addresses: Sequence[Address] | None) -> tuple[int, list[str]]:
    """The code of the answer, and its addresses."""
    question = name_server.read(message)
    reply = name_server.answer(question, addresses)
    number, flags, questions, answers, more, other = struct.unpack_from("!HHHHHH", reply)
    assert (number, flags & 0x8480, more, other) == (7, 0x8480, 0, 0)
    assert flags & 0x0100 == message[2] << 8 & 0x0100
    at = 12
    if questions:
        assert reply[at:].startswith(question.data)
        at += len(question.data)
    found = []
    for _ in range(answers):
        pointer, kind, _, seconds, size = struct.unpack_from("!HHHIH", reply, at)
        assert (pointer, seconds) == (0xC00C, 60)
        assert size == {A: 4, AAAA: 16}[kind]
        found.append(str(ip_address(reply[at + 12 : at + 12 + size])))
        at += 12 + size
    assert at == len(reply)
    return flags & 0xF, found


@pytest.mark.parametrize(
    ("kind", "found"),
    [(A, ["1.2.3.4"]), (AAAA, ["4000::1"]), (HTTPS, []), (ANY, ["1.2.3.4", "4000::1"])],
)
def test_a_name_has_the_addresses_of_the_type_that_is_asked_for(kind: int, found: list[str]) -> None:
    assert answered(query("queue.fal.run", kind), HERE) == (0, found)


def test_a_name_that_there_is_not() -> None:
    assert answered(query("example.com"), None) == (3, [])


def test_the_name_is_read_as_it_is_written() -> None:
    question = name_server.read(query("Queue.FAL.run", AAAA))
    assert (question.name, question.kind) == ("Queue.FAL.run", AAAA)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (query("fal.run", flags=0x1000), 4),  # another operation: status
        (query("fal.run", questions=2), 1),
        (query("fal.run", questions=0), 1),
        (query("fal.run")[:-3], 1),
        (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0), 1),
        (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", 1),
    ],
)
def test_a_query_that_is_not_answered_is_refused(message: bytes, code: int) -> None:
    assert answered(message, HERE) == (code, [])


@pytest.mark.parametrize("message", [b"", b"x" * 11, query("fal.run", flags=0x8000)])
def test_what_is_no_query_gets_no_answer(message: bytes) -> None:
    with pytest.raises(NotAQuery):
        name_server.read(message)


@given(st.binary(max_size=80))
def test_any_bytes_are_read(data: bytes) -> None:
    try:
        question = name_server.read(data)
    except NotAQuery:
        return
    assert name_server.answer(question, HERE)[:2] == data[:2]


def test_a_resolver_is_answered() -> None:
    asked = []

    def addresses_of(name: str, port: int) -> list[IPv4Address]:
        asked.append((name, port))
        return [IPv4Address("1.2.3.4")]

    async def ask() -> tuple[bytes, int]:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(lambda: NameServer(addresses_of), ("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(server.get_extra_info("sockname"))
            client.send(b"no query")
            client.send(query("fal.run"))
            answer = await asyncio.wait_for(loop.sock_recv(client, 512), 10)
            port = client.getsockname()[1]
        server.close()
        return answer, port

    answer, port = asyncio.run(ask())
    assert answer.endswith(bytes((1, 2, 3, 4)))
    assert asked == [("fal.run", port)]
