"""Requests: the parts of one as values, and whole ones as the bytes of HTTP/1.1, also such as smuggle another one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from falmock.wire.hosts import KNOWN
from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import LATIN
from fuzz.strategies.texts import ODD
from fuzz.strategies.texts import PLANTED
from fuzz.strategies.texts import PRINTABLE
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import as_header
from fuzz.strategies.texts import utf8

METHODS = st.sampled_from(
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "BREW", "get"]
)
HOSTS = st.sampled_from([*sorted(KNOWN), "docs.fal.ai", "FAL.RUN", "fal.run.", "x.fal.ai", "fal.run:443", "127.0.0.1"])
MODELS = st.sampled_from(["a/b", "fal-ai/flux/dev", "a/e/stream", "a/g", "a/f", "workflows/u/x", "comfy/u/x", "x/y"])
_WORDS = (
    *("requests", "status", "cancel", "stream", "response", "logs", "realtime", "ws", "{job}", "files", "upload"),
    *("multipart", "complete", "initiate", "storage", "auth", "token", "tokens", "v1", "models", "pricing", "cdn"),
    *("b", "1", "0", "", ".", "..", "%2e%2e", "fal", "queue", "run", "submit", ".well-known", "jwks.json"),
)
_PARTS = st.sampled_from(_WORDS) | MODELS | ODD | PLANTED
PATHS = st.lists(_PARTS, max_size=6).map(lambda parts: "/" + "/".join(parts)) | st.sampled_from(
    [
        *(
            "/a/b",
            "/fal-ai/flux/dev",
            "/a/b/requests/{job}/status",
            "/a/b/requests/{job}",
            "/a/b/requests/{job}/cancel",
        ),
        *("/a/b/requests/{job}/status/stream", "/a/e/stream", "/storage/upload/initiate", "/storage/auth/token"),
        *("/files/upload", "/files/upload/multipart", "/v1/models", "/a/b/realtime", "/tokens/", "/a/b/ws"),
    ]
)
_NAMES = st.sampled_from(
    ["logs", "fal_webhook", "fal_jwt_token", "limit", "cursor", "max_buffering", "testId", "scope"]
)
QUERIES = (
    st.just("")
    | st.lists(st.tuples(_NAMES | TEXTS, TEXTS | PLANTED), max_size=3).map(lambda pairs: "&".join(map("=".join, pairs)))
    | TEXTS
)
_TYPED = st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", "application/msgpack"])
HEADERS = st.fixed_dictionaries(
    {"content-type": _TYPED},
    optional={
        "x-fal-request-timeout": TEXTS,
        "x-fal-queue-priority": TEXTS,
        "x-fal-object-lifecycle-preference": TEXTS | json_texts.RAW.map(lambda raw: raw.decode("latin-1")),
        "x-fal-file-name": TEXTS | PLANTED,
        "x-falmock-fault": TEXTS | st.sampled_from(["nginx_503", "delay=5", '{"reset":"after-headers"}']),
        "x-falmock-scope": TEXTS,
        "x-fal-runner-hint": TEXTS,
        "x-fal-no-retry": TEXTS,
        "origin": TEXTS | st.just("https://app.example"),
        "access-control-request-method": TEXTS | METHODS,
        "access-control-request-headers": TEXTS,
        "range": TEXTS | st.sampled_from(["bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3"]),
        "if-none-match": TEXTS,
        "accept": st.sampled_from(["text/event-stream", "application/json", "*/*;q=x"]),
        "content-encoding": st.sampled_from(["gzip", "br", "identity", "x", ""]),
        "upgrade": st.sampled_from(["websocket", "WebSocket", "h2c"]),
        "user-agent": TEXTS,
    },
)
_PLANTED = st.dictionaries(json_texts.KEYS, PLANTED | json_texts.SCALARS, min_size=1, max_size=3)
BODIES = (
    _PLANTED.map(json_texts.json.dumps).map(str.encode)
    | json_texts.OBJECTS.map(json_texts.json.dumps).map(str.encode)
    | json_texts.RAW
    | st.just(b"")
)

CALLS = st.fixed_dictionaries(
    {"method": METHODS, "host": HOSTS, "path": PATHS, "query": QUERIES, "headers": HEADERS, "body": BODIES}
)
"""Calls as values; `{job}` stands for the id of the latest job."""

# bytes

_TARGETS = (
    PATHS
    | PATHS.map("https://fal.run".__add__)
    | st.sampled_from(["*", "fal.run:443", "http://", "https://fal.run", "//fal.run/a", "/a b", "http://fal.run@x/"])
    | LATIN
)
_VERSIONS = st.sampled_from(["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "http/1.1", "HTTP/9", ""])
_FRAMING = st.sampled_from(
    [
        *(["Content-Length: {size}"] * 5),
        *("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", ""),
        *("Transfer-Encoding: xchunked", "Transfer-Encoding: identity, chunked", "Content-Length: +1"),
        *("Content-Length: 1\r\nContent-Length: 2", "Content-Length: {size}\r\nTransfer-Encoding: chunked"),
        *("Content-Length: -1", "Content-Length: 0x5", "Content-Length: 99999999999999999999", "Content-Length: "),
    ]
)
_FIELDS = (
    st.sampled_from(
        [
            *(
                "Host: fal.run",
                "Host: 127.0.0.1:8080",
                "Host: fal.run\r\nHost: evil.test",
                "Host: ",
                "Host: a b",
                "host:x",
            ),
            *("Connection: close", "Connection: upgrade", "Upgrade: websocket", "Expect: 100-continue", " folded: 1"),
            *("Content-Type: application/json", "Content-Type: multipart/form-data; boundary=b", "Accept: */*"),
            *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
            *(
                "X-Fal-Target-Url: https://queue.fal.run/a/b",
                "Proxy-Authorization: Basic eDp5",
                "Content-Encoding: gzip",
            ),
        ]
    )
    | st.tuples(st.sampled_from(["Origin", "X-Falmock-Fault", "Cookie", "Range", "X-Test-Id"]), LATIN).map(": ".join)
    | st.tuples(PRINTABLE, LATIN).map(": ".join)
)


def _chunked(data: bytes, size: int, ending: str) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), ending.encode(), part) for part in parts) + b"0\r\n\r\n"


@st.composite
def _whole(draw: st.DrawFn) -> bytes:
    body = draw(BODIES)
    framing = draw(_FRAMING)
    if "chunked" in framing:
        sent = _chunked(body, draw(st.integers(1, 40)), draw(st.sampled_from(["", "", ";a=b", " ", ";" + "x" * 50])))
    else:
        sent = body
    lines = [f"{draw(METHODS)} {draw(_TARGETS)} {draw(_VERSIONS)}", *draw(st.lists(_FIELDS, max_size=5))]
    lines.append(framing.format(size=len(body)))
    line_end = draw(st.sampled_from(["\r\n"] * 5 + ["\n", "\r"]))
    head = "".join(line + line_end for line in lines if line) + line_end
    return utf8(head) + sent


WORDS = (b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"0\r\n\r\n", b"chunked", b": ", b"HTTP/1.1", b"\r")
BYTES = st.lists(mutated(_whole(), WORDS, 2), min_size=1, max_size=3).map(b"".join)
"""The bytes of a few requests in a row."""


def call(case: Any, job: str = "") -> dict[str, Any]:
    """The parts of a Request for a case of CALLS, as an edge reads them: headers without lone surrogates."""
    headers = {name: as_header(value) for name, value in case["headers"].items()}
    path, query = (case[part].replace("{job}", job) for part in ("path", "query"))
    return {**case, "path": path, "query": query, "headers": headers}
