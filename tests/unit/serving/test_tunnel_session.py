"""What comes through a tunnel: TLS or plain HTTP, and the same however it is cut."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.serving import ca
from falmock.serving import leaf
from falmock.serving.handler import Tunnel
from falmock.serving.http_session import HttpSession
from falmock.serving.session import Ending
from falmock.serving.tls_session import TlsFailure
from falmock.serving.tunnel_session import TunnelSession
from unit.serving.sessions import Recorder
from unit.serving.sessions import reply

CONNECT = b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
CUTS = st.lists(st.integers(1, 60), max_size=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conf")


@pytest.fixture(scope="module")
def server(folder: Path) -> ssl.SSLContext:
    now = time.time()
    return leaf.context(folder, ca.ensure(folder, now), leaf.names(["fal.run"]), now)


class World:
    """A connection on which a tunnel is asked for, and what its client gets."""

    def __init__(self, server: ssl.SSLContext) -> None:
        self.failures: list[TlsFailure] = []
        self.inner = Recorder(lambda _, body: reply(body or b"hello"))
        self.tunnel = TunnelSession(server, HttpSession(self.inner), self.failures.append)
        self.session = HttpSession(Recorder(lambda *_: Tunnel(self.tunnel)))

    def carry(self, data: bytes, sizes: list[int]) -> bytes:
        """What is answered to bytes that come in pieces of these sizes."""
        out = b""
        for size in (*sizes, len(data)):
            piece, data = data[:size], data[size:]
            if piece:
                self.session.receive(piece, 0.0)
                out += self.session.take()
        return out


@given(st.lists(st.sampled_from([GET, POST]), max_size=4), CUTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_requests_get_the_same_however_they_are_cut(
    server: ssl.SSLContext, requests: list[bytes], sizes: list[int]
) -> None:
    data = CONNECT + b"".join(requests)
    whole, cut = World(server), World(server)
    assert cut.carry(data, sizes) == whole.carry(data, [])
    assert cut.inner.bodies == whole.inner.bodies == [b"" if each is GET else b"body" for each in requests]


@given(st.lists(st.sampled_from([GET, POST]), min_size=1, max_size=4), CUTS, st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_requests_in_tls_get_the_same_however_they_are_cut(
    server: ssl.SSLContext,
    folder: Path,
    requests: list[bytes],
    sizes: list[int],
    waits: bool,  # noqa: FBT001
) -> None:
    world = World(server)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=str(folder / "mitmproxy-ca-cert.pem"))
    tls = trust.wrap_bio(back, there, server_hostname="fal.run")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    # A client may begin TLS before it knows that the tunnel is there.
    came = world.carry(CONNECT, sizes) if waits else b""
    came += world.carry((b"" if waits else CONNECT) + there.read(), sizes)
    assert came.startswith(ESTABLISHED)
    back.write(came.removeprefix(ESTABLISHED))
    tls.do_handshake()
    for request in requests:
        tls.write(request)
    back.write(world.carry(there.read(), sizes))
    heard = b""
    with suppress(ssl.SSLWantReadError):
        while piece := tls.read(65536):
            heard += piece
    assert heard == World(server).carry(CONNECT + b"".join(requests), []).removeprefix(ESTABLISHED)
    assert world.failures == []


def test_the_inner_session_is_what_the_carrier_sees(server: ssl.SSLContext) -> None:
    handler = Recorder(lambda *_: reply(delay=1.0))
    session = TunnelSession(server, HttpSession(handler), lambda _: None)
    session.receive(b"", 0.0)
    session.receive(GET, 0.0)
    assert (session.wake_at, session.ending, session.reads, session.is_socket) == (1.0, Ending.OPEN, True, False)
    session.wake(1.0)
    assert session.take().endswith(b"hello")
    session.gone()
    assert session.ending is Ending.ABORT
