"""The first bytes of clients, and whether their connections are for the lane."""

from __future__ import annotations

import pytest

from falmock.proxy.lane import first_bytes
from falmock.serving import leaf
from falmock.wire.hosts import Hosts
from unit.apps import app_of
from unit.serving.test_client_hello import hello

HOSTS = Hosts()
NAMES = leaf.names(HOSTS.names)
PORT = 8080


def number(_: object) -> str:
    """A hello is random, so it cannot name a test."""
    return ""


@pytest.mark.parametrize(
    ("data", "is_ours"),
    [
        (b"CONNECT queue.fal.run:443 HTTP/1.1\r\n\r\n", True),
        (b"CONNECT FAL.RUN.:443 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03", True),
        (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", False),
        (b"CONNECT fal.run.example.com:443 HTTP/1.1\r\n\r\n", False),
        (b"CONNECT storage.googleapis.com:443 HTTP/1.1\r\n\r\n", False),  # others use it too
        (b"CONNECT queue.fal.run:443 HTTP/1.1\r\n", False),
        (b"POST http://fal.run/a HTTP/1.1\r\n\r\n", False),
        (b"POST http://example.com/a HTTP/1.1\r\nHost: fal.run\r\n\r\n", False),
        (b"GET /health HTTP/1.1\r\nHost: localhost:9\r\n\r\n", True),
        (b"GET /anything HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", True),
        (b"GET /anything HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n", False),
        (b"GET /a HTTP/1.1\r\nHost: fal.run\r\n\r\n", True),
        (b"GET /a HTTP/1.1\r\n\r\n", False),
        (b"GET /ready HTTP/1.0\r\n\r\n", True),
        (b"nonsense\r\n\r\n", False),
        (hello(), False),
    ],
    ids=number,
)
def test_a_proxys_clients(data: bytes, is_ours: bool) -> None:  # noqa: FBT001
    assert first_bytes.is_for_proxy(app_of(), data, PORT) is is_ours


@pytest.mark.parametrize(
    ("data", "port_is_for", "found"),
    [
        (hello("queue.fal.run"), "", "queue.fal.run"),
        (hello("queue.fal.run", ("http/1.1",)), "", "queue.fal.run"),
        (hello("fal.run"), "queue.fal.run", "queue.fal.run"),
        (hello("queue.fal.run", ("h2", "http/1.1")), "", ""),
        (hello("queue.fal.run", ("h2",)), "", ""),
        (hello("queue.fal.run", ("acme-tls/1",)), "", ""),
        (hello("queue.fal.run")[:50], "", ""),
        (hello("example.com"), "", ""),
        (hello("localhost"), "queue.fal.run", ""),  # the certificate is not for this name
        (hello("storage.googleapis.com"), "", ""),
        (hello("a.b.fal.run"), "", ""),
        (hello(None), "queue.fal.run", ""),
        (b"GET /a HTTP/1.1\r\nHost: fal.run:80\r\n\r\n", "", "fal.run"),
        (b"GET /a HTTP/1.1\r\nHost: localhost:1\r\n\r\n", "fal.run", "fal.run"),
        (b"GET /a HTTP/1.1\r\nHost: localhost:1\r\n\r\n", "example.com", ""),
        (b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n", "", ""),
        (b"GET /a HTTP/1.1\r\n\r\n", "", ""),
        (b"GET /a HTTP/1.1\r\nHost: fal.run\r\n", "", ""),
        (b"\0\1", "fal.run", ""),
    ],
    ids=number,
)
def test_clients_that_do_not_know_of_a_proxy(data: bytes, port_is_for: str, found: str) -> None:
    assert first_bytes.host_of(HOSTS, data, port_is_for, NAMES) == found
