"""The first bytes in a tunnel: a TLS hello, plain HTTP, or neither; what comes of them is the same however they are cut."""

from __future__ import annotations

import ssl
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from falmock.serving import ca
from falmock.serving import client_hello
from falmock.serving import leaf
from falmock.serving.http_session import HttpSession
from falmock.serving.session import Ending
from falmock.serving.tls_session import HANDSHAKE_TIME
from falmock.serving.tls_session import TlsFailure
from falmock.serving.tunnel_session import TunnelSession
from fuzz.strategies import http_requests
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut
from fuzz.strategies.mutation import mutated
from fuzz.targets.http_bytes import Plays


def _hello(name: str, protocols: list[str]) -> bytes:
    """What OpenSSL begins with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(protocols)
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name or None).do_handshake()
    return outgoing.read()


_PROTOCOLS = st.lists(st.sampled_from(["h2", "http/1.1", "spdy/3"]), max_size=2)
_HELLOS = st.builds(_hello, st.sampled_from(["fal.run", "x.test", ""]), _PROTOCOLS)
CASES = st.tuples(mutated(_HELLOS, (b"\x16\x03\x01", b"\x02h2")) | _HELLOS | http_requests.BYTES, CUTS)


@cache
def _server() -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), time.time()
        return leaf.context(folder, ca.ensure(folder, now), leaf.names(["fal.run"]), now)


def _came(parts: list[bytes]) -> tuple[list[str], bool, list[bytes], bool]:
    failures: list[TlsFailure] = []
    handler = Plays(["reply"])
    session = TunnelSession(_server(), HttpSession(handler), failures.append)
    is_tls, answered = parts[:1] != [] and parts[0][:1] == b"\x16", False
    for part in parts:
        if session.ending in (Ending.OPEN, Ending.HALF):
            session.receive(part, 0.0)
            answered = bool(session.take()) or answered
    if is_tls and session.ending is Ending.OPEN and session.wake_at is not None:
        session.wake(HANDSHAKE_TIME)
        assert session.ending is Ending.CLOSE
    ending = session.ending
    session.gone()
    assert len(failures) <= 1
    return [f"{failure} {failure.is_h2_only}" for failure in failures], answered, handler.methods, ending is Ending.OPEN


def check(case: tuple[bytes, list[int]]) -> None:
    data, cuts = case
    with suppress(client_hello.Incomplete, client_hello.NotAHello):
        client_hello.read(data)
    assert _came(cut(data, cuts)) == _came(cut(data, ()))
