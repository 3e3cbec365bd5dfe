"""Requests at random, one after the other on a connection: valid ones, but with odd spellings, and cut anywhere."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st


class Request(NamedTuple):
    """The method and the bytes of a request."""

    method: str
    data: bytes


class Requests(NamedTuple):
    """Some requests to one host of fal's, "" for falmock itself, and the sizes of the pieces in which each is sent."""

    host: str
    requests: list[Request]
    sizes: list[int]


_HOSTS = st.sampled_from(
    ["fal.run", "fal.run", "queue.fal.run", "rest.fal.ai", "v3.fal.media", "api.fal.ai", "ws.fal.run", ""]
)
_METHODS = st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
_WORDS = "acme plain streams stream requests status cancel files upload storage initiate tokens v1 models fal queue run"
_PARTS = st.sampled_from([*_WORDS.split(), "x.png", "%20", "%2F", "%C3%A9", "%zz", "~", "a+b", "\u00e9", "", "."])
_PATHS = (
    st.lists(_PARTS, max_size=5).map(lambda parts: "/" + "/".join(parts))
    | st.sampled_from(
        ["/acme/plain"] * 6 + ["/acme/streams/stream", "/files/upload", "/storage/upload/initiate", "/tokens/"]
    )
    | st.sampled_from(["/fal/run/acme/plain", "/__falmock/health", "/v1/models", "/health"])
)
_QUERIES = st.sampled_from(["", "", "", "?", "?a=b", "?logs=1", "?a=%00", "?\u00e9", "?a[]=1&a[]=2", "?" + "x" * 3000])
_NAMES = ["Accept", "Cookie", "Origin", "Authorization", "X-Test-Id", "User-Agent", "X-Fal-Request-Timeout", "Range"]
_VALUES = st.sampled_from(
    ["", "*/*", "a=b", "https://app.test", "Key a:b", "Bearer x", "\u00e9", "a\tb", '"', "0.5", "bytes=0-1", "x" * 300]
)
_FAULTS = st.sampled_from(["", "", "", "", '{"latency":0.02}', '{"drip":{"bytes":40,"every":0.001}}', "nginx_503"])
_SPACES = st.sampled_from(["", " ", " ", " ", "\t", "   "])
_CASES = st.sampled_from([str.lower, str.upper, str.title, str])


@st.composite
def _fields(draw: st.DrawFn) -> str:
    name = draw(_CASES)(draw(st.sampled_from(_NAMES)))
    return f"{name}:{draw(_SPACES)}{draw(_VALUES)}{draw(_SPACES)}"


@st.composite
def _request(draw: st.DrawFn) -> Request:
    method = draw(_METHODS)
    body = draw(st.sampled_from([b"{}", b"", b'{"a":1}', b"[1]", b"{", b"\x00\xff", b'"' + b"a" * 5000 + b'"']))
    framing = draw(st.sampled_from(["length", "length", "chunks"])) if method in ("POST", "PUT", "PATCH") else "none"
    lines = [
        f"{method} {draw(_PATHS)}{draw(_QUERIES)} HTTP/1.1",
        "Host: {host}",
        *draw(st.lists(_fields(), max_size=5)),
    ]
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(st.sampled_from(["Connection: close", "Connection: keep-alive", "Connection: x-a, close"])))
    if framing == "none":
        return Request(method, "\r\n".join([*lines, "", ""]).encode())
    lines.append(draw(st.sampled_from(["Content-Type: application/json", "content-type:text/plain", "X-No-Type: 1"])))
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
        return Request(method, "\r\n".join([*lines, "", ""]).encode() + body)
    lines.append(draw(st.sampled_from(["Transfer-Encoding: chunked", "transfer-encoding:Chunked"])))
    size, extension = draw(st.integers(1, 3000)), draw(st.sampled_from([b"", b"", b";a", b';a="b;c"', b";a=b"]))
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return Request(method, "\r\n".join([*lines, "", ""]).encode() + chunks + b"0\r\n\r\n")


REQUESTS = st.builds(
    Requests, _HOSTS, st.lists(_request(), min_size=1, max_size=3), st.lists(st.integers(1, 400), max_size=6)
)
