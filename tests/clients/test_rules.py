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


SLOW = "(a|a)+$"
HOSTILE = "a" * 40 + "!"


def test_patterns_of_users_that_would_never_end_are_stopped_and_told(tmp_path: Path) -> None:
    match = {"model": "fal-ai/flux/dev", "input": {"prompt": {"$regex": f"^{SLOW}"}}}
    other = {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}}
    rules = [{"match": match, "response": {"json": {}}}, {"match": other, "response": {"json": {"seed": 1}}}]
    fixtures = write_fixtures(tmp_path / "fixtures", *rules)
    options = ("--set", f"fal_ignore=/{SLOW}/", "--set", "fal_redact=/(a|aa)+$/")
    with mitmdump(tmp_path / "conf", *options, fixtures=fixtures) as mock:
        for body in ({"prompt": HOSTILE}, {"prompt": [HOSTILE] * 200}, {"prompt": "?&" * 10_000}, {HOSTILE: HOSTILE}):
            missed = post(mock.proxy, mock.ca, body)
            assert missed.status_code == 404
            assert HOSTILE not in missed.text
        assert post(mock.proxy, mock.ca, {"prompt": HOSTILE}).headers["x-falmock-warning"].count("took more than") == 2
        assert post(mock.proxy, mock.ca, {"prompt": "a cat"}).json() == {"seed": 1}
        for pattern in (f"^{SLOW}", f"(?P<r0>(?:{SLOW}))", "(a|aa)+$"):
            mock.wait_for(f"the regular expression /{pattern}/ took more than 0.2 s")


def test_what_is_nested_without_end_is_refused_in_words(tmp_path: Path) -> None:
    match = {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}}
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": match, "response": {"json": {}}})
    with mitmdump(tmp_path / "conf", fixtures=fixtures) as mock:
        for depth, words in ((150, "nested more than 100 levels deep"), (900, "nested more than 220 levels deep")):
            prompt: object = "a cat"
            for _ in range(depth):
                prompt = [prompt]
            refused = post(mock.proxy, mock.ca, {"prompt": prompt})
            assert refused.status_code == 422
            assert words in refused.text
        assert post(mock.proxy, mock.ca, {"prompt": "a cat"}).status_code == 200
    assert "Traceback" not in mock.output


def post(proxy: str, ca: Path, body: object) -> httpx.Response:
    trust = ssl.create_default_context(cafile=str(ca))
    with httpx.Client(proxy=proxy, verify=trust, timeout=20, trust_env=False) as client:
        return client.post(URL, json=body, headers=HEADERS)
