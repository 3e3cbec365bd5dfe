from __future__ import annotations

from ipaddress import ip_address

import pytest
from mitmproxy import http
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import tflow

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
