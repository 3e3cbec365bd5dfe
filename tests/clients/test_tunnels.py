"""What never becomes HTTP, or is not intercepted: nothing of it may reach fal."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from clients import tape
from clients.elsewhere import BODY
from clients.elsewhere import Elsewhere
from clients.running import ADDON
from clients.running import free_ports
from clients.running import mitmdump
from clients.running import write_fixtures

MODEL = "fal-ai/flux/dev"
FIXTURE = {"match": {"model": MODEL}, "response": {"json": {"seed": 1}}}


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return write_fixtures(tmp_path / "fixtures", FIXTURE)


REFUSED = "killed before connect: falmock refused a connection to {}: in replay nothing is sent to fal"


def tunnelled(proxy: int, target: str, first: bytes) -> bytes:
    """What comes back through a tunnel to `target` after these first bytes."""
    with socket.create_connection(("127.0.0.1", proxy), 20) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert b" 200 " in connection.recv(4096).partition(b"\r\n")[0]
        connection.sendall(first)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def tls_hello(name: str) -> bytes:
    """The first bytes of a TLS client that wants to talk to `name`."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def plain_request(name: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()


RAW = b"\0 not HTTP at all\r\n\r\n"
# The setting, the host the client asks the proxy for (None: an IP address), its first bytes, and the host refused.
TUNNELS = [
    pytest.param("ignore_hosts=localhost", "localhost", RAW, "localhost", id="ignored by address"),
    pytest.param(
        "allow_hosts=other.test", "localhost", tls_hello("localhost"), "localhost", id="not among the allowed"
    ),
    pytest.param("tcp_hosts=localhost", "localhost", RAW, "localhost", id="raw TCP"),
    # Of what is not HTTP, mitmproxy makes a raw stream, and the fast lane nothing.
    pytest.param("fal_fast=off", "localhost", RAW, "localhost", id="not HTTP"),
    pytest.param("ignore_hosts=fal.run", None, tls_hello("queue.fal.run"), "queue.fal.run", id="ignored by TLS name"),
    pytest.param("ignore_hosts=fal.run", None, plain_request("FAL.run"), "fal.run", id="ignored by Host header"),
]


@pytest.mark.parametrize(("setting", "host", "first", "refused"), TUNNELS)
def test_a_raw_tunnel_to_fal_is_refused(
    confdir: Path, fixtures: Path, elsewhere: Elsewhere, setting: str, host: str | None, first: bytes, refused: str
) -> None:
    # `localhost` is made a host of fal's, so that a tunnel that were not refused would arrive somewhere.
    upstream = f"upstream:{elsewhere.url}@{free_ports(1)[0]}"
    args = ("--mode", "regular", "--mode", upstream, "--set", "fal_hosts=localhost=run", "--set", setting)
    with mitmdump(confdir, *args, fixtures=fixtures, modes=2) as mock:
        for proxy in mock.ports:
            assert tunnelled(proxy, f"{host or '127.0.0.1'}:{elsewhere.server_port}", first) == b""
        mock.wait_until(lambda: mock.output.count(REFUSED.format(refused)) == 2)
    assert elsewhere.seen == []


def test_what_is_not_http_goes_nowhere(confdir: Path, fixtures: Path, elsewhere: Elsewhere) -> None:
    with mitmdump(confdir, "--set", "fal_hosts=localhost=run", fixtures=fixtures) as mock:
        assert tunnelled(mock.ports[0], f"localhost:{elsewhere.server_port}", RAW) == b""
        mock.wait_for("falmock refused a connection to localhost: in replay nothing is sent to fal")
    assert elsewhere.seen == []


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_reverse_proxy_of_raw_streams_is_refused(
    confdir: Path, fixtures: Path, elsewhere: Elsewhere, scheme: str
) -> None:
    mode = f"reverse:{scheme}://localhost:{elsewhere.server_port}"
    with mitmdump(confdir, "--mode", mode, "--set", "fal_hosts=localhost=run", fixtures=fixtures) as mock:
        with socket.create_connection(("127.0.0.1", mock.ports[0]), 20) as connection:
            connection.sendall(plain_request("fal.run"))
            assert connection.recv(4096) == b""
        mock.wait_for(REFUSED.format("localhost"))
    assert elsewhere.seen == []


STREAMS = """
def requestheaders(flow):
    flow.request.stream = True
"""


def test_an_addon_that_streams_uploads_does_not_send_them_out(
    confdir: Path, fixtures: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    script = tmp_path / "streams.py"
    script.write_text(STREAMS)
    with (
        mitmdump(confdir, "--mode", f"upstream:{elsewhere.url}", "-s", str(script), fixtures=fixtures) as mock,
        tape.client(mock) as client,
    ):
        for scheme in ("http", "https"):
            assert client.post(f"{scheme}://fal.run/{MODEL}", json={}).json() == {"seed": 1}
        assert elsewhere.seen == []
        assert client.post("http://other.test/", json={}).content == BODY


def test_a_raw_tunnel_to_another_host_is_left_alone(confdir: Path, fixtures: Path, elsewhere: Elsewhere) -> None:
    with mitmdump(confdir, "--set", "ignore_hosts=other.test|127.0.0.1", fixtures=fixtures) as mock:
        answer = tunnelled(mock.ports[0], f"127.0.0.1:{elsewhere.server_port}", plain_request("other.test"))
    assert answer.endswith(BODY)


FAL_ALONE = r"allow_hosts=(^|\.)(fal\.(run|ai|media)|falrun\.com):"
"""The setting in addon/README.md with which only fal's hosts are intercepted."""


def test_hosts_that_are_not_intercepted_stay_so_while_fals_are_answered(
    confdir: Path, fixtures: Path, elsewhere: Elsewhere
) -> None:
    with mitmdump(confdir, "--set", FAL_ALONE, fixtures=fixtures) as mock:
        with tape.client(mock) as client:
            assert client.post(f"https://fal.run/{MODEL}", json={}).json() == {"seed": 1}
        # Not HTTP: mitmproxy would complain of it by itself, and connect to nobody.
        tunnelled(mock.ports[0], f"127.0.0.1:{elsewhere.server_port}", b"not HTTP at all\r\n\r\n")
    assert elsewhere.seen == [f"connection to 127.0.0.1:{elsewhere.server_port}"]


def test_a_lost_script_leaves_fal_shut_for_an_upstream_proxy(
    confdir: Path, fixtures: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    script = tmp_path / "falmock_addon.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ADDON.parent)!r})\n{ADDON.read_text()}")
    with mitmdump(confdir, "--mode", f"upstream:{elsewhere.url}", fixtures=fixtures, addon=script) as mock:
        script.unlink()
        mock.wait_for("Removing script")
        with tape.client(mock) as client:
            for url in (
                f"https://fal.run/{MODEL}",
                f"http://fal.run/{MODEL}",
                "http://storage.googleapis.com/falserverless/x",
            ):
                assert client.post(url, json={}).status_code == 502
        mock.wait_for("falmock refused a connection to storage.googleapis.com: the addon is not loaded any more")
    assert elsewhere.seen == []
