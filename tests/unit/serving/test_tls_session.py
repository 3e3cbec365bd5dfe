"""TLS around a session: OpenSSL's client speaks to it through memory buffers."""

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
from mitmproxy.certs import CertStore

from falmock.engine.effects import Delivery
from falmock.serving import leaf
from falmock.serving.handler import Play
from falmock.serving.http_session import HttpSession
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.serving.tls_session import HANDSHAKE_TIME
from falmock.serving.tls_session import TlsFailure
from falmock.serving.tls_session import TlsSession
from falmock.serving.tunnel_session import TunnelSession
from unit.serving.sessions import Recorder
from unit.serving.sessions import reply

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conf")
    CertStore.create_store(folder, "mitmproxy", 2048)
    return folder


@pytest.fixture(scope="module")
def server(confdir: Path) -> ssl.SSLContext:
    return leaf.context(confdir, confdir / "mitmproxy-ca.pem", leaf.names(["fal.run"]), time.time())


def trust(confdir: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(confdir / "mitmproxy-ca-cert.pem"))


class Peer:
    """A TLS client of one session."""

    def __init__(self, context: ssl.SSLContext, session: TlsSession | TunnelSession, size: int = 1 << 20) -> None:
        self.session = session
        self._size = size
        self._there, self._back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._back, self._there, server_hostname="fal.run")

    def carry(self) -> None:
        """Carry bytes both ways, in pieces."""
        while data := self._there.read(self._size):
            self.session.receive(data, 0.0)
        self._back.write(self.session.take())

    def shake_hands(self) -> None:
        for _ in range(10):
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
                self.carry()
                return
            self.carry()
        raise AssertionError("no handshake")

    def say(self, data: bytes) -> None:
        self.tls.write(data)
        self.carry()

    def hear(self) -> bytes:
        """All that came."""
        heard = b""
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while data := self.tls.read(1 << 16):
                heard += data
        return heard


def session_of(server: ssl.SSLContext, play: Play | None = None) -> tuple[TlsSession, Recorder, list[TlsFailure]]:
    failures: list[TlsFailure] = []

    def act(head: Head, body: bytes) -> Play:  # noqa: ARG001
        return reply(body or b"hello") if play is None else play

    handler = Recorder(act)
    return TlsSession(server, HttpSession(handler), failures.append), handler, failures


@given(st.integers(1, 400), st.integers(0, 200_000))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_requests_and_answers_of_any_size_in_any_pieces(
    server: ssl.SSLContext, confdir: Path, piece: int, size: int
) -> None:
    session, handler, failures = session_of(server)
    peer = Peer(trust(confdir), session, piece)
    peer.shake_hands()
    body = bytes(range(256)) * (size // 256 + 1)
    peer.say(b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert handler.bodies == [body] or len(body) > 1000
    peer.say(GET)
    assert peer.hear().startswith(b"HTTP/1.1 ")
    assert failures == []
    assert peer.tls.selected_alpn_protocol() is None


def test_a_client_that_offers_http_1_gets_it(server: ssl.SSLContext, confdir: Path) -> None:
    client = trust(confdir)
    client.set_alpn_protocols(["h2", "http/1.1"])
    session, _, failures = session_of(server)
    peer = Peer(client, session)
    peer.shake_hands()
    assert peer.tls.selected_alpn_protocol() == "http/1.1"
    assert failures == []


def test_a_client_that_speaks_http_2_alone_gets_an_alert(server: ssl.SSLContext, confdir: Path) -> None:
    client = trust(confdir)
    client.set_alpn_protocols(["h2"])
    session, _, failures = session_of(server)
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        Peer(client, session).shake_hands()
    assert session.ending is Ending.CLOSE
    assert [(failure.is_h2_only, str(failure)) for failure in failures] == [(True, "its client speaks only h2")]


def test_a_client_that_does_not_trust_the_ca(server: ssl.SSLContext) -> None:
    session, _, failures = session_of(server)
    peer = Peer(ssl.create_default_context(), session)
    with pytest.raises(ssl.SSLCertVerificationError):
        peer.shake_hands()
    peer.carry()
    [failure] = failures
    assert "UNKNOWN_CA" in str(failure)
    assert failure.hello is not None
    assert failure.hello.name == "fal.run"
    assert session.ending is Ending.CLOSE


def test_a_client_that_leaves_in_the_handshake(server: ssl.SSLContext, confdir: Path) -> None:
    session, _, failures = session_of(server)
    peer = Peer(trust(confdir), session)
    with suppress(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    peer.carry()
    session.gone()
    assert [str(failure) for failure in failures] == ["it disconnected during the handshake"]
    session, _, failures = session_of(server)
    session.gone()
    assert failures == []


def test_a_handshake_that_does_not_end(server: ssl.SSLContext) -> None:
    session, _, failures = session_of(server)
    assert session.wake_at is None
    session.receive(b"\x16", 1.0)
    session.receive(b"\x03\x01", 50.0)
    assert session.wake_at == 1.0 + HANDSHAKE_TIME
    session.wake(50.0)
    assert (session.ending, failures) == (Ending.OPEN, [])
    session.wake(1.0 + HANDSHAKE_TIME)
    assert session.ending is Ending.CLOSE
    assert [str(failure) for failure in failures] == ["its handshake did not end in time"]
    session.wake(1.0 + HANDSHAKE_TIME)
    session.gone()
    assert len(failures) == 1


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\5hello", bytes(100)])
def test_what_is_no_tls(server: ssl.SSLContext, noise: bytes) -> None:
    session, handler, failures = session_of(server)
    session.receive(noise, 0.0)
    assert session.ending is Ending.CLOSE
    assert len(failures) == 1
    assert handler.heads == []
    session.receive(noise, 0.0)


def test_the_client_closes(server: ssl.SSLContext, confdir: Path) -> None:
    session, _, _ = session_of(server)
    peer = Peer(trust(confdir), session)
    peer.shake_hands()
    with suppress(ssl.SSLWantReadError):
        peer.tls.unwrap()
    peer.carry()
    assert session.ending is Ending.CLOSE


@pytest.mark.parametrize(("cut", "ending"), [(None, Ending.OPEN), (2, Ending.CLOSE)])
def test_the_end_is_told_in_tls_too(server: ssl.SSLContext, confdir: Path, cut: int | None, ending: Ending) -> None:
    session, _, _ = session_of(server, reply(delivery=Delivery(cut=cut)))
    peer = Peer(trust(confdir), session)
    peer.shake_hands()
    peer.say(GET)
    assert peer.hear().endswith(b"hello" if cut is None else b"he")
    assert session.ending is ending
    if cut is not None:
        assert peer.tls.read(1) == b""  # not an error, nor more to come


def test_what_is_due_comes_when_it_is_woken(server: ssl.SSLContext, confdir: Path) -> None:
    session, _, _ = session_of(server, reply(delay=3.0))
    peer = Peer(trust(confdir), session)
    peer.shake_hands()
    peer.say(GET)
    assert (peer.hear(), session.wake_at, session.reads, session.is_socket) == (b"", 3.0, True, False)
    session.wake(3.0)
    peer.carry()
    assert peer.hear().endswith(b"hello")


@pytest.mark.parametrize("is_tls", [True, False])
def test_a_tunnel_carries_tls_or_plain_http(server: ssl.SSLContext, confdir: Path, *, is_tls: bool) -> None:
    failures: list[TlsFailure] = []
    session = TunnelSession(server, HttpSession(Recorder(lambda *_: reply(delay=1.0))), failures.append)
    session.receive(b"", 0.0)
    if is_tls:
        peer = Peer(trust(confdir), session)
        peer.shake_hands()
        peer.say(GET)
    else:
        session.receive(GET, 0.0)
    assert (session.wake_at, session.ending, session.reads, session.is_socket) == (1.0, Ending.OPEN, True, False)
    session.wake(1.0)
    if is_tls:
        peer.carry()
        answer = peer.hear()
    else:
        answer = session.take()
    assert answer.endswith(b"hello")
    session.gone()
    assert session.ending is Ending.ABORT
