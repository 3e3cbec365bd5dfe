"""The line about a client that does not trust the CA."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from falmock.serving import trust
from falmock.serving.client_hello import ClientHello
from falmock.serving.own_ca import folder as own_ca
from falmock.serving.runtimes import RUNTIMES
from falmock.serving.tls_session import TlsFailure
from falmock.serving.trust import RefusalLog
from falmock.serving.trust import advice
from falmock.serving.trust import exposed

NODE = (0x1302, 0x1303, 0x1301, 0xC02F, 0xC02B, 0xC030)


def test_the_line_has_the_remedy_of_the_runtime_or_all() -> None:
    for runtime in RUNTIMES:
        remedy = runtime.remedy.replace("{ca}", "/ca.pem").replace("{owner}", "mitmproxy")
        assert advice("fal.run", runtime, "/ca.pem").endswith(f"It looks like {runtime.name}: {remedy}")
        assert f"{runtime.name}: {remedy}" in advice("fal.run", None, "/ca.pem")


def test_the_line_says_whose_ca_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_ca.HOME, str(tmp_path))
    chromium = next(each for each in RUNTIMES if each.name == "Chromium")
    for folder, owner in ((own_ca.path([]), "falmock"), (tmp_path, "mitmproxy")):
        line = advice("fal.run", chromium, str(folder / trust.CA_FILE))
        assert f"it does not trust {owner}'s CA. " in line
        assert f"-n {owner} -i {folder / trust.CA_FILE}" in line


def test_what_a_key_that_others_may_read_is_good_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_ca.HOME, str(tmp_path))
    for folder, text in (
        (own_ca.path([]), "the key of falmock's CA, "),
        (own_ca.path([]), "impersonate fal's hosts to apps"),
        (tmp_path, "the key of mitmproxy's CA, "),
        (tmp_path, "impersonate any host to apps"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mitmproxy-ca.pem").write_bytes(b"")
        (folder / "mitmproxy-ca.pem").chmod(0o644)
        assert text in exposed(folder)[0]


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
