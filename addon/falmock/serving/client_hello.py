"""Reads what a client says when it begins TLS (RFC 8446, section 4.1.2)."""

from __future__ import annotations

from typing import NamedTuple

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME, _ALPN = 0, 16
_MAX = 64 * 1024


class Incomplete(ValueError):
    """The hello is not complete yet."""


class NotAHello(ValueError):
    """The bytes are no TLS hello."""


class ClientHello(NamedTuple):
    """The name that a client wants to reach ("" for none), the protocols it offers, and its cipher suites."""

    name: str
    protocols: tuple[bytes, ...]
    ciphers: tuple[int, ...]


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
    ciphers = tuple(int.from_bytes(suites[at : at + 2]) for at in range(0, len(suites), 2))
    hello.vector(1)
    name = ""
    protocols: tuple[bytes, ...] = ()
    extensions = _Reader(b"" if hello.is_empty else hello.vector(2), NotAHello)
    while not extensions.is_empty:
        kind, content = extensions.number(2), _Reader(extensions.vector(2), NotAHello)
        if kind == _SERVER_NAME and not content.is_empty:
            names = _Reader(content.vector(2), NotAHello)
            name = names.vector(2).decode("latin-1") if names.number(1) == 0 else ""
        elif kind == _ALPN:
            protocols = _protocols(_Reader(content.vector(2), NotAHello))
    return ClientHello(name, protocols, ciphers)


def _protocols(listed: _Reader) -> tuple[bytes, ...]:
    found = []
    while not listed.is_empty:
        found.append(listed.vector(1))
    return tuple(found)
