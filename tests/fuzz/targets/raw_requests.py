"""The bytes of a request's head, as mitmproxy reads them: falmock answers them, or they are for somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.net.http import validate
from mitmproxy.proxy import mode_specs
from mitmproxy.test import tflow

from falmock.edge import Answer
from falmock.engine.effects import Reply
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.proxy.direct import DirectRequests
from falmock.proxy.handler import FlowHandler
from falmock.serving import bodies
from fuzz.apps import app
from fuzz.harness import logged
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.strategies import http_requests

CASES = st.tuples(
    http_requests.BYTES, st.sampled_from(["regular", "reverse:https://fal.run@8081", "reverse:http://x.invalid@8083"])
)
_HEAD_END = b"\r\n\r\n"


class _Responder:
    """Keeps what a flow is answered with."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    async def put(self, flow: http.HTTPFlow, answer: Any) -> None:
        self.answers.append(answer)
        if isinstance(answer, Reply):
            flows.answer(flow, answer, bodies.body_of(answer))


@contextmanager
def _options() -> Iterator[None]:
    """The options that falmock looks up in mitmproxy's context."""
    before = getattr(ctx, "options", None)
    ctx.options = SimpleNamespace(keep_host_header=True, rawtcp=True)
    try:
        yield
    finally:
        ctx.options = before


def _read(data: bytes, mode: str) -> http.HTTPFlow | None:
    """The flow that mitmproxy makes of a request; None if it refuses it."""
    head, _, body = data.partition(_HEAD_END)
    try:
        request = http1.read_request_head(head.split(b"\r\n"))
        http1.expected_http_body_size(request)
        if hasattr(validate, "validate_headers"):
            validate.validate_headers(request)
    except (ValueError, IndexError):  # mitmproxy's own fault
        return None
    flow = tflow.tflow()
    flow.client_conn.proxy_mode = mode_specs.ProxyMode.parse(mode)
    flow.client_conn.sockname = ("127.0.0.1", 8080)
    flow.request = request
    if isinstance(flow.client_conn.proxy_mode, mode_specs.ReverseMode):
        request.scheme, (request.host, request.port) = "https", flow.client_conn.proxy_mode.address
    elif not request.host:
        request.host, request.port = request.pretty_host or "127.0.0.1", 443
    request.raw_content = body
    return flow


async def _answer(flow: http.HTTPFlow) -> None:
    clients, responder = Clients(), _Responder()
    clients.began(flow.client_conn, b"GET / HTTP/1.1")
    falmock = app()
    handler = FlowHandler(falmock, clients, responder)  # type: ignore[arg-type]
    with logged():
        direct = DirectRequests(falmock, clients).finds(flow)
        host = flows.host_of(flow.request, falmock.config.hosts)
        if direct is not None:
            await handler.answer_direct(flow, direct)
        elif host is not None:
            await handler.answer(flow, host)
        else:
            return
    falmock.stop()
    assert len(responder.answers) == 1 or flow.response is not None
    for answer in responder.answers:
        check_answer(answer, faulty="x-falmock-fault" in flow.request.headers)


def check(case: tuple[bytes, str]) -> None:
    with _options():
        flow = _read(*case)
        if flow is not None:
            run(_answer(flow))
