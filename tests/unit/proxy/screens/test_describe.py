"""What the screens say of an exchange."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.proxy.screens import describe
from falmock.proxy.screens.describe import Side
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

JSON = "application/json; charset=utf-8"
ID = "0195b1f0-0000-7000-8000-000000000000"


def side(url: str, body: Any = None, method: str = "GET", status: int | None = None, **more: Any) -> Side:
    """A side of an exchange; a body that is not bytes is JSON."""
    host, _, rest = url.partition("/")
    path, _, query = rest.partition("?")
    content_type = more.pop("content_type", "" if body is None else JSON)
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    role = Hosts().role(host) or Role.OTHER
    return Side(host, role, method, f"/{path}", query, status, content_type, raw, **more)


def shown(*args: Any, **more: Any) -> str:
    return describe.describe(side(*args, **more), Redactor())


def test_a_run() -> None:
    assert shown("fal.run/fal-ai/flux/dev", {"prompt": "a cat"}, "POST", request_id=ID) == (
        f'call: Run\nendpoint: fal-ai/flux/dev\nrequest id: {ID}\ninput: {{ "prompt": "a cat" }}'
    )


def test_an_output_of_several_lines_begins_on_a_line_of_its_own() -> None:
    assert shown("fal.run/a/b", {"images": [{"seed": 1}]}, "POST", 200) == (
        'call: Run\nendpoint: a/b\noutput:\n{\n  "images": [\n    { "seed": 1 }\n  ]\n}'
    )


def test_a_submit_tells_its_job_and_its_place() -> None:
    answer = {"status": "IN_QUEUE", "request_id": ID, "queue_position": 3}
    text = shown("queue.fal.run/fal-ai/flux/dev", answer, "POST", 200)
    assert text.startswith(
        f"call: Submit\nendpoint: fal-ai/flux/dev\nrequest id: {ID}\nstate: IN_QUEUE, queue position 3\nanswer: "
    )


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/status?logs=1", "Status"),
        ("GET", "/status/stream", "Status stream"),
        ("GET", "", "Result"),
        ("PUT", "/cancel", "Cancel"),
    ],
)
def test_a_call_about_a_job_tells_which(method: str, path: str, name: str) -> None:
    text = shown(f"queue.fal.run/fal-ai/flux/requests/{ID}{path}", None, method)
    assert text == f"call: {name}\nendpoint: fal-ai/flux\nrequest id: {ID}\nbody: none"


def test_a_stream_tells_its_endpoint_as_called() -> None:
    assert shown("fal.run/a/b/stream", None, "POST") == "call: Stream\nendpoint: a/b/stream\ninput: none"


def test_a_failed_job_tells_its_error() -> None:
    text = shown(f"queue.fal.run/a/b/requests/{ID}/status", {"status": "COMPLETED", "error": "boom"}, "GET", 200)
    assert "state: COMPLETED, error boom\n" in text


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("POST", "rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", "Upload: initiate"),
        ("POST", "rest.fal.ai/storage/auth/token?storage_type=x", "Upload: token"),
        ("POST", "v3b.fal.media/files/upload", "Upload: whole file"),
        ("POST", "v3b.fal.media/files/upload/multipart", "Upload: start of parts"),
        ("PUT", "v3b.fal.media/files/a.png?signature=1", "Upload: content, https://v3b.fal.media/files/a.png"),
        (
            "PUT",
            "v3b.fal.media/files/a.png/multipart/u/2",
            "Upload: part 2, https://v3b.fal.media/files/a.png/multipart/u/2",
        ),
        ("GET", "v3b.fal.media/files/a.png", "Download, https://v3b.fal.media/files/a.png"),
        ("OPTIONS", "fal.run/a/b", "CORS preflight"),
        ("GET", "api.fal.ai/v1/models?x=1", "GET https://api.fal.ai/v1/models"),
    ],
)
def test_other_calls(method: str, url: str, name: str) -> None:
    assert shown(url, None, method) == f"call: {name}\nbody: none"


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"fixture": "a.json#0", "why": "exact input"}, "fixture: a.json#0 (exact input)"),
        ({"why": "no fixture matches"}, "no fixture: no fixture matches"),
        ({"why": "record", "forwarded": True}, "forwarded: record"),
        ({"why": "record", "forwarded": True, "recorded": "f/a.json"}, "forwarded: record\nrecorded in: f/a.json"),
    ],
)
@pytest.mark.parametrize("status", [None, 200])
def test_who_answered(facts: dict[str, Any], line: str, status: int | None) -> None:
    assert shown("fal.run/a/b", {}, "POST", status, **facts).split("\n", 2)[2].rpartition("\n")[0] == line


def test_a_report_is_shown_with_the_answer_and_only_once() -> None:
    report = "falmock: no fixture\nAsked: it"
    miss = shown("fal.run/a/b", {"detail": report, "message": report}, "POST", 404, report=report)
    assert miss.endswith(f"report: {report}")
    assert report not in shown("fal.run/a/b", {}, "POST", report=report)
    assert shown("fal.run/a/b", {"x": 1}, "POST", 200, report=report).endswith(
        f'report: {report}\noutput: {{ "x": 1 }}'
    )


@pytest.mark.parametrize(
    ("body", "content_type", "line"),
    [
        (b"\x89PNG" * 1000, "image/png", "output: image/png, 4,000 bytes"),
        (b"x" * (describe.MAX_SHOWN + 1), "text/plain", f"output: text/plain, {describe.MAX_SHOWN + 1:,} bytes"),
        (b"some\xff words", "text/plain; charset=utf-8", "output: some� words"),
        (b"{cut", JSON, "output: {cut"),
        (b"{cut", "", "output: of no type, 4 bytes"),
        (b'{"a": 1.10}', "", 'output: { "a": 1.10 }'),
        (b"", "image/png", "output: none"),
        (b"null", JSON, "output: null"),
        (b"[" * 5000, JSON, "output: " + "[" * 5000),
    ],
)
def test_bodies(body: bytes, content_type: str, line: str) -> None:
    assert shown("fal.run/a/b", body, "POST", 200, content_type=content_type).splitlines()[-1] == line


def test_data_uris_are_cut() -> None:
    text = shown("fal.run/a/b", {"image_url": f"data:image/png;base64,{'A' * 5000}"}, "POST")
    assert text.endswith('{ "image_url": "data:image/png;base64,... (5,000 characters)" }')


def test_secrets_are_hidden() -> None:
    redactor = Redactor()
    redactor.learn({"authorization": "Key planted-id:planted-secret"})
    body = {"a": "planted-id:planted-secret", "password": 123456, "url": "https://x.y/z?sig=1&c=d"}
    asked = side(
        "queue.fal.run/a/b?fal_jwt_token=planted-token", body, "POST", why="planted-secret", report="planted-secret"
    )
    text = describe.describe(asked, redactor)
    assert "planted" not in text
    assert "123456" not in text
    assert "https://x.y/z?[hidden]" in text


@pytest.mark.parametrize(
    ("content_type", "is_shown"),
    [
        ("application/json", True),
        ("application/problem+json; x=y", True),
        ("text/event-stream", True),
        ("image/png", True),
        ("application/octet-stream", True),
        ("", True),
        ("multipart/form-data; boundary=x", False),
        ("application/msgpack", False),
        ("application/x-www-form-urlencoded", False),
    ],
)
def test_which_bodies_are_shown(content_type: str, *, is_shown: bool) -> None:
    assert describe.is_shown(content_type, b"x") is is_shown
    assert describe.is_shown(content_type, b"")


@given(
    url=st.sampled_from(["fal.run", "queue.fal.run", "rest.fal.ai", "v3b.fal.media", "api.fal.ai"]).flatmap(
        lambda host: st.text(max_size=30).map(lambda path: f"{host}/{path}")
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "X"]),
    body=st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.floats(allow_nan=False), st.lists).map(
        lambda value: json.dumps(value).encode()
    ),
    status=st.none() | st.integers(100, 599),
    content_type=st.sampled_from(["", JSON, "text/html", "image/png"]),
)
def test_anything_can_be_shown(url: str, method: str, body: bytes, status: int | None, content_type: str) -> None:
    assert shown(url, body, method, status, content_type=content_type).startswith("call: ")


EVENTS = "text/event-stream; charset=utf-8"


def test_a_stream_shows_its_events() -> None:
    picture = f"data:image/png;base64,{'A' * 500}"
    body = f': ping\n\ndata: {{"a": "é", "url": "{picture}"}}\n\nevent: done\ndata: [DONE]\n\n'.encode()
    assert shown("fal.run/a/b/stream", body, "POST", 200, content_type=EVENTS) == (
        "call: Stream\nendpoint: a/b/stream\noutput:\n"
        '{"a":"é","url":"data:image/png;base64,... (500 characters)"}\ndone: [DONE]'
    )
    assert shown("fal.run/a/b/stream", {"a": 1}, "POST").endswith('input: { "a": 1 }')


def test_a_stream_hides_secrets() -> None:
    body = b'data: {"authorization": "Key abc:defghijklmnop"}\n\n'
    assert "defghijklmnop" not in shown("fal.run/a/b/stream", body, "POST", 200, content_type=EVENTS)


@pytest.mark.parametrize("body", [b"", b": ping\n\n", b"data: \xff"])
def test_a_stream_without_events(body: bytes) -> None:
    assert "output: " in shown("fal.run/a/b/stream", body, "POST", 200, content_type=EVENTS)
