"""Which entries of NO_PROXY stay."""

from __future__ import annotations

import pytest

from falmock.serving.environment import no_proxy
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import parse_extra


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "fal.run",
        ".fal.run",
        "*.fal.run",
        "FAL.RUN",
        "fal.run:443",
        "queue.fal.run",
        "new.fal.ai",
        ".media",
        "al.run",
        "storage.googleapis.com",
        ".googleapis.com",
        "router.huggingface.co",
        "fal.run.",
        ".",
        "com",
    ],
)
def test_what_covers_a_host_of_fals_is_taken_out(entry: str) -> None:
    assert no_proxy.entries({"NO_PROXY": f"a.test,{entry}"}, Hosts()) == (["a.test"], [entry])


@pytest.mark.parametrize(
    "entry", ["localhost", "127.0.0.1", "::1", "10.0.0.0/8", ".corp.test", "db:5432", "notfal.run.test", "fe80::1:443"]
)
def test_the_rest_stays(entry: str) -> None:
    assert no_proxy.entries({"NO_PROXY": entry}, Hosts()) == ([entry], [])


def test_hosts_of_the_users_are_fals_too() -> None:
    assert no_proxy.covers_fal(".mine.test", Hosts(parse_extra(["fal.mine.test"])))
    assert not no_proxy.covers_fal(".mine.test", Hosts())


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ("", "", "localhost,127.0.0.1,::1"),
        ("a.test, b.test", "", "a.test,b.test,localhost,127.0.0.1,::1"),
        ("a.test b.test", "b.test,c.test", "a.test,b.test,c.test,localhost,127.0.0.1,::1"),
        ("127.0.0.1", "", "127.0.0.1,localhost,::1"),
        ("*", "x.test", "x.test,localhost,127.0.0.1,::1"),
    ],
)
def test_both_variables_make_one_value(upper: str, lower: str, expected: str) -> None:
    kept, _ = no_proxy.entries({"NO_PROXY": upper, "no_proxy": lower}, Hosts())
    assert no_proxy.value(kept) == expected
