from __future__ import annotations

from ipaddress import ip_address

import pytest
from mitmproxy import dns
from mitmproxy.net.dns import response_codes
from mitmproxy.net.dns import types
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.dns import BadAddress
from falmock.proxy.dns import DnsAnswers
from falmock.proxy.dns import is_public
from falmock.proxy.dns import parse_addresses
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


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "found none"),
        (["1.1.1.1", "10.0.0.1"], r"found 2 addresses \(1.1.1.1, 10.0.0.1\)"),
        (["fd00::1", "10.0.0.1", "fd00::2"], "found 3 addresses"),
        (["10.0.0.1,fd00::1"], "an IP address such as 198.18.0.1 or 4000::1, found '10.0.0.1,fd00::1'"),
        (["fal.run"], "an IP address"),
        (["10.0.0.0/8"], "an IP address"),
        (["010.0.0.1"], "an IP address"),
        (["[fd00::1]"], "an IP address"),
        (["fe80::1%eth0"], "without a zone, found 'fe80::1%eth0'"),
        (["0.0.0.0"], "the address of one host"),
        (["::"], "the address of one host"),
        (["224.0.0.1"], "the address of one host"),
        (["ff02::1"], "the address of one host"),
        (["255.255.255.255"], "the address of one host"),
    ],
)
def test_what_is_no_address_is_told(texts: list[str], said: str) -> None:
    with pytest.raises(BadAddress, match=f"expected .*{said}"):
        parse_addresses(texts)


PUBLIC = [
    "1.2.3.4",
    "9.255.255.255",
    "172.32.0.1",
    "2606:4700::1",
    "::ffff:1.2.3.4",  # the same as 1.2.3.4
    "64:ff9b::1.2.3.4",  # what a translator in the network takes to 1.2.3.4
    "64:ff9b:1::102:304",
    "2002:102:304::1",
]
NOBODYS = [
    "198.18.0.1",
    "127.0.0.1",
    "10.83.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.0.1",
    "192.0.2.1",
    "203.0.113.9",
    "240.0.0.1",
    "::1",
    "fd00::1",
    "fe80::1",
    "2001:db8::1",
    "4000::1",  # IANA has not given this range to anyone
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:a00:1::1",
]


@pytest.mark.parametrize(
    ("address", "public"), [*((each, True) for each in PUBLIC), *((each, False) for each in NOBODYS)]
)
def test_whether_a_host_on_the_internet_may_have_an_address(address: str, *, public: bool) -> None:
    assert is_public(*parse_addresses([address])) is public
