from __future__ import annotations

import pytest

from falmock.proxy.dns_addresses import BadAddress
from falmock.proxy.dns_addresses import is_public
from falmock.proxy.dns_addresses import parse_addresses


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
