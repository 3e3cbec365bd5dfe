"""Answers DNS queries for fal's names, so that a network namespace or container needs no route to the internet."""

from __future__ import annotations

from ipaddress import IPv4Address

from mitmproxy import dns
from mitmproxy.net.dns import classes
from mitmproxy.net.dns import response_codes
from mitmproxy.net.dns import types

from falmock.proxy.dns_addresses import DEFAULT
from falmock.proxy.dns_addresses import Address
from falmock.proxy.dns_addresses import parse_addresses
from falmock.wire.hosts import Hosts


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
        if len(questions) > 1:  # no resolver asks so
            flow.response = flow.request.fail(response_codes.REFUSED)
            return
        question = questions[0]
        # No other record types: an HTTPS record would bring keys (ECH) and addresses of the real service.
        records = [_record(question.name, address) for address in self.addresses]
        flow.response = flow.request.succeed([record for record in records if record.type == question.type])
        flow.comment = "falmock: a fal name, answered here"


def _record(name: str, address: Address) -> dns.ResourceRecord:
    kind = types.A if isinstance(address, IPv4Address) else types.AAAA
    return dns.ResourceRecord(name, kind, classes.IN, 60, address.packed)
