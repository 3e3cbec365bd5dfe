"""Where requests go, and to which host of fal's they are."""

from __future__ import annotations

import pytest

from falmock.serving.request_parts import Head
from falmock.serving.targets import Target
from falmock.serving.targets import claimed
from falmock.serving.targets import is_bare_check
from falmock.serving.targets import target_of
from falmock.serving.targets import tunnel_host
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import named


@pytest.mark.parametrize(
    ("target", "host", "found"),
    [
        (b"/a?b", "fal.run", Target("fal.run", "/a?b")),
        (b"/a", "Fal.Run.:80", Target("fal.run", "/a")),
        (b"/a", "[::1]:80", Target("::1", "/a")),
        (b"*", "fal.run", Target("fal.run", "/")),
        (b"/a", "", Target("", "/a")),
        (b"http://fal.run", "x", Target("fal.run", "/", is_absolute=True)),
        (b"http://fal.run/a?b", "x", Target("fal.run", "/a?b", is_absolute=True)),
        (b"HTTP://u@fal.run:80/a", "x", Target("fal.run", "/a", is_absolute=True)),
        (b"gopher://fal.run/a", "x", None),
        (b"http:///a", "x", Target("", "/a", is_absolute=True)),
        (b"/\xc3\xa9\xff", "x", Target("x", "/\u00e9\udcff")),
        (b"http://x:y@fal.run:80/a", "x", Target("fal.run", "/a", is_absolute=True)),
        (b"/a", "f\u00e1l.run:80", Target("xn--fl-mia.run", "/a")),
    ],
)
def test_where_a_request_goes(target: bytes, host: str, found: Target | None) -> None:
    assert target_of(Head("GET", target, ()), named(host)) == found


@pytest.mark.parametrize(
    ("host", "tunnel", "found"),
    [
        ("fal.run", "", "fal.run"),
        ("fal.run", "queue.fal.run", "fal.run"),
        ("other.test", "queue.fal.run", "queue.fal.run"),
        ("other.test", "", ""),
        ("other.test", "other.test", ""),
        ("", "fal.run", "fal.run"),
    ],
)
def test_the_host_that_is_named_wins_over_that_of_the_tunnel(host: str, tunnel: str, found: str) -> None:
    assert claimed(Hosts(), Target(host, "/a"), tunnel) == found


def test_the_host_of_a_tunnel() -> None:
    assert tunnel_host(Head("CONNECT", b"Fal.Run:443", ())) == "fal.run"
    assert tunnel_host(Head("CONNECT", b"[::1]:443", ())) == "::1"


@pytest.mark.parametrize(
    ("target", "is_http11", "found"),
    [(b"/ready", False, True), (b"/health", False, True), (b"/ready", True, False), (b"/ready/x", False, False)],
)
def test_a_check_without_a_host(target: bytes, is_http11: bool, found: bool) -> None:  # noqa: FBT001
    assert is_bare_check(Head("GET", target, (), is_http11=is_http11)) is found
