"""Queries a name server directly, without the system's resolver."""

from __future__ import annotations

import secrets
import socket
import struct
from ipaddress import ip_address
from typing import NamedTuple

A = 1
AAAA = 28
HTTPS = 65
_QUERY = 0x0100  # recursion desired


class Answer(NamedTuple):
    """The answer of a name server: its code (0 is NOERROR) and the addresses in its answer section."""

    code: int
    addresses: tuple[str, ...]


def ask(port: int, name: str, kind: int = A, seconds: float = 20) -> Answer:
    """Query the name server on a loopback port."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    question += struct.pack("!HH", kind, 1)
    # A random id: mitmproxy takes the same id from the same port as a repeated query.
    number = secrets.randbits(16)
    head = struct.pack("!HHHHHH", number, _QUERY, 1, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(seconds)
        connection.connect(("127.0.0.1", port))
        connection.send(head + question)
        message = connection.recv(4096)
    assert message[:2] == head[:2]
    return _read(message, len(head + question))


def _read(message: bytes, at: int) -> Answer:
    _, flags, _, answers, _, _ = struct.unpack_from("!HHHHHH", message)
    addresses = []
    for _ in range(answers):
        at = _after_name(message, at)
        kind, _, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        assert kind in {A, AAAA}, f"a record of type {kind}"
        addresses.append(str(ip_address(message[at : at + length])))
        at += length
    return Answer(flags & 0xF, tuple(addresses))


def _after_name(message: bytes, at: int) -> int:
    while message[at] and message[at] < 0xC0:
        at += 1 + message[at]
    return at + (2 if message[at] >= 0xC0 else 1)
