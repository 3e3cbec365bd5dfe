"""Which connections the lane takes, and what it logs."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy.certs import CertStore
from mitmproxy.connection import Client
from mitmproxy.proxy import layer
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import modes
from mitmproxy.tools.dump import DumpMaster

from falmock.engine import replies
from falmock.engine.config import Fast
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.proxy.lane.lane import Lane
from falmock.proxy.lane.takeover import LaneLayer
from falmock.proxy.trust import Trust
from falmock.proxy.unknown_hosts import UnknownHosts
from falmock.serving import client_hello
from falmock.serving.gate import Caller
from falmock.serving.handler import Tunnel
from falmock.serving.http_session import HttpSession
from falmock.serving.request_parts import Head
from falmock.serving.tls_session import TlsFailure
from falmock.serving.upload_spool import SpoolFolder
from falmock.wire.message import Request
from unit.apps import app_of
from unit.proxy.mitm import mitmdump
from unit.serving.sessions import Recorder
from unit.serving.test_client_hello import hello

CONNECT = b"CONNECT queue.fal.run:443 HTTP/1.1\r\n\r\n"
DIRECT = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
PLAIN = b"GET /a HTTP/1.1\r\nHost: fal.run\r\n\r\n"


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conf")
    CertStore.create_store(folder, "mitmproxy", 2048)
    return folder


def in_mitmdump(confdir: Path, test: Callable[[Lane, DumpMaster], Any], **config: Any) -> Any:
    """What `test` returns, with a lane in a mitmdump that does not run."""

    async def run() -> Any:
        with mitmdump(confdir=str(confdir)) as master:
            dumper = master.addons.get("dumper")
            assert dumper is not None
            dumper.outfp = io.StringIO()
            lane = Lane(app_of(**config), SpoolFolder(), Trust(lambda _: True), UnknownHosts())
            try:
                return test(lane, master)
            finally:
                lane.stop()

    return asyncio.run(run())


async def _nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve nobody."""


def is_taken(master: DumpMaster, lane: Lane, data: bytes, mode: str = "regular", **more: Any) -> bool:
    """Whether the lane takes a connection that begins with these bytes."""
    spec = mode_specs.ProxyMode.parse(mode)
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 8080), timestamp_start=0.0, proxy_mode=spec)
    context = Context(client, master.options)
    tops: dict[str, type[layer.Layer]] = {
        "reverse": modes.ReverseProxy,
        "transparent": modes.TransparentProxy,
        "upstream": modes.HttpUpstreamProxy,
        "socks5": modes.Socks5Proxy,
    }
    context.layers = [tops.get(mode.partition(":")[0], modes.HttpProxy)(context)]
    if more.get("nested"):
        context.layers.append(modes.HttpProxy(context))
    reader = asyncio.StreamReader()
    transport: Any = SimpleNamespace(set_protocol=print, is_closing=lambda: True)
    writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, asyncio.get_running_loop())
    handler = SimpleNamespace(transports={client: SimpleNamespace(reader=reader, writer=writer)})
    server = master.addons.get("proxyserver")
    assert server is not None
    server.connections[client.id] = handler  # type: ignore[assignment]
    offered = layer.NextLayer(context)
    if more.get("chosen"):
        offered.layer = modes.HttpProxy(context)
    offered.data_client = lambda: data  # type: ignore[method-assign]
    lane.offer(offered)
    return isinstance(offered.layer, LaneLayer)


@pytest.mark.parametrize(
    ("mode", "data", "taken"),
    [
        ("regular", CONNECT, True),
        ("regular", DIRECT, True),
        ("regular", PLAIN, True),
        ("regular", b"", False),
        ("regular", CONNECT[:10], False),
        ("regular", CONNECT.replace(b"queue.fal.run", b"example.com"), False),
        ("regular", CONNECT.replace(b"queue.fal.run", b"a.b.fal.run"), False),
        ("upstream:http://127.0.0.1:9", CONNECT, True),
        ("socks5", CONNECT, False),
        ("transparent", hello("queue.fal.run"), True),
        ("transparent", hello("example.com"), False),
        ("transparent", hello("queue.fal.run", ("h2", "http/1.1")), False),
        ("transparent", PLAIN, True),
        ("reverse:https://queue.fal.run", hello("fal.run"), True),
        ("reverse:https://queue.fal.run", hello("localhost"), False),
        ("reverse:https://example.com", hello("fal.run"), False),
        ("reverse:http://fal.run", PLAIN, True),
        ("reverse:tcp://fal.run:80", PLAIN, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_connections(confdir: Path, mode: str, data: bytes, taken: bool) -> None:  # noqa: FBT001
    def test(lane: Lane, master: DumpMaster) -> bool:
        assert not is_taken(master, lane, data, mode), "before mitmproxy is up"
        lane.start()
        return is_taken(master, lane, data, mode)

    assert in_mitmdump(confdir, test) is taken


def test_not_where_a_layer_is_chosen_or_above_another(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> tuple[bool, bool]:
        lane.start()
        return is_taken(master, lane, CONNECT, nested=True), is_taken(master, lane, CONNECT, chosen=True)

    assert in_mitmdump(confdir, test) == (False, False)


def test_a_reverse_port_that_keeps_the_host_header(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> bool:
        lane.start()
        master.options.update(keep_host_header=True)
        return is_taken(master, lane, PLAIN, "reverse:http://fal.run")

    assert in_mitmdump(confdir, test) is False


def test_direct_requests_that_need_authentication(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> tuple[bool, bool]:
        lane.start()
        master.options.update(proxyauth="any")
        return is_taken(master, lane, DIRECT), is_taken(master, lane, CONNECT)

    assert in_mitmdump(confdir, test) == (False, True)


@pytest.mark.parametrize(
    ("config", "option", "why"),
    [
        ({}, {}, ""),
        ({"fast": Fast.OFF}, {}, "fal_fast is off"),
        ({"mode": Mode.RECORD}, {}, "mode record forwards calls"),
        ({"mode": Mode.AUTO, "fast": Fast.ON}, {}, "mode auto forwards calls"),
        ({}, {"flow_detail": 2}, "the option flow_detail is set"),
        ({}, {"modify_headers": ["/~q/x/y"]}, "the option modify_headers is set"),
        ({"fast": Fast.ON}, {"flow_detail": 2}, ""),
    ],
)
def test_why_not(confdir: Path, config: dict[str, Any], option: dict[str, Any], why: str) -> None:
    def test(lane: Lane, master: DumpMaster) -> tuple[str, bool]:
        master.options.update(**option)
        lane.start()
        return lane.why_not(), is_taken(master, lane, CONNECT)

    assert in_mitmdump(confdir, test, **config) == (why, not why)


class Observer:
    name = "an observer"

    def request(self, flow: object) -> None:
        """Looks at flows."""


def test_another_addon_that_comes_later(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> tuple[str, bool]:
        lane.start()
        assert is_taken(master, lane, CONNECT)
        master.addons.add(Observer())
        return lane.why_not(), is_taken(master, lane, CONNECT)

    assert in_mitmdump(confdir, test) == ("an observer looks at flows", False)


def test_without_a_ca(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def test(lane: Lane, master: DumpMaster) -> bool:
        lane.start()
        return is_taken(master, lane, CONNECT)

    assert in_mitmdump(tmp_path, test) is False
    assert "calls go through flows, which is slower: no certificate can be made" in caplog.text


def test_other_hosts_have_another_certificate(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> bool:  # noqa: ARG001
        first = lane.tls()
        assert lane.tls() is first
        config = lane._app.config
        lane._app.engines.use_config(
            replace(config, hosts=type(config.hosts)({"fal.example.com": next(iter(config.hosts._roles.values()))}))
        )
        return lane.tls() is first

    assert in_mitmdump(confdir, test) is False


# the gate


def test_who_may_use_a_tunnel(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> list[object]:
        head = Head("CONNECT", b"fal.run:443", ((b"Proxy-Authorization", b"Basic bWU6eA=="),))
        found: list[object] = [lane.tunnel(head, "fal.run")]
        master.options.update(proxyauth="other:x")
        found.append(lane.tunnel(head, "fal.run"))
        return found

    user, refused = in_mitmdump(confdir, test)
    assert user == "me"
    assert isinstance(refused, Reply)
    assert refused.status == 407


def test_hosts_of_others_are_mitmproxys(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> Any:  # noqa: ARG001
        return lane.elsewhere(Head("CONNECT", b"example.com:443", ()), SimpleNamespace())  # type: ignore[arg-type]

    assert asyncio.run(in_mitmdump(confdir, test)).status == 421


@pytest.mark.parametrize(
    ("why", "h2", "line"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", False, "a client refused the certificate for fal.run"),
        ("it disconnected during the handshake", False, "a client refused the certificate for fal.run"),
        ("its client speaks only h2", True, "set fal_fast=off"),
        ("WRONG_VERSION_NUMBER", False, ""),
    ],
)
def test_a_failed_handshake(confdir: Path, why: str, h2: bool, line: str, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    def test(lane: Lane, master: DumpMaster) -> None:  # noqa: ARG001
        lane.tls_failed("fal.run", Caller(), TlsFailure(why, client_hello.read(hello()), is_h2_only=h2))

    with caplog.at_level(logging.WARNING):
        in_mitmdump(confdir, test)
    assert (line in caplog.text) if line else not caplog.text


def test_a_line_for_each_call(confdir: Path) -> None:
    def test(lane: Lane, master: DumpMaster) -> str:
        request = Request("GET", "fal.run", "/a", "b=c", {}, b"")
        lane.answered(Caller("127.0.0.1", 5), request, replies.problem(404, "no", "why"))
        lane.answered(Caller("127.0.0.1", 5), request, Tunnel(HttpSession(Recorder())))
        lane.stop()
        dumper = master.addons.get("dumper")
        return dumper.outfp.getvalue() if dumper is not None else ""

    text = in_mitmdump(confdir, test)
    assert text.startswith("127.0.0.1:5: GET https://fal.run/a?[hidden]\n")
    assert text.count("\n") == 2
    assert "404 Not Found" in text
