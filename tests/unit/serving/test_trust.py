"""The line about a client that does not trust the CA."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from falmock.serving import trust
from falmock.serving.client_hello import ClientHello
from falmock.serving.tls_session import TlsFailure
from falmock.serving.trust import RefusalLog
from falmock.serving.trust import advice
from falmock.serving.trust import runtime_of

PYTHON = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F)
NODE = (0x1302, 0x1303, 0x1301, 0xC02F, 0xC02B, 0xC030)
CURL = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0x9F)


@pytest.mark.parametrize(
    ("agent", "ciphers", "name"),
    [
        ("curl/7.88.1", CURL, "curl"),
        ("Python/3.11 aiohttp/3.9.1", PYTHON, "Python"),
        ("python-requests/2.32", PYTHON, "Python"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/156.0.0.0 Safari/537.36", (0x8A8A, 0x1301), "Chromium"),
        ("Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0", (0x1301,), "Firefox"),
        ("Java/17.0.15", (), "Java"),
        ("Java-http-client/17.0.15", (), "Java"),
        ("Go-http-client/1.1", (), "Go"),
        ("Deno/2.9.6", (), "Deno"),
        ("", NODE, "Node.js"),
        ("", PYTHON, "Python"),
        *(("", (grease, 0x1301), "Chromium") for grease in (0x0A0A, 0xCACA, 0xFAFA)),
        ("", CURL, None),
        ("", (), None),
        ("somebody/1", NODE, None),
    ],
)
def test_a_runtime_is_recognized(agent: str, ciphers: tuple[int, ...], name: str | None) -> None:
    found = runtime_of(agent, ciphers)
    assert (found and found.name) == name


def test_the_line_has_the_remedy_of_the_runtime_or_all() -> None:
    for runtime in trust.RUNTIMES:
        line = advice("fal.run", runtime, "/ca.pem")
        assert line.endswith(f"It looks like {runtime.name}: {runtime.remedy.replace('{ca}', '/ca.pem')}")
        assert runtime.remedy.replace("{ca}", "/ca.pem") in advice("fal.run", None, "/ca.pem")


@pytest.mark.parametrize(
    "why", ["TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "it disconnected during the handshake"]
)
def test_each_kind_of_client_is_logged_once(why: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.WARNING)
    log = RefusalLog(lambda: tmp_path)
    for _ in range(3):
        log.failed("fal.run", "", TlsFailure(why, ClientHello("fal.run", (), NODE)))
    log.failed("fal.run", "curl/8.0", TlsFailure(why, None))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert f"NODE_EXTRA_CA_CERTS={tmp_path / trust.CA_FILE}" in lines[0]
    assert "CURL_CA_BUNDLE=" in lines[1]


def test_other_trouble_is_not_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    RefusalLog(lambda: tmp_path).failed("fal.run", "", TlsFailure("UNSUPPORTED_PROTOCOL", None))
    assert not caplog.records
