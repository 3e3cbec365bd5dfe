"""Late, broken and wrong answers, as HTTP clients see them: httpx and Node, over HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.faulty import asked
from clients.http2 import offers_http2
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

Seen = dict[str, Any]
Fetch = Callable[[Any], Seen]
URL = "https://fal.run/acme/cat"
PLAIN_URL = URL.replace("https:", "http:")
NO_ANSWER = httpx.RemoteProtocolError, httpx.ReadError
"""Within TLS, Python 3.11 takes a reset for an end."""
TEXT = '{"cat":"a black one"}'
BROKEN = {"brokeOff": True}
WAYS = ["httpx 1.1", "httpx 2", "node 1.1", "node 2"]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    cat = {"match": {"model": "acme/cat"}, "response": {"json": json.loads(TEXT)}}
    with mitmdump(confdir, fixtures=write_fixtures(tmp_path_factory.mktemp("faults") / "fixtures", cat)) as made:
        yield made
        assert "Traceback" not in made.output


@pytest.fixture(scope="module")
def flows(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    """For clients that speak HTTP/2 alone, which the fast lane does not."""
    cat = {"match": {"model": "acme/cat"}, "response": {"json": json.loads(TEXT)}}
    fixtures = write_fixtures(tmp_path_factory.mktemp("faults") / "fixtures", cat)
    with mitmdump(confdir, "--set", "fal_fast=off", fixtures=fixtures) as made:
        yield made
        assert "Traceback" not in made.output


def by_httpx(mock: Mitmdump, version: str, headers: dict[str, str]) -> Seen:
    verify = offers_http2(mock.ca) if version == "HTTP/2" else ssl.create_default_context(cafile=str(mock.ca))
    options: Any = {"http2": version == "HTTP/2", "verify": verify, "proxy": mock.proxy, "trust_env": False}
    with httpx.Client(timeout=30, **options) as client:
        try:
            with client.stream("POST", URL, json={}, headers=headers) as answer:
                assert answer.http_version == version
                seen: Seen = {"status": answer.status_code, "type": answer.headers.get("content-type")}
                try:
                    seen["text"] = answer.read().decode()
                except NO_ANSWER:
                    seen["brokeOff"] = True
                return seen
        except NO_ANSWER:
            return {"noAnswer": True}


@pytest.fixture(scope="module", params=WAYS)
def fetch(request: pytest.FixtureRequest) -> Iterator[Fetch]:
    program, _, version = request.param.partition(" ")
    mock = request.getfixturevalue("mock" if version == "1.1" else "flows")
    if program == "httpx":
        yield lambda fault: by_httpx(mock, f"HTTP/{version}", asked(fault))
        return
    with running.app(CLIENTS / "programs" / "fetching.mjs", mock) as app:
        act = "byHttp2" if version == "2" else "byFetch"

        def seen(fault: Any) -> Seen:
            told = app(act, url=URL, headers={"content-type": "application/json", **asked(fault)})
            # Which code it is depends on when the client noticed.
            return {key: True if key in ("brokeOff", "noAnswer") else value for key, value in told.items()}

        yield seen


def good(**more: Any) -> Seen:
    return {"status": 200, "type": "application/json", "text": TEXT, **more}


HEAD = {"status": 200, "type": "application/json"}


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"truncate": 5}, HEAD | BROKEN),
        ({"truncate": "50%"}, HEAD | BROKEN),
        ({"truncate": 0}, HEAD | BROKEN),
        ({"reset": "before-headers"}, {"noAnswer": True}),
        ({"reset": "after-headers"}, HEAD | BROKEN),
        ({"contentLength": "+10"}, HEAD | BROKEN),
        ({"contentLength": 5}, good(text=TEXT[:5])),
        ({"contentLength": "-1"}, good(text=TEXT[:-1])),
        ({"body": "malformed-json"}, good(text=f"{TEXT[:-1]},")),
        ({"body": "empty"}, good(text="")),
        ({"contentType": "text/plain"}, good(type="text/plain")),
        ({"body": "html", "contentType": "application/json"}, None),
        ({"drip": {"bytes": 4, "every": 0.01}}, good()),
        ({"error": "nginx_502", "latency": 0.01}, None),
    ],
    ids=str,
)
def test_what_is_seen(fetch: Fetch, fault: Any, seen: Seen | None) -> None:
    found = fetch(fault)
    if seen is None:
        assert found["text"].startswith("<html>")
        assert found["status"] == (502 if "error" in fault else 200)
        assert found["type"] == ("text/html" if "error" in fault else "application/json")
    else:
        assert found == seen


@pytest.mark.parametrize(
    "fault",
    [{"latency": 0.4}, {"latency": 1.2}, {"firstByte": 0.4}, {"drip": {"bytes": 6, "every": 0.15}}],
    ids=str,
)
def test_what_takes_its_time(fetch: Fetch, fault: Any) -> None:
    started = time.monotonic()
    assert fetch(fault) == good()
    # 21 bytes in pieces of 6 are four, so three pauses.
    assert time.monotonic() - started >= (1.2 if fault.get("latency") == 1.2 else 0.4)


def test_the_headers_are_there_before_the_first_byte(mock: Mitmdump) -> None:
    verify = ssl.create_default_context(cafile=str(mock.ca))
    with httpx.Client(proxy=mock.proxy, verify=verify, trust_env=False, timeout=30) as client:
        started = time.monotonic()
        with client.stream("POST", URL, json={}, headers=asked({"firstByte": 2})) as answer:
            headers_after = time.monotonic() - started
            assert answer.headers["x-falmock-fault"] == "firstByte"
            assert answer.read() == TEXT.encode()
            assert time.monotonic() - started >= headers_after + 0.5


def test_no_answer_to_an_upload_that_is_on_disk(mock: Mitmdump) -> None:
    verify = ssl.create_default_context(cafile=str(mock.ca))
    with httpx.Client(proxy=mock.proxy, verify=verify, trust_env=False, timeout=30) as client:
        headers = {"content-type": "text/plain", **asked({"reset": "before-headers"})}
        with pytest.raises(NO_ANSWER):
            client.post("https://v3.fal.media/files/upload", content=bytes(2**21), headers=headers)


def test_the_connection_is_reset_and_the_proxy_goes_on(mock: Mitmdump) -> None:
    with httpx.Client(proxy=mock.proxy, trust_env=False, timeout=30) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadError, match="reset by peer"):
                client.post(PLAIN_URL, json={}, headers=asked({"reset": "before-headers"}))
        assert client.post(PLAIN_URL, json={}).text == TEXT
    assert "Traceback" not in mock.output


def test_a_fault_does_not_outlast_its_call(fetch: Fetch) -> None:
    assert fetch({"reset": "after-headers"}) == HEAD | BROKEN
    assert fetch({"latency": 0}) == good()
