from __future__ import annotations

import pytest
from mitmproxy import dns
from mitmproxy.net.dns import types
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.dns import DnsAnswers
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role


def asked(name: str, kind: int, hosts: Hosts | None) -> dns.DNSFlow:
    question = dns.Question(name=name, type=kind, class_=1)
    flow = tflow.tdnsflow(req=tutils.tdnsreq(questions=[question]))
    addon = DnsAnswers()
    addon.hosts = hosts
    addon.dns_request(flow)
    return flow


@pytest.mark.parametrize(
    "name", ["fal.run", "queue.fal.run", "QUEUE.fal.run", "v3b.fal.media", "new.fal.ai", "mine.test"]
)
def test_fals_names_point_here(name: str) -> None:
    flow = asked(name, types.A, Hosts({"mine.test": Role.RUN}))
    assert flow.response is not None
    assert [str(answer.ipv4_address) for answer in flow.response.answers] == ["198.18.0.1"]


@pytest.mark.parametrize("kind", [types.AAAA, types.HTTPS, types.TXT])
def test_other_records_of_fals_names_are_empty(kind: int) -> None:
    flow = asked("fal.run", kind, Hosts())
    assert flow.response is not None
    assert (flow.response.answers, flow.response.response_code) == ([], 0)


@pytest.mark.parametrize("name", ["example.com", "storage.googleapis.com", "notfal.run", "run"])
def test_other_names_are_left_alone(name: str) -> None:
    assert asked(name, types.A, Hosts()).response is None


def test_without_hosts_no_name_is_answered() -> None:
    assert asked("fal.run", types.A, None).response is None
