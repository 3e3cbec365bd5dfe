"""Answers DNS queries for fal's names, so that a network namespace or container needs no route to the internet."""

from __future__ import annotations

from ipaddress import IPv4Address

from mitmproxy import dns
from mitmproxy.net.dns import types

from falmock.wire.hosts import Hosts

ADDRESS = IPv4Address("198.18.0.1")
"""The address for fal's names, from the network reserved for benchmarks (RFC 2544): no real host has it."""


class DnsAnswers:
    """The addon that answers queries for `hosts`; it does nothing while that is None."""

    name = "falmock-names"

    def __init__(self) -> None:
        self.hosts: Hosts | None = None

    def dns_request(self, flow: dns.DNSFlow) -> None:
        """Answer a query for one of fal's names; ignore any other."""
        if flow.response or flow.error or not flow.live or self.hosts is None:
            return
        question = flow.request.question
        if question is None or not flow.request.query or not self.hosts.owns(question.name):
            return
        # No other record types: an HTTPS record would bring keys (ECH) and addresses of the real service.
        is_address = question.type == types.A
        records = [dns.ResourceRecord.A(question.name, ADDRESS, ttl=60)] if is_address else []
        flow.response = flow.request.succeed(records)
        flow.comment = "falmock: a fal name, answered here"
