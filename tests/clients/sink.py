"""What a network namespace sends out, seen at the other end of its cable.

As a program: `sink.py INTERFACE ADDRESS NAME...` answers there for the whole internet. It resolves every name to ADDRESS,
serves what web servers and proxies do, and prints a line for each packet that begins something: `tcp ADDRESS:PORT`,
`udp ADDRESS:PORT`, `name NAME`. The packets are read below the firewall, so no rule and no closed port hides one.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from clients.elsewhere import Elsewhere
from clients.elsewhere import Names
from clients.elsewhere import serving

_EVERY_PROTOCOL, _IPV4, _IPV6 = 3, 0x0800, 0x86DD
_TCP, _UDP, _SYN, _ACK = 6, 17, 2, 16
_OUTGOING = 4
_DNS = 53


def begun(kind: int, packet: bytes) -> Iterator[str]:
    """What a packet of this kind begins."""
    if kind == _IPV4:
        protocol, rest = packet[9], packet[(packet[0] & 15) * 4 :]
        address = socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif kind == _IPV6:
        protocol, rest = packet[6], packet[40:]
        address = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    else:
        return
    if protocol not in (_TCP, _UDP):
        return
    (port,) = struct.unpack("!H", rest[2:4])
    if protocol == _UDP:
        yield f"udp {address}:{port}" if port != _DNS else f"name {_name(rest[8:])}"
    elif rest[13] & (_SYN | _ACK) == _SYN:
        yield f"tcp {address}:{port}"


def _name(query: bytes) -> str:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels)


def main(interface: str, answer: str, *addresses: str) -> None:
    """Serve until killed, and print what comes."""
    with ExitStack() as stack:
        cable = stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL)))
        cable.bind((interface, _EVERY_PROTOCOL))
        for server in (Names(answer, "", _DNS), *(Elsewhere("", int(port)) for port in addresses)):
            stack.enter_context(serving(server))
        print("ready", flush=True)
        while True:
            packet, (_, kind, direction, *_) = cable.recvfrom(65536)
            for what in begun(kind, packet) if direction != _OUTGOING else ():
                print(what, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
