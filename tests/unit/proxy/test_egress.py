from __future__ import annotations

from ipaddress import ip_address

import pytest
from mitmproxy import http
from mitmproxy import options
from mitmproxy import tls
from mitmproxy.connection import Server
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import DataReceived
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import tflow
from OpenSSL import SSL

from falmock.proxy.egress import Egress
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role


def connect(egress: Egress, address: str, sni: str | None = None, client_sni: str | None = None) -> str | None:
    client, server = tflow.tclient_conn(), tflow.tserver_conn()
    client.sni, server.sni, server.address, server.error = client_sni, sni, (address, 443), None
    data = ServerConnectionHookData(client=client, server=server)
    egress.server_connect(data)
    return data.server.error


@pytest.mark.parametrize(
    "names",
    [
        ("fal.run", None, None),
        ("Queue.FAL.run.", None, None),
        ("198.18.0.1", "fal.run", None),
        ("1.2.3.4", None, "new.fal.ai"),
        ("v2.fal.media", None, None),
        ("1.2.3.4", "v9b.fal.media", None),
        ("fal-cdn.batuhan-941.workers.dev", None, None),
        ("run.fal.dev", None, None),
        ("fal\u3002run", None, None),
        ("f\u00adal.run", None, None),
        ("1.2.3.4", "\uff46\uff41\uff4c.run", None),
        ("1.2.3.4", None, "xn--fal-.run"),
    ],
)
def test_fal_is_not_connected_to(names: tuple[str, str | None, str | None]) -> None:
    assert "in replay nothing is sent to fal" in str(connect(Egress(), *names))


@pytest.mark.parametrize(
    "name", ["example.com", "storage.googleapis.com", "router.huggingface.co", "huggingface.co", "notfal.run"]
)
def test_other_hosts_are(name: str) -> None:
    assert connect(Egress(), name) is None


def test_a_host_of_hugging_face_that_was_asked_for_is_not() -> None:
    egress = Egress()
    egress.use(Hosts({"huggingface.co": Role.HF}), (), closed=True)
    assert connect(egress, "huggingface.co") is not None


PUBLIC = ip_address("1.2.3.4")


@pytest.mark.parametrize(
    ("address", "refused"), [("1.2.3.4", True), ("1.2.3.5", False), ("fd00::1", False), ("x.test", False)]
)
def test_a_public_address_of_fals_names_is_fals(address: str, *, refused: bool) -> None:
    egress = Egress()
    egress.use(Hosts(), (PUBLIC, ip_address("fd00::1")), closed=True)
    assert (connect(egress, address) is not None) is refused
    assert connect(egress, address, "other.test", "other.test") == connect(egress, address)
    egress.use(Hosts(), (PUBLIC,), closed=False)
    assert connect(egress, address) is None


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://huggingface.co/api/models/a/b?expand=inferenceProviderMapping", True),
        ("https://router.huggingface.co/fal-ai/a/b", False),
        ("https://storage.googleapis.com/fal-flux-lora/a", False),
        ("https://v2.fal.media/a", False),
    ],
)
def test_of_what_nothing_answered_only_a_call_to_another_service_goes_on(url: str, *, passes: bool) -> None:
    flow = tflow.tflow(req=http.Request.make("GET", url))
    Egress().request(flow)
    assert (flow.response is None) is passes


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("name", [".example.com", f"{'a' * 64}.fal.run", "a..b", "", "a\0b", "a%2eb"])
def test_what_no_resolver_takes_is_not_connected_to(name: str, *, closed: bool) -> None:
    egress = Egress()
    egress.use(Hosts(), (), closed=closed)
    assert connect(egress, name) is not None
    if "fal.run" not in name:
        assert "is not a valid host name" in str(connect(egress, "1.2.3.4", name))
        flow = tflow.tflow(req=http.Request.make("GET", "https://example.com/"))
        flow.request.data.host, flow.request.stream = name, True
        egress.requestheaders(flow)
        egress.request(flow)
        assert not flow.request.stream
        assert flow.response is not None
        assert (flow.response.status_code, b"is not a valid host name" in (flow.response.content or b"")) == (502, True)


def test_what_cannot_be_checked_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def owns(*_: object) -> bool:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(Hosts, "owns", owns)
    assert "could not be checked" not in str(connect(Egress(), "example.com"))
    assert connect(Egress(), "example.com") == "falmock failed to check this connection; its log has the details"
    assert "no such thing" in caplog.text


def hello_for(name: bytes) -> bytes:
    """A TLS hello with this name, as OpenSSL sends it."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    client.set_tlsext_host_name(name)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65536)


@pytest.mark.parametrize(
    ("name", "sni"),
    [
        ("fal\u3002run", "fal.run"),
        ("any.f\u00adal.run", "any.fal.run"),
        ("\u00e9.test", None),
        ("fal.run", None),
        ("example.com", None),
    ],
)
def test_a_name_in_a_hello_that_mitmproxy_does_not_read(name: str, sni: str | None) -> None:
    context = Context(tflow.tclient_conn(), options.Options())
    context.client.sni = None
    hello = parse_client_hello(hello_for(name.encode()))
    assert hello is not None
    data = tls.ClientHelloData(context, hello)
    Egress().tls_clienthello(data)
    assert (context.client.sni, data.ignore_connection) == (sni, sni is not None)


@pytest.mark.parametrize(("address", "ignored"), [("fal.run..", True), ("fal.run", False), ("1.2.3.4", False)])
def test_tls_for_a_name_that_no_certificate_can_be_made_for(address: str, *, ignored: bool) -> None:
    context = Context(tflow.tclient_conn(), options.Options())
    context.server.address = (address, 443)
    hello = parse_client_hello(hello_for(b"fal.run"))
    assert hello is not None
    data = tls.ClientHelloData(context, hello)
    Egress().tls_clienthello(data)
    assert data.ignore_connection is ignored


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (hello_for(b"fal.run"), True),
        (hello_for("fal\u3002run".encode()), True),
        (hello_for(b"example.com"), False),
        (b"GET / HTTP/1.1\r\nHost: FAL.run.:80\r\n\r\n", True),
        (b"GET / HTTP/1.1\nhost : me@fal.run\n\n", True),
        ("GET / HTTP/1.1\r\nHost: example.com\r\nHost: f\u00adal.run\r\n\r\n".encode(), True),
        (b"GET http://fal.run/ HTTP/1.1\r\nHost: example.com\r\n\r\n", True),
        (b"CONNECT queue.fal.run:443 HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: example.com\r\nX: fal.run\r\n\r\n", False),
        (b"GET /fal.run HTTP/1.1\r\nHost: example.com\r\n\r\n", False),
        (b"\0\1\2\3", False),
    ],
)
def test_a_raw_tunnel_is_refused_by_the_names_in_its_first_bytes(data: bytes, *, refused: bool) -> None:
    client, server = tflow.tclient_conn(), Server(address=("1.2.3.4", 443))
    client.sni = None
    context = Context(client, options.Options())
    context.server = server
    next_layer = NextLayer(context)
    next_layer.layer = TCPLayer(context)
    next_layer.events.append(DataReceived(client, data))
    Egress().next_layer(next_layer)
    assert (server.error is not None) is refused


def test_our_own_origin_is_not_elsewhere() -> None:
    # The client's TLS name is fal's, but the address decides.
    egress = Egress()
    egress.origin = ("127.0.0.1", 443)
    assert connect(egress, "127.0.0.1", None, "fal.run") is None
    assert connect(egress, "127.0.0.2", None, "fal.run") is not None
    for other in (("127.0.0.1", 444), None):
        egress.origin = other
        assert connect(egress, "127.0.0.1", None, "fal.run") is not None


def test_it_opens_only_when_told_and_shuts_when_the_script_is_gone() -> None:
    egress = Egress()
    egress.use(Hosts(), (), closed=False)
    assert connect(egress, "fal.run") is None
    egress.unloaded()
    assert "not loaded any more" in str(connect(egress, "fal.run"))
