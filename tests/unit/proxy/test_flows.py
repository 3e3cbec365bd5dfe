from __future__ import annotations

import gzip
from pathlib import Path

import brotli  # type: ignore[import-untyped, unused-ignore]
import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils
from mitmproxy.utils import emoji

from falmock.engine import replies
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.sockets import accept
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Found
from falmock.proxy import flows
from falmock.serving import bodies
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request
from falmock.wire.message import content_of
from unit.fixtures.build import PNG


def flow_of(**request: object):
    return tflow.tflow(req=tutils.treq(**request))


@pytest.mark.parametrize(
    ("host", "authority", "path", "found"),
    [
        ("fal.run", b"", b"/a/b", "fal.run"),
        ("FAL.RUN.", b"", b"/a/b", "fal.run"),
        ("198.18.0.1", b"queue.fal.run", b"/a/b", "queue.fal.run"),
        ("queue.fal.run", b"127.0.0.1:8080", b"/a/b", "queue.fal.run"),
        ("docs.fal.ai", b"", b"/", "docs.fal.ai"),
        ("fal.run", b"fal.run", b"/a/b", "fal.run"),
        ("FAL.run", b"FAL.run", b"/a/b", "fal.run"),
        ("fal.run", b"fal.run:443", b"/a/b", "fal.run"),
        ("example.com", b"example.com", b"/a/b", None),
        ("example.com", b"", b"/a/b", None),
        ("notfal.run", b"", b"/a/b", None),
        ("fal.run.example.com", b"", b"/a/b", None),
        ("storage.googleapis.com", b"", b"/falserverless/x", "storage.googleapis.com"),
        ("storage.googleapis.com", b"", b"/my-bucket/x", None),
        ("router.huggingface.co", b"", b"/fal-ai/a/b", "router.huggingface.co"),
        ("router.huggingface.co", b"", b"/together/v1", None),
    ],
)
def test_which_requests_are_ours(host: str, authority: bytes, path: bytes, found: str | None) -> None:
    headers = ((b"Host", authority),) if authority else ()
    flow = flow_of(host=host, authority=authority, path=path, headers=headers)
    assert flows.host_of(flow.request, Hosts()) == found


@pytest.mark.parametrize(
    ("version", "authority", "fields", "found"),
    [
        (b"HTTP/1.1", b"", ["fal.run"], "fal.run"),
        (b"HTTP/1.1", b"", ["example.com", "fal.run"], "fal.run"),
        (b"HTTP/1.1", b"", ["fal.run", "example.com"], "fal.run"),
        (b"HTTP/1.1", b"", ["fal.run:99999"], "fal.run"),
        (b"HTTP/1.1", b"", ["me@[fal\u3002run]:443"], "fal.run"),
        (b"HTTP/1.1", b"", ["fal\u00ad.run."], "fal.run"),
        (b"HTTP/1.1", b"", ["example.com"], None),
        (b"HTTP/2.0", b"example.com", ["fal.run"], "fal.run"),
        (b"HTTP/2.0", b"Queue.fal.run:443", ["example.com"], "queue.fal.run"),
        (b"HTTP/2.0", b"127.0.0.1", ["fal.run"], "fal.run"),
        (b"HTTP/2.0", "\uff46\uff41\uff4c.run".encode(), [], "fal.run"),
        (b"HTTP/2.0", b"example.com", [], None),
    ],
)
def test_whatever_names_fal_counts(version: bytes, authority: bytes, fields: list[str], found: str | None) -> None:
    headers = tuple((b"Host", field.encode()) for field in fields)
    flow = flow_of(host="127.0.0.1", authority=authority, headers=headers, http_version=version, path=b"/")
    assert flows.host_of(flow.request, Hosts()) == found


def test_a_request_is_read_whole() -> None:
    flow = flow_of(
        method=b"post",
        path=b"/a%20b?x=1&y=%C3%A9",
        headers=((b"X-Name", b"caf\xc3\xa9"), (b"X-Raw", b"\xff")),
        content=b"body",
    )
    request = flows.read(flow, "fal.run")
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a%20b", "x=1&y=%C3%A9", b"body")
    assert request.headers["x-name"] == "café"
    assert request.headers["x-raw"] == "ÿ"


@pytest.mark.parametrize(
    ("fields", "version", "status"),
    [
        ({"upgrade": "websocket", "connection": "upgrade"}, "HTTP/1.1", 426),
        ({"upgrade": "websocket", "connection": "upgrade"}, "HTTP/1.0", 400),
        ({"upgrade": "h2c, websocket", "connection": "upgrade"}, "HTTP/1.1", 400),
        ({"upgrade": "h2c"}, "HTTP/1.1", None),
        ({}, "HTTP/1.1", None),
    ],
)
def test_a_handshake_is_checked(fields: dict[str, str], version: str, status: int | None) -> None:
    flow = tflow.tflow(req=http.Request.make("GET", "https://fal.run/a/b/realtime", b"", fields))
    flow.request.http_version = version
    bad = flows.head(flow, "fal.run").bad_handshake
    assert (bad.status if bad else None) == status


def test_an_encoded_body_is_decoded() -> None:
    flow = flow_of(content=b"body")
    flow.request.encode("gzip")
    assert flows.read(flow, "fal.run").body == b"body"
    flow.request.raw_content = b"not gzip"
    with pytest.raises(BadEncoding, match="gzip"):
        flows.read(flow, "fal.run")


@pytest.mark.parametrize(
    "fields",
    [
        [(b"content-encoding", b"x-gzip, br")],
        [(b"Content-Encoding", b"x-gzip"), (b"content-encoding", b"br")],
        [(b"content-encoding", b"GZIP , identity, br")],
    ],
)
def test_a_list_of_encodings_is_decoded_in_requests_and_in_answers(fields: list[tuple[bytes, bytes]]) -> None:
    body = brotli.compress(gzip.compress(b"body"))
    flow = flow_of(content=body, headers=http.Headers(fields))
    flow.response = tutils.tresp(headers=http.Headers(fields), content=body)
    assert flows.read(flow, "fal.run").body == b"body"
    exchange = flows.exchange(flow, "fal.run")
    assert (exchange.request.body, exchange.body, exchange.lost) == (b"body", b"body", "")


def test_an_encoding_that_is_not_known_is_the_reason_why_an_answer_is_lost() -> None:
    flow = tflow.tflow(resp=tutils.tresp(headers=http.Headers(content_encoding="compress"), content=b"body"))
    assert flows.exchange(flow, "fal.run").lost.endswith("the content encoding 'compress' is not known here")


def test_an_answer_tells_what_answered_and_why() -> None:
    flow = flow_of()
    flows.answer(
        flow, Reply(422, ((b"Content-Type", b"a/b"), (b"X", b"y")), b"body", "exact input", "f.json#0"), b"body"
    )
    assert flow.response.reason == "Unprocessable Entity"
    assert flow.response.headers.fields == ((b"Content-Type", b"a/b"), (b"Content-Length", b"4"), (b"X", b"y"))
    assert flow.comment == "falmock: f.json#0 (exact input)"
    assert flow.metadata["falmock.fixture"] == "f.json#0"
    assert flow.metadata["falmock.why"] == "exact input"


def test_a_miss_stands_out_and_keeps_its_report() -> None:
    flow = flow_of()
    miss = Miss("key", "falmock: none.\nAsked: it", (), " Nearest: a.json#0")
    flows.answer(flow, Reply(404, (), b"", "no fixture matches", miss=miss), b"")
    assert (flow.marked, flow.comment) == (":x:", "falmock: none. Nearest: a.json#0")
    assert flow.metadata["falmock.report"] == "falmock: none.\nAsked: it"


def test_a_mark_of_the_users_stays_and_answers_have_none() -> None:
    flow = flow_of()
    flow.marked = ":star:"
    flows.answer(flow, Reply(404, (), b"", "no fixture matches", miss=Miss("key", "the report", ())), b"")
    assert (flow.marked, flow.comment) == (":star:", "the report")
    answered = flow_of()
    flows.answer(answered, Reply(200, (), b"", "exact input", "f.json#0"), b"")
    assert (answered.marked, "falmock.report" in answered.metadata) == ("", False)


def test_mitmproxy_knows_the_mark() -> None:
    assert flows.MISS_MARK in emoji.emoji


def test_a_poll_tells_the_state_of_its_job() -> None:
    flow = flow_of()
    flows.answer(flow, Reply(202, (), b"", "exact input", "f.json#0", progress="a/b/c is IN_QUEUE"), b"")
    assert flow.comment == "falmock: a/b/c is IN_QUEUE; f.json#0 (exact input)"


def test_a_warning_is_in_the_comment() -> None:
    flow = flow_of()
    flows.answer(flow, Reply(200, (), b"", "exact input", "f.json#0", warning="fal may not"), b"")
    assert flow.comment == "falmock: f.json#0 (exact input; warning: fal may not)"


def test_an_answer_without_a_body_has_no_length() -> None:
    flow = flow_of()
    flows.answer(flow, Reply(204, (), b"", "recorded"), b"")
    assert "content-length" not in flow.response.headers


def test_a_socket_has_no_one_fixture() -> None:
    flow = flow_of()
    flows.annotate(flow, accept.refused())
    assert flow.comment == "falmock: a socket (not authorized)"


def test_an_answer_to_head_has_no_body_whatever_it_is() -> None:
    refused = tflow.tflow(req=tutils.treq(method=b"HEAD"))
    reply = replies.problem(405, "a run is called with POST or GET, not HEAD", "wrong method")
    flows.answer(refused, reply, bodies.body_of(reply))
    assert refused.response is not None
    assert refused.response.content == b""
    assert refused.response.headers["content-length"] == str(len(bodies.body_of(reply)))


def test_head_and_304_have_the_length_they_should() -> None:
    flow = flow_of()
    flows.answer(flow, Reply(200, (), b"", "file", length=7), b"")
    assert flow.response.headers["content-length"] == "7"
    flows.answer(flow, Reply(304, (), b"", "not modified"), b"")
    assert "content-length" not in flow.response.headers


def test_a_body_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "asset"
    file.write_bytes(b"0123456789")
    assert bodies.body_of(Reply(206, (), FileBody(str(file), 2, 5), "file")) == b"234"
    file.write_bytes(b"0")
    with pytest.raises(OSError, match="shorter than when it was loaded"):
        bodies.body_of(Reply(200, (), FileBody(str(file), 0, 10), "file"))
    file.unlink()
    with pytest.raises(OSError, match="asset"):
        bodies.body_of(Reply(200, (), FileBody(str(file), 0, 10), "file"))


def streamed(*, sent: bool = False, received: bool = False) -> http.HTTPFlow:
    """A live flow whose bodies of these sides streamed through and were not kept."""
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    for message, passed in ((flow.request, sent), (flow.response, received)):
        if passed:
            message.raw_content = None
    return flow


@pytest.mark.parametrize(("sent", "received"), [(True, False), (False, True)])
def test_a_body_that_nobody_heard_is_lost_and_not_empty(*, sent: bool, received: bool) -> None:
    flow = streamed(sent=sent, received=received)
    assert flow.live
    assert flows.exchange(flow, "fal.run").lost == "its body is not there"
    heard = content_of(b"heard")
    exchange = flows.exchange(flow, "fal.run", heard if sent else None, heard if received else None)
    assert exchange.lost == ""
    assert (exchange.uploaded if sent else exchange.downloaded) == heard


# what doors do to requests, and to fal's answers


@pytest.mark.parametrize(("version", "host"), [("HTTP/1.1", {"host": "fal.run"}), ("HTTP/2.0", {})])
def test_a_request_becomes_the_call_that_it_stands_for(version: str, host: dict[str, str]) -> None:
    flow = flow_of(method=b"POST", path=b"/api/fal/proxy", authority=b"127.0.0.1:8080", content=b"before")
    flow.request.http_version = version
    headers = {"content-type": "é", "content-length": "6", "host": "127.0.0.1:8080", "connection": "close"}
    ours = {"x-falmock-fault": "timeout", "x-aimock-context": "test"}
    call = Request("PUT", "fal.run", "/a%20b", "x=1", headers | ours | {"x-fal-hint": "a"}, b"body")
    flows.turn_into(flow.request, call)
    assert (flow.request.method, flow.request.pretty_url) == ("PUT", "https://fal.run/a%20b?x=1")
    assert flow.request.raw_content == b"body"
    # Headers for falmock itself are not forwarded.
    assert dict(flow.request.headers) == host | {"content-type": "é", "x-fal-hint": "a", "content-length": "4"}


def bare(effect: Reply | Stream) -> Reply | Stream:
    """As a proxy that sets framing and encoding itself."""
    dropped = (b"content-length", b"content-encoding", b"transfer-encoding")
    return effect._replace(status=202, headers=tuple(field for field in effect.headers if field[0] not in dropped))


def test_a_door_changes_status_and_headers_and_the_body_stays_framed() -> None:
    headers = http.Headers([(b"content-length", b"4"), (b"x-fal-request-id", b"1"), (b"transfer-encoding", b"chunked")])
    flow = tflow.tflow(resp=tutils.tresp(headers=headers, content=b"body"))
    flows.rewrite_head(flow, bare)
    assert flow.response.status_code == 202
    assert dict(flow.response.headers) == {
        "x-fal-request-id": "1",
        "content-length": "4",
        "transfer-encoding": "chunked",
    }
    flows.decode(flow)
    assert flow.response.raw_content == b"body"


def test_a_door_that_drops_the_encoding_has_a_whole_body_decoded() -> None:
    flow = tflow.tflow(resp=tutils.tresp(headers=http.Headers(content_length="0"), content=b"body" * 100))
    flow.response.encode("gzip")
    flows.rewrite_head(flow, bare)
    assert flow.response.content == b"body" * 100  # recorders still read it
    flows.decode(flow)
    assert flow.response.raw_content == b"body" * 100
    assert dict(flow.response.headers) == {"content-length": "400"}


def test_what_was_streamed_keeps_its_encoding() -> None:
    flow = tflow.tflow(resp=tutils.tresp(headers=http.Headers(content_encoding="gzip")))
    flow.response.raw_content = None
    flows.rewrite_head(flow, bare)
    flows.decode(flow)
    assert flow.response.headers["content-encoding"] == "gzip"


def test_a_door_that_keeps_the_encoding() -> None:
    flow = tflow.tflow(resp=tutils.tresp(content=b"body" * 100))
    flow.response.encode("gzip")
    before = flow.response.raw_content
    flows.rewrite_head(flow, lambda effect: effect)
    flows.decode(flow)
    assert (flow.response.raw_content, flow.response.headers["content-encoding"]) == (before, "gzip")


def test_what_the_real_fal_is_to_get(tmp_path: Path) -> None:
    (tmp_path / "dog").write_bytes(b"dog")
    dog = Asset("0" * 64, "dog.png", "image/png", 3, file=str(tmp_path / "dog"))
    flow = flow_of(content=b'["https://a/cat", "https://a/dog", "https://a/cow"]')
    flow.request.headers["X-Falmock-Fault"] = "missing"
    flow.request.headers["X-Falmock-Scope"] = "mine"
    flow.request.headers["X-Mine"] = "kept"
    flows.hand_on(
        flow.request, [("https://a/cat", Found(PNG, "image/webp")), ("https://a/dog", Found(dog, "image/png"))]
    )
    assert flow.request.content == b'["data:image/webp;base64,cG5n", "data:image/png;base64,ZG9n", "https://a/cow"]'
    assert [name for name in flow.request.headers if name.lower().startswith("x-")] == ["X-Mine"]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_compressed_body_goes_to_the_real_fal_with_its_files(encoding: str) -> None:
    headers = http.Headers([(b"Content-Encoding", encoding.encode())])
    flow = flow_of(content=gzip.compress(b'["https://a/cat"]'), headers=headers)
    flows.hand_on(flow.request, [("https://a/cat", Found(PNG, "image/webp"))])
    assert flow.request.raw_content == b'["data:image/webp;base64,cG5n"]'
    assert "content-encoding" not in flow.request.headers


def test_what_nothing_is_to_be_changed_in_goes_on_as_it_came() -> None:
    flow = flow_of(content=b"body")
    flow.request.encode("gzip")
    before = flow.request.raw_content
    flows.hand_on(flow.request, ())
    assert flow.request.raw_content == before
