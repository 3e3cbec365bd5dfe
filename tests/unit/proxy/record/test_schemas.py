"""The schemas that a recording fetches at its end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import pytest
from mitmproxy import http
from mitmproxy.flow import Error

from falmock.proxy.own_requests import OwnRequests
from falmock.proxy.record import schemas
from falmock.proxy.record.schemas import SchemaFetches
from falmock.recording.disk.schemas import SchemaFolder

DOCUMENT = json.dumps({"paths": {}, "info": {}, "secret": "hide me"}).encode()
Answers = Callable[[str], http.Response | str | None]


class Fal:
    """Answers requests in mitmproxy's place: with a response, an error (a text), or not at all (None)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._answers = answers
        monkeypatch.setattr(OwnRequests, "send", self._send)

    async def _send(self, flow: http.HTTPFlow, *_: object) -> str | None:
        name = parse_qs(urlsplit(flow.request.url).query)["endpoint_id"][0]
        self.asked.append(name)
        self.headers.append({key.lower(): value for key, value in flow.request.headers.items()})
        found = self._answers(name)
        await asyncio.sleep(3600 if found == "never" else 0)
        if isinstance(found, str):
            flow.error = Error(found)
        else:
            flow.response = found
        return None


def ok(raw: bytes = DOCUMENT, **headers: str) -> http.Response:
    return http.Response.make(200, raw, headers)


def broken() -> http.Response:
    answer = ok(**{"content-encoding": "gzip"})
    answer.raw_content = b"no gzip"
    return answer


def hidden(value: Any) -> Any:
    return json.loads(json.dumps(value).replace("hide me", "hidden"))


def fetched(folder: Path, *wanted: str | None, known: tuple[str, ...] = ()) -> int:
    async def use() -> int:
        fetches = SchemaFetches(SchemaFolder(folder), lambda name: name in known, hidden)
        for name in wanted:
            fetches.want(name)
        return await fetches.fetch()

    return asyncio.run(use())


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder / "_schemas").as_posix() for path in folder.rglob("*.json"))


def test_each_is_fetched_once_and_kept_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fal = Fal(monkeypatch, lambda _: ok())
    assert fetched(tmp_path, "a/b", "a/b", "c/d/e", None, "no id", "a/*", "a/..", "f/g", known=("f/g",)) == 2
    assert fal.asked == ["a/b", "c/d/e"]
    assert fal.headers[0].keys() == {"user-agent", "accept", "host", "content-length"}
    assert files(tmp_path) == ["a/b.json", "c/d/e.json"]
    document = json.loads((tmp_path / "_schemas/a/b.json").read_text())
    assert document["secret"] == "hidden"
    assert document["info"]["x-falmock"]["source"] == "recorded"
    assert caplog.messages == [f"falmock: kept the schemas of a/b, c/d/e in {tmp_path}/_schemas"]


def test_a_file_that_is_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_schemas/a").mkdir(parents=True)
    (tmp_path / "_schemas/a/b.json").write_text("mine")
    fal = Fal(monkeypatch, lambda _: ok())
    assert fetched(tmp_path, "a/b", "a/b/stream") == 0
    assert fal.asked == []
    assert (tmp_path / "_schemas/a/b.json").read_text() == "mine"


def test_streams_and_sockets_have_that_of_their_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ("a/b", "c/d/stream")
    fal = Fal(monkeypatch, lambda name: ok() if name in own else http.Response.make(404))
    assert fetched(tmp_path, "a/b/stream", "a/b/realtime", "a/b", "c/d/stream") == 4
    assert sorted(fal.asked) == ["a/b", "a/b/realtime", "a/b/stream", "c/d/stream"]
    assert files(tmp_path) == ["a/b.json", "c/d/stream.json"]


def test_what_does_not_come_is_told_in_a_line_for_each_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(schemas, "WITHIN", 0.2)
    answers: dict[str, Any] = {
        **{f"gone/{number}": http.Response.make(404, b"null") for number in range(7)},
        "odd/status": http.Response.make(503),
        "odd/html": ok(b"<html>"),
        "odd/list": ok(b"[]"),
        "odd/encoding": broken(),
        "odd/large": ok(b" " * (schemas.MAX_DOCUMENT + 1)),
        "odd/error": "refused",
        "odd/silent": None,
        "odd/late": "never",
        "good/one": ok(**{"content-encoding": "gzip"}),
    }
    Fal(monkeypatch, answers.__getitem__)
    assert fetched(tmp_path, *answers) == 1
    assert files(tmp_path) == ["good/one.json"]
    told = {
        message.removeprefix("falmock: no schema of ").removesuffix(". The recording is complete without"): level
        for _, level, message in caplog.record_tuples
        if "no schema" in message
    }
    info, warning = logging.INFO, logging.WARNING
    assert told.pop("gone/0, gone/1, gone/2, gone/3, gone/4 and 2 more: fal has none") == info
    assert set(told.values()) == {warning}
    shown = " | ".join(told)
    for text in (
        "odd/status: it was answered 503",
        "odd/html: line 1: expected JSON",
        "odd/list: $: expected an OpenAPI document, found an array of 0",
        "odd/large: 8388609 bytes, expected at most 8388608",
        "odd/error: refused",
        "odd/silent: no answer",
        "odd/late: it did not come within 0.2 s",
        "odd/encoding: ",
    ):
        assert text in shown


def test_a_mistake_of_ours_does_not_end_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Fal(monkeypatch, lambda _: ok())
    monkeypatch.setattr(schemas, "document_of", lambda *_: 1 / 0)
    assert fetched(tmp_path, "a/b") == 0
    assert "no schema of a/b: falmock failed" in caplog.text


def test_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "_schemas").write_text("a file")
    Fal(monkeypatch, lambda _: ok())
    assert fetched(tmp_path, "a/b") == 0
    assert "no schema of a/b: [Errno" in caplog.text


def test_the_end_of_the_recording_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[http.HTTPFlow] = []

    async def sent(flow: http.HTTPFlow, *_: object) -> None:
        begun.append(flow)
        await asyncio.sleep(3600)

    monkeypatch.setattr("falmock.proxy.own_requests._sent", sent)

    async def use() -> int:
        fetches = SchemaFetches(SchemaFolder(tmp_path), lambda _: False, lambda value: value)
        fetches.want("a/b")
        fetching = asyncio.ensure_future(fetches.fetch())
        async with asyncio.timeout(20):
            while not begun:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert fetches.is_own(begun[0])
            fetches.stop()
            count = await fetching
        fetches.want("c/d")
        return count + await fetches.fetch()

    assert asyncio.run(use()) == 0
    assert len(begun) == 1
    assert caplog.messages == []
