"""One port for several processes."""

from __future__ import annotations

import socket
from contextlib import closing
from contextlib import suppress

import pytest

from falmock.cli.launch.workers import ports
from falmock.cli.launch.workers.assignment import Assignment

SYSTEMS = [pytest.param(True, marks=pytest.mark.skipif(not ports.SPREADS, reason="only Linux spreads")), False]


@pytest.mark.parametrize("spreads", SYSTEMS)
def test_workers_listen_at_the_port_that_is_reserved(monkeypatch: pytest.MonkeyPatch, *, spreads: bool) -> None:
    monkeypatch.setattr(ports, "SPREADS", spreads)
    (held,) = ports.reserved("127.0.0.1", 0)
    with closing(held):
        addresses, descriptors = ports.for_workers([held])
        if descriptors:
            assert descriptors == (held.fileno(),)
            descriptors = (held.dup().detach(),)
        for number in (1, 2) if spreads else (1,):
            (listening,) = ports.of_worker(Assignment(number, 1, "memory", addresses, descriptors))
            with closing(listening):
                listening.listen()
                assert listening.getsockname() == held.getsockname()
                with socket.create_connection(held.getsockname(), 5):
                    listening.accept()[0].close()


@pytest.mark.parametrize("spreads", SYSTEMS)
@pytest.mark.parametrize("shares", [True, False])
def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, *, spreads: bool, shares: bool) -> None:
    """Also by one that would share it: another falmock with workers."""
    monkeypatch.setattr(ports, "SPREADS", spreads)
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            ports.reserved("127.0.0.1", other.getsockname()[1])


def test_a_host_with_two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    infos = [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*infos, infos[1]])
    with suppress(OSError):  # a machine without IPv6
        found = ports.reserved("localhost", 0)
        assert [each.family for each in found] == [socket.AF_INET6, socket.AF_INET]
        for each in found:
            each.close()
