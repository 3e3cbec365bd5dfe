"""Reads what a client says when it begins TLS (RFC 8446, section 4.1.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

SERVER_NAME = 0
"""The extension with the server's names (RFC 6066, section 3)."""
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_ALPN = 16
_MAX = 64 * 1024
_EXTENSION = struct.Struct(">HH")


class Incomplete(ValueError):
    """The hello is not complete yet."""


class NotAHello(ValueError):
    """The bytes are no TLS hello."""


class ClientHello(NamedTuple):
    """The names of the server that a client wants to reach, the protocols it offers, and its cipher suites."""

    names: tuple[str, ...]
    protocols: tuple[bytes, ...]
    ciphers: tuple[int, ...]

    @property
    def name(self) -> str:
        """The first name; "" for none."""
        return self.names[0] if self.names else ""


class _Reader:
    """Takes values from the front of bytes. Raises `missing` if there are too few."""

    def __init__(self, data: bytes, missing: type[ValueError]) -> None:
        self.data = data
        self._at = 0
        self._missing = missing

    def take(self, size: int) -> bytes:
        found = self.data[self._at : self._at + size]
        if len(found) < size:
            raise self._missing
        self._at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """Bytes whose length precedes them, in `size` bytes."""
        return self.take(self.number(size))

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self.data)


def read(data: bytes) -> ClientHello:
    """The hello at the start of a connection. Raises Incomplete, NotAHello."""
    return _hello(_Reader(_message(data), NotAHello))


def _message(data: bytes) -> bytes:
    """The first handshake message, which may be split into several records."""
    records, message = _Reader(data, Incomplete), b""
    while True:
        if records.number(1) != _HANDSHAKE:
            raise NotAHello
        records.number(2)
        message += records.vector(2)
        if message[:1] not in (b"", bytes((_CLIENT_HELLO,))) or len(message) > _MAX:
            raise NotAHello
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4]):
            return message[4 : 4 + int.from_bytes(message[1:4])]


def _hello(hello: _Reader) -> ClientHello:
    hello.take(2 + 32)
    hello.vector(1)
    suites = hello.vector(2)
    ciphers = struct.unpack(f">{len(suites) // 2}H", suites[: len(suites) // 2 * 2])
    hello.vector(1)
    names: tuple[str, ...] = ()
    protocols: tuple[bytes, ...] = ()
    for kind, content in _extensions(b"" if hello.is_empty else hello.vector(2)):
        if kind == SERVER_NAME:
            names = tuple(server_names(content))
        elif kind == _ALPN:
            protocols = _protocols(_Reader(_Reader(content, NotAHello).vector(2), NotAHello))
    return ClientHello(names, protocols, ciphers)


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The kinds and the contents of extensions. Each connection has a dozen, so this takes no `_Reader`."""
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise NotAHello
        kind, size = _EXTENSION.unpack_from(data, at)
        at += 4 + size
        if at > len(data):
            raise NotAHello
        yield kind, data[at - size : at]


def server_names(extension: bytes) -> Iterator[str]:
    """The names in the content of the extension SERVER_NAME, whatever their characters are."""
    at = 2  # behind the length of the list
    while at + 3 <= len(extension):  # a type, the length in two bytes, and the name
        end = at + 3 + int.from_bytes(extension[at + 1 : at + 3])
        yield extension[at + 3 : end].decode("utf-8", "replace")
        at = end


def _protocols(listed: _Reader) -> tuple[bytes, ...]:
    found = []
    while not listed.is_empty:
        found.append(listed.vector(1))
    return tuple(found)
