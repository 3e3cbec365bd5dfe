"""A name server for a network that nothing leads out of: it knows fal's names, and says of all others that there are none."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from collections.abc import Sequence
from ipaddress import IPv4Address
from ipaddress import IPv6Address
from typing import NamedTuple
from typing import cast

Address = IPv4Address | IPv6Address
PORT = 53
A = 1
AAAA = 28
_ANY_TYPE = 255
_IN = 1
_HEAD = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HH")
_RECORD = struct.Struct("!HHHIH")
_SECONDS = 60
"""How long an answer may be kept."""
_NAME_OF_QUESTION = 0xC00C
"""A pointer to the name in the question (RFC 1035, section 4.1.4)."""
_RESPONSE, _AUTHORITATIVE, _DESIRED, _AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080
_OPCODE = 0x7800
_NO_ERROR, _FORMAT_ERROR, _NO_SUCH_NAME, _NOT_IMPLEMENTED = 0, 1, 3, 4


class Question(NamedTuple):
    """The first question of a query: the name, as it is written, its type, and the bytes of the question."""

    number: int
    flags: int
    name: str
    kind: int
    data: bytes


class NotAQuery(ValueError):
    """A message is no query that can be answered."""


def read(message: bytes) -> Question:
    """The question of a query (RFC 1035, section 4.1). Raises NotAQuery."""
    if len(message) < _HEAD.size:
        raise NotAQuery
    number, flags, questions, *_ = _HEAD.unpack_from(message)
    if flags & _RESPONSE:
        raise NotAQuery
    labels, at = [], _HEAD.size
    while at < len(message) and 0 < message[at] < 0x40:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("utf-8", "replace"))
        at += 1 + message[at]
    if questions != 1 or at + 1 + _FIXED.size > len(message) or message[at]:
        return Question(number, flags, "", 0, b"")
    end = at + 1 + _FIXED.size
    kind, _ = _FIXED.unpack_from(message, at + 1)
    return Question(number, flags, ".".join(labels), kind, message[_HEAD.size : end])


def answer(question: Question, addresses: Sequence[Address] | None) -> bytes:
    """The answer to a question: these addresses, of the type that was asked for; None for a name that there is not.

    Without other records: an HTTPS record would bring keys (ECH) and addresses of the real service.
    """
    code = _NO_ERROR if addresses is not None else _NO_SUCH_NAME
    if not question.data:
        code = _FORMAT_ERROR
    elif question.flags & _OPCODE:
        code = _NOT_IMPLEMENTED
    records = [] if code else [each for each in addresses or () if question.kind in (_type(each), _ANY_TYPE)]
    flags = _RESPONSE | _AUTHORITATIVE | question.flags & (_OPCODE | _DESIRED) | _AVAILABLE | code
    head = _HEAD.pack(question.number, flags, 1 if question.data else 0, len(records), 0, 0)
    return head + question.data + b"".join(map(_record, records))


def _type(address: Address) -> int:
    return A if isinstance(address, IPv4Address) else AAAA


def _record(address: Address) -> bytes:
    packed = address.packed
    return _RECORD.pack(_NAME_OF_QUESTION, _type(address), _IN, _SECONDS, len(packed)) + packed


class NameServer(asyncio.DatagramProtocol):
    """Answers queries over UDP. `addresses_of` returns the addresses of a name, and hears of the port that asks; see `answer`."""

    def __init__(self, addresses_of: Callable[[str, int], Sequence[Address] | None]) -> None:
        self._addresses_of = addresses_of

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It listens."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A query came."""
        try:
            question = read(data)
        except NotAQuery:
            return
        addresses = self._addresses_of(question.name, addr[1]) if question.name else None
        self._transport.sendto(answer(question, addresses), addr)
