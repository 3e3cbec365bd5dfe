"""Answers DNS queries for fal's names, so that a network namespace or container needs no route to the internet."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from ipaddress import IPv6Address
from ipaddress import ip_address
from ipaddress import ip_network
from typing import TYPE_CHECKING

from falmock.wire.hosts import Hosts

if TYPE_CHECKING:
    from mitmproxy import dns

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


class DnsAnswers:
    """The addon that answers queries for `hosts` with `addresses`; it does nothing while `hosts` is None."""

    name = "falmock-names"

    def __init__(self) -> None:
        self.hosts: Hosts | None = None
        self.addresses = parse_addresses([DEFAULT])

    def dns_request(self, flow: dns.DNSFlow) -> None:
        """Answer a query for one of fal's names; ignore any other."""
        if flow.response or flow.error or not flow.live or self.hosts is None:
            return
        hosts, questions = self.hosts, flow.request.questions
        if not flow.request.query or not any(hosts.owns(question.name) for question in questions):
            return
        from mitmproxy.net.dns import response_codes  # `falmock serve` reads addresses without mitmproxy

        if len(questions) > 1:  # no resolver asks so
            flow.response = flow.request.fail(response_codes.REFUSED)
            return
        question = questions[0]
        # No other record types: an HTTPS record would bring keys (ECH) and addresses of the real service.
        records = [_record(question.name, address) for address in self.addresses]
        flow.response = flow.request.succeed([record for record in records if record.type == question.type])
        flow.comment = "falmock: a fal name, answered here"


def _record(name: str, address: Address) -> dns.ResourceRecord:
    from mitmproxy import dns
    from mitmproxy.net.dns import classes
    from mitmproxy.net.dns import types

    kind = types.A if isinstance(address, IPv4Address) else types.AAAA
    return dns.ResourceRecord(name, kind, classes.IN, 60, address.packed)
