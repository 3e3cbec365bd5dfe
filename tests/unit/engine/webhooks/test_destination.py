from __future__ import annotations

from ipaddress import ip_address

import pytest

from falmock.engine.config import Config
from falmock.engine.webhooks import destination
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.wire import webhook


@pytest.mark.parametrize(
    ("url", "allowed", "why"),
    [
        ("https://queue.fal.run/x", (), "queue.fal.run is a host of fal's"),
        ("https://other.fal.ai/x", ("*",), "other.fal.ai is a host of fal's"),
        ("https://fal.run./x", ("*",), "fal.run is a host of fal's"),
        ("https://ex.com/x", ("localhost", "*.ex.com"), "ex.com is not among fal_webhook_hosts"),
        ("http://localhost/x", ("ex.com",), "localhost is not among fal_webhook_hosts"),
        ("http://10.evil.com/x", ("10.*",), "10.evil.com is not among fal_webhook_hosts"),
        ("http://10.1/x", ("192.168.*",), "10.0.0.1 is not among fal_webhook_hosts"),
    ],
)
def test_names_that_are_refused(url: str, allowed: tuple[str, ...], why: str) -> None:
    with pytest.raises(RefusedDestination) as raised:
        destination.check_name(Config(webhook_hosts=allowed), webhook.target(url))
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://ex.com/x", ()),
        ("https://a.ex.com/x", ("localhost", "*.ex.com")),
        ("http://10.2.3.4/x", ("10.*",)),
        ("http://[fd00::1]/x", ("fd00:*",)),
        ("http://1.ex.com/x", ("?.ex.com",)),
        ("https://anywhere.test/x", ("*",)),
    ],
)
def test_names_that_may_get_webhooks(url: str, allowed: tuple[str, ...]) -> None:
    destination.check_name(Config(webhook_hosts=allowed), webhook.target(url))


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (("127.0.0.1",), ("127.0.0.1",)),
        (("::1", "127.0.0.1"), ("::1", "127.0.0.1")),
        (("93.184.216.34", "10.0.0.5"), ("10.0.0.5",)),
        (("::ffff:10.0.0.1", "169.254.169.254"), ("::ffff:10.0.0.1",)),
    ],
)
def test_only_addresses_on_this_machine_or_in_private_networks_are_kept(
    found: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert destination.allowed(Config(), webhook.target("http://ex.com/x"), found) == kept


TO_ALLOW = "not a loopback or private address. To post there: --set fal_webhook_hosts="


@pytest.mark.parametrize(
    ("url", "found", "text"),
    [
        (
            "http://ex.com/x",
            ("93.184.216.34", "169.254.169.254"),
            "ex.com is 93.184.216.34, 169.254.169.254, which is ",
        ),
        ("http://8.8.8.8/x", ("8.8.8.8",), "8.8.8.8 is "),
    ],
)
def test_a_refusal_names_the_option_to_set(url: str, found: tuple[str, ...], text: str) -> None:
    target = webhook.target(url)
    with pytest.raises(RefusedDestination) as raised:
        destination.allowed(Config(), target, found)
    assert str(raised.value).startswith(f"{text}{TO_ALLOW}{target.host} (")
    assert f"--set fal_webhook_hosts={target.host} (" in str(destination.refuse_unresolved(target))


@pytest.mark.parametrize("listed", [(), ("*",)])
@pytest.mark.parametrize("found", ["10.9.9.9", "93.184.216.34", "fd00::9", "::ffff:10.9.9.9"])
def test_an_address_that_stands_for_fal_gets_none(found: str, listed: tuple[str, ...]) -> None:
    addresses = (ip_address("10.9.9.9"), ip_address("93.184.216.34"), ip_address("fd00::9"))
    config = Config(webhook_hosts=listed, dns_addresses=addresses)
    with pytest.raises(RefusedDestination, match="stands for fal's hosts here"):
        destination.allowed(config, webhook.target("http://hooks.test/"), [found])
    assert destination.allowed(config, webhook.target("http://hooks.test/"), [found, "10.0.0.1"]) == ("10.0.0.1",)
