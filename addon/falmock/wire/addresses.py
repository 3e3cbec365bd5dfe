"""Which addresses are on this machine or in a private network (RFC 1122, 1918, 4193)."""

from __future__ import annotations

from ipaddress import IPv4Address
from ipaddress import IPv6Address
from ipaddress import ip_address
from ipaddress import ip_network

_INTERNAL = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "fd00:42::42")))
"""Where clouds (Amazon's, Google's, Scaleway's) give credentials to whoever asks, inside a private network.

Their IPv4 addresses are link-local, which is not private.
"""


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, in the standard spelling; None for a name.

    An IPv4 address in the IPv6 form (`::ffff:10.0.0.1`) is that IPv4 address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_internal(host: str) -> bool:
    """Whether a host is a loopback or private address.

    Not among them: link-local addresses (clouds serve credentials there), those that providers share (100.64.0.0/10), the
    unspecified address, multicast, and IPv6 addresses that stand for IPv4 ones elsewhere (6to4, NAT64).
    """
    address = literal(host)
    return address is not None and address not in _METADATA and any(address in network for network in _INTERNAL)
