"""The line about a client that does not trust mitmproxy's CA."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy.test import tflow

from falmock.proxy import trust
from falmock.proxy.trust import Trust
from falmock.serving.trust import exposed

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


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666, 0o601])
@pytest.mark.parametrize("name", ["mitmproxy-ca.pem", "mitmproxy-ca.p12"])
def test_a_key_of_the_ca_that_others_may_read_is_named_with_its_mode(tmp_path: Path, name: str, mode: int) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / name).chmod(mode)
    (line,) = exposed(tmp_path)
    assert f"{tmp_path / name}, has mode {mode:04o}, expected 0600" in line
    assert f"Run chmod 600 {tmp_path / name}" in line


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_the_ca_for_its_owner_alone_is_not(tmp_path: Path, mode: int) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_bytes(b"")
    (tmp_path / "mitmproxy-ca.pem").chmod(mode)
    (tmp_path / "mitmproxy-ca-cert.pem").write_bytes(b"")
    (tmp_path / "mitmproxy-ca-cert.pem").chmod(0o644)
    assert exposed(tmp_path) == []


@pytest.mark.parametrize(
    ("mode", "named"), [(0o777, True), (0o757, True), (0o1777, False), (0o775, False), (0o755, False), (0o700, False)]
)
def test_a_folder_of_keys_in_which_anybody_may_replace_them_is_named(tmp_path: Path, mode: int, *, named: bool) -> None:
    tmp_path.chmod(mode)
    lines = exposed(tmp_path)
    assert [f"{tmp_path} has mode {mode:04o}: others" in line for line in lines] == [True] * named


def test_on_windows_modes_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_bytes(b"")
    (tmp_path / "mitmproxy-ca.pem").chmod(0o666)
    tmp_path.chmod(0o777)
    assert len(exposed(tmp_path)) == 2
    monkeypatch.setattr(sys, "platform", "win32")
    assert exposed(tmp_path) == []


def test_a_folder_that_does_not_exist_exposes_nothing(tmp_path: Path) -> None:
    assert exposed(tmp_path / "none") == []
