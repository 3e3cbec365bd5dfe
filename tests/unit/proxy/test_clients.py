"""The user name with which a client uses the proxy."""

from __future__ import annotations

import base64

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.clients import Clients


def flow(header: str | None = None, of: http.HTTPFlow | None = None) -> http.HTTPFlow:
    headers = http.Headers() if header is None else http.Headers([(b"Proxy-Authorization", header.encode())])
    result = tflow.tflow(req=tutils.treq(headers=headers))
    if of is not None:
        result.client_conn = of.client_conn
    return result


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def test_a_tunnel_gives_its_name_to_all_that_comes_through() -> None:
    callers, tunnel = Clients(), flow(basic("my-test:x"))
    callers.connected(tunnel)
    assert [callers.user(flow(of=tunnel)), callers.user(flow())] == ["my-test", ""]
    callers.disconnected(tunnel.client_conn)
    assert callers.user(flow(of=tunnel)) == ""


def test_a_plain_request_brings_its_own() -> None:
    callers, tunnel = Clients(), flow(basic("one:x"))
    callers.connected(tunnel)
    assert callers.user(flow(basic("two"), of=tunnel)) == "two"


def test_tests_of_one_file_have_names_of_their_own() -> None:
    names = [Clients().user(flow(basic(f"tests/test_app.py::test_it[{number}]:x"))) for number in (1, 2)]
    assert names == ["tests/test_app.py::test_it[1]", "tests/test_app.py::test_it[2]"]


def test_a_name_that_a_client_leaves_as_it_is_in_the_proxys_url() -> None:
    assert Clients().user(flow(basic("tests%2Ftest_app.py%3A%3Atest_it:x"))) == "tests/test_app.py::test_it"


def test_mitmproxys_own_check_is_believed() -> None:
    checked = flow()
    checked.metadata["proxyauth"] = ("known", "password")
    assert Clients().user(checked) == "known"


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer abc", "Basic ég", basic(":x")])
def test_what_is_no_name_is_none(header: str) -> None:
    callers, tunnel = Clients(), flow(header)
    callers.connected(tunnel)
    assert callers.user(flow(of=tunnel)) == ""
