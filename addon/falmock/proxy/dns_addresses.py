"""The addresses that fal's names resolve to: parsed, and whether a host on the internet may have them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from ipaddress import IPv6Address
from ipaddress import ip_address
from ipaddress import ip_network

Address = IPv4Address | IPv6Address
DEFAULT = "198.18.0.1"
"""From the network reserved for benchmarks (RFC 2544): no real host has it."""
_BROADCAST = IPv4Address("255.255.255.255")
_GLOBAL_UNICAST = ip_network("2000::/3")
"""All that IANA gives out of IPv6 to the internet."""
_TRANSLATED = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""IPv6 addresses that stand for the IPv4 address in their last 32 bits (RFC 4291, 6052, 8215)."""


class BadAddress(ValueError):
    """The addresses for fal's names are invalid; the text says why."""


def parse_addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    """One IPv4 address, one IPv6 address, or one of each. Raises BadAddress."""
    addresses = tuple(_parse(text.strip()) for text in texts)
    if not addresses or len({address.version for address in addresses}) < len(addresses):
        found = f"{len(addresses)} addresses ({', '.join(map(str, addresses))})" if addresses else "none"
        raise BadAddress(f"expected one IPv4 address, one IPv6 address or one of each, found {found}")
    return addresses


def _parse(text: str) -> Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise BadAddress(f"expected an IP address such as {DEFAULT} or 4000::1, found {text!r}") from None
    is_one_host = not (address.is_multicast or address.is_unspecified or address == _BROADCAST)
    if not is_one_host or (isinstance(address, IPv6Address) and address.scope_id is not None):
        raise BadAddress(f"expected the address of one host, without a zone, found {text!r}")
    return address


def is_public(address: Address) -> bool:
    """Whether a host on the internet may have this address."""
    if isinstance(address, IPv4Address):
        return address.is_global
    if address.sixtofour is not None:
        return address.sixtofour.is_global
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF).is_global
    return address.is_global and address in _GLOBAL_UNICAST
