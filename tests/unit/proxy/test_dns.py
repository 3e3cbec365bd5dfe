from __future__ import annotations

from ipaddress import ip_address

import pytest
from mitmproxy import dns
from mitmproxy.net.dns import response_codes
from mitmproxy.net.dns import types
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.dns import DnsAnswers
from falmock.proxy.dns_addresses import parse_addresses
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role


def asked(name: str, kind: int, hosts: Hosts | None, *addresses: str) -> dns.DNSFlow:
    question = dns.Question(name=name, type=kind, class_=1)
    flow = tflow.tdnsflow(req=tutils.tdnsreq(questions=[question]))
    addon = DnsAnswers()
    addon.hosts = hosts
    if addresses:
        addon.addresses = parse_addresses(addresses)
    addon.dns_request(flow)
    return flow


@pytest.mark.parametrize(
    "name",
    [
        "fal.run",
        "queue.fal.run",
        "QUEUE.fal.run",
        "v3b.fal.media",
        "new.fal.ai",
        "mine.test",
        "f\u00adal\u3002run",
        "MINE.test.",
    ],
)
def test_fals_names_point_here(name: str) -> None:
    flow = asked(name, types.A, Hosts({"mine.test": Role.RUN}))
    assert flow.response is not None
    assert [str(answer.ipv4_address) for answer in flow.response.answers] == ["198.18.0.1"]


def test_fals_name_is_not_asked_elsewhere_beside_another() -> None:
    questions = [dns.Question(name=name, type=types.A, class_=1) for name in ("example.com", "fal.run")]
    flow = tflow.tdnsflow(req=tutils.tdnsreq(questions=questions))
    addon = DnsAnswers()
    addon.hosts = Hosts()
    addon.dns_request(flow)
    assert flow.response is not None
    assert (flow.response.answers, flow.response.response_code) == ([], response_codes.REFUSED)


@pytest.mark.parametrize("kind", [types.AAAA, types.HTTPS, types.TXT])
def test_other_records_of_fals_names_are_empty(kind: int) -> None:
    flow = asked("fal.run", kind, Hosts())
    assert flow.response is not None
    assert (flow.response.answers, flow.response.response_code) == ([], 0)


@pytest.mark.parametrize("name", ["example.com", "storage.googleapis.com", "notfal.run", "run"])
def test_other_names_are_left_alone(name: str) -> None:
    assert asked(name, types.A, Hosts()).response is None


def test_without_hosts_no_name_is_answered() -> None:
    assert asked("fal.run", types.A, None).response is None


V4, V6 = "10.83.0.1", "fd00::1"


@pytest.mark.parametrize("addresses", [(V4,), (V6,), (V4, V6), (V6, V4)])
@pytest.mark.parametrize(
    ("kind", "expected"), [(types.A, V4), (types.AAAA, V6), (types.HTTPS, None), (types.TXT, None)]
)
def test_each_type_is_answered_with_the_address_of_its_kind(
    addresses: tuple[str, ...], kind: int, expected: str | None
) -> None:
    flow = asked("fal.run", kind, Hosts(), *addresses)
    assert flow.response is not None
    found = [(record.type, ip_address(record.data)) for record in flow.response.answers]
    assert found == ([(kind, ip_address(expected))] if expected in addresses else [])
    assert flow.response.response_code == 0
