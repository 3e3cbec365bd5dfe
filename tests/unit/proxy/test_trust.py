"""The line about a client that does not trust mitmproxy's CA."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy.test import tflow

from falmock.proxy import trust
from falmock.proxy.trust import Trust

PYTHON = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F)
NODE = (0x1302, 0x1303, 0x1301, 0xC02F, 0xC02B, 0xC030)
CURL = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0x9F)
UNTRUSTED = "The client does not trust the proxy's certificate for fal.run (tlsv1 alert unknown ca)"
CLOSED = (
    "The client disconnected during the handshake. If this happens consistently for fal.run, this may indicate that "
    "the client does not trust the proxy's certificate."
)


class Failures:
    """Clients that end the handshake with falmock's proxy."""

    def __init__(self) -> None:
        self.trust = Trust(lambda host: host.endswith("fal.run"))

    def fails(self, error: str, *, sni: str = "queue.fal.run", agent: str = "", ciphers: tuple[int, ...] = ()) -> None:
        flow = tflow.tflow()
        flow.request.headers["user-agent"] = agent
        client = flow.client_conn
        self.trust.connected(flow)
        told: Any = SimpleNamespace(
            context=SimpleNamespace(client=client),
            client_hello=SimpleNamespace(cipher_suites=ciphers),
            conn=SimpleNamespace(sni=sni, error=error),
        )
        self.trust.greeted(told)
        self.trust.failed_in_flow(told)
        self.trust.disconnected(client)


def test_each_kind_of_client_is_logged_once(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(trust, "ctx", SimpleNamespace(options=SimpleNamespace(confdir=str(tmp_path))))
    failures = Failures()
    for _ in range(3):
        failures.fails(UNTRUSTED, ciphers=PYTHON)
        failures.fails(CLOSED, ciphers=NODE)
        failures.fails(UNTRUSTED, agent="curl/8.0")
        failures.fails(UNTRUSTED, agent="unknown/1")
    ca = tmp_path / "mitmproxy-ca-cert.pem"
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    for line, remedy in zip(
        lines, (f"SSL_CERT_FILE={ca}", f"NODE_EXTRA_CA_CERTS={ca}", f"CURL_CA_BUNDLE={ca}", "keytool"), strict=True
    ):
        assert remedy in line
        assert "for queue.fal.run" in line


@pytest.mark.parametrize(
    ("error", "sni"),
    [
        (UNTRUSTED, "example.com"),
        (UNTRUSTED, ""),
        ("Client and mitmproxy cannot agree on a TLS version to use.", "fal.run"),
        ("", "fal.run"),
    ],
)
def test_other_hosts_and_other_trouble_are_not_logged(error: str, sni: str, caplog: pytest.LogCaptureFixture) -> None:
    Failures().fails(error, sni=sni, ciphers=PYTHON)
    assert not caplog.records
