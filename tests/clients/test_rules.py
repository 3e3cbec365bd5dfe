"""The options `fal_ignore` and `fal_redact` of a real mitmdump."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from clients.running import mitmdump
from clients.running import write_fixtures

ONE, OTHER = "f47ac10b-58cc-4372-a567-0e02b2c3d479", "0b2c3d47-58cc-4372-a567-f47ac10b0e02"
URL = "https://fal.run/fal-ai/flux/dev"
HEADERS = {"Authorization": "Key planted-id-0123:planted-key", "Cookie": "sid=planted-cookie", "X-Mine": "planted-mine"}


def test_a_call_is_answered_with_the_rule_that_its_report_proposed(tmp_path: Path) -> None:
    match = {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat", "run": {"id": ONE}}, "exact": True}
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": match, "response": {"json": {"seed": 1}}})
    asked = {"prompt": "a cat", "run": {"id": OTHER}}
    with mitmdump(tmp_path / "conf", fixtures=fixtures) as mock:
        report = post(mock.proxy, mock.ca, asked)
        assert report.status_code == 404
        rule = report.json()["detail"].rpartition("--set fal_ignore=")[2].split()[0]
    with mitmdump(tmp_path / "conf", "--set", f"fal_ignore={rule}", fixtures=fixtures) as mock:
        assert post(mock.proxy, mock.ca, asked).json() == {"seed": 1}
        assert post(mock.proxy, mock.ca, asked | {"prompt": "a dog"}).status_code == 404


def test_no_report_or_log_line_holds_what_the_call_carried(tmp_path: Path) -> None:
    match = {"model": "fal-ai/flux/dev", "input": {"prompt": "planted-cookie"}}
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": match, "response": {"json": {}}})
    options = ("--set", "fal_redact=X-Mine", "--set", "fal_redact=/cust-[0-9]+/")
    with mitmdump(tmp_path / "conf", *options, fixtures=fixtures) as mock:
        report = post(mock.proxy, mock.ca, {"prompt": "planted-key, planted-mine of cust-12", "mine": HEADERS})
        output = mock.wait_for("To answer it")
    assert "[hidden], [hidden] of [hidden]" in report.text
    for text in (report.text, output):
        assert "planted" not in text
        assert "cust-12" not in text


def post(proxy: str, ca: Path, body: object) -> httpx.Response:
    trust = ssl.create_default_context(cafile=str(ca))
    with httpx.Client(proxy=proxy, verify=trust, timeout=20, trust_env=False) as client:
        return client.post(URL, json=body, headers=HEADERS)
