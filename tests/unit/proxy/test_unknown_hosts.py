from __future__ import annotations

import pytest

from falmock.proxy import unknown_hosts
from falmock.proxy.unknown_hosts import UnknownHosts
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

HOSTS = Hosts({"yours.fal.ai": Role.RUN})


def test_each_unknown_host_is_logged_once_and_all_are_listed_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    unknown = UnknownHosts()
    for host in ("fal.run", "new.fal.run", "v2.fal.media", "yours.fal.ai", "cdn.fal.media", "new.fal.run"):
        unknown.called(host, HOSTS)
    first, second = caplog.messages
    assert "new.fal.run is below a domain of fal's" in first
    assert "fal_hosts=new.fal.run=run" in first
    assert "cdn.fal.media" in second
    assert "its files are answered" in second
    caplog.clear()
    unknown.end()
    assert caplog.messages == [
        "falmock: calls to hosts of fal's that falmock does not know: cdn.fal.media (1), new.fal.run (2)"
    ]
    caplog.clear()
    unknown.end()
    assert caplog.messages == []


def test_the_number_of_hosts_is_limited(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_hosts, "MAX_HOSTS", 3)
    unknown = UnknownHosts()
    for number in range(10):
        unknown.called(f"h{number}.fal.ai", HOSTS)
    assert len(caplog.messages) == 3
