from __future__ import annotations

import pytest

from falmock.wire import addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.0.9",
        "10.0.0.1",
        "10.255.255.254",
        "172.16.0.1",
        "172.31.255.1",
        "192.168.1.1",
        "::1",
        "fc00::1",
        "fd12:3456::7",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::FFFF:192.168.0.1",
    ],
)
def test_loopback_and_private_addresses(host: str) -> None:
    assert addresses.is_internal(host)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "169.254.169.254",
        "169.254.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "203.0.113.9",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:169.254.169.254",
        "::ffff:0:10.0.0.1",
        "2002:0a00:0001::1",
        "64:ff9b::a00:1",
        "2606:4700::1111",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:42::42",
    ],
)
def test_other_addresses(host: str) -> None:
    assert addresses.literal(host) is not None
    assert not addresses.is_internal(host)


@pytest.mark.parametrize("host", ["localhost", "0x7f.1", "2130706433", "127.1", "010.0.0.1", "10.0.0.1.", "", "[::1]"])
def test_what_is_no_address_in_its_standard_spelling(host: str) -> None:
    assert addresses.literal(host) is None
    assert not addresses.is_internal(host)


def test_an_address_in_the_other_family() -> None:
    assert str(addresses.literal("::ffff:10.0.0.1")) == "10.0.0.1"
    assert str(addresses.literal("fd00::1")) == "fd00::1"
