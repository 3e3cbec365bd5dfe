"""Which names the CA can sign for, and which hosts mitmproxy then opens."""

from __future__ import annotations

import re

import pytest

from falmock.serving.own_ca.names import pattern
from falmock.serving.own_ca.names import permitted
from falmock.wire.hosts import DOMAINS
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

EXTRA = Hosts(
    {"fal.example.com": Role.RUN, "queue.fal.example.com": Role.QUEUE, "10.1.2.3": Role.RUN, "fd00::1": Role.CDN}
)


def test_the_shortest_list() -> None:
    assert permitted(Hosts().names) == tuple(
        sorted((*DOMAINS, "fal-cdn.batuhan-941.workers.dev", "huggingface.co", "storage.googleapis.com"))
    )
    more = set(permitted(EXTRA.names)) - set(permitted(Hosts().names))
    assert more == {"fal.example.com", "10.1.2.3", "fd00::1"}
    assert permitted(reversed(EXTRA.names)) == permitted(EXTRA.names)
    assert permitted(["x.fal.run", "xfal.run"]) == tuple(sorted((*DOMAINS, "xfal.run")))


@pytest.mark.parametrize(
    ("address", "is_opened"),
    [
        ("fal.run:443", True),
        ("FAL.RUN.:443", True),
        ("a.b.fal.run:8443", True),
        ("v9.fal.media:443", True),
        ("storage.googleapis.com:443", True),
        ("router.huggingface.co:443", True),
        ("huggingface.co:443", True),
        ("queue.fal.example.com:443", True),
        ("10.1.2.3:443", True),
        ("fd00::1:443", True),
        ("bucket.storage.googleapis.com:443", False),
        ("cdn-lfs.huggingface.co:443", False),
        ("other.fal.example.com:443", False),
        ("xfal.run:443", False),
        ("falxrun:443", False),
        ("fal.run.example.com:443", False),
        ("example.com:443", False),
        ("110.1.2.3:443", False),
        ("10.1.2.30:443", False),
        ("fal.run", False),
    ],
)
def test_what_mitmproxy_opens(address: str, *, is_opened: bool) -> None:
    assert (re.search(pattern(EXTRA.names), address, re.IGNORECASE) is not None) == is_opened
