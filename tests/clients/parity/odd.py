"""Requests with odd heads and framing: what HTTP allows though hardly any client sends it, and what it does not."""

from __future__ import annotations

from typing import NamedTuple


class Odd(NamedTuple):
    """The bytes of a request to a host of fal's ("" for falmock itself), with `{host}` for its name."""

    host: str
    data: bytes
    method: str = "GET"


RUN = "fal.run"
QUEUE = "queue.fal.run"
HOST = b"Host: {host}\r\n"
JSON = b"Content-Type: application/json\r\n"
POST = b"POST /acme/plain HTTP/1.1\r\n" + HOST + JSON
TWO = b"Content-Length: 2\r\n\r\n{}"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"


def run(lines: bytes, body: bytes = TWO) -> Odd:
    """A run with these lines before those of its body."""
    return Odd(RUN, POST + lines + body)


def chunks(data: bytes) -> Odd:
    """A run with these chunks."""
    return Odd(RUN, CHUNKED + b"\r\n" + data)


def start(line: bytes, method: str = "POST") -> Odd:
    """A run that begins with this line."""
    return Odd(RUN, line + b"\r\n" + HOST + JSON + TWO, method)


def asked(host: str, target: bytes, method: str = "GET", lines: bytes = b"") -> Odd:
    """A request without a body."""
    return Odd(host, method.encode() + b" " + target + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n", method)


ALLOWED = {
    # headers
    "upper case": run(b"X-TEST-ID: A\r\nACCEPT: */*\r\n"),
    "no space behind the colon": run(b"X-Test-Id:a\r\n"),
    "much space around a value": run(b"X-Test-Id: \t  a \t \r\n"),
    "an empty value": run(b"X-Test-Id:\r\n"),
    "a header twice": run(b"X-Test-Id: a\r\nX-Test-Id: b\r\n"),
    "a key twice": run(b"Authorization: Key a:b\r\nAuthorization: Key c:d\r\n"),
    "a fault twice": run(b"X-Falmock-Fault: nginx_502\r\nX-Falmock-Fault: nginx_503\r\n"),
    "a type twice": run(b"Content-Type: text/plain\r\n"),
    "Latin-1": run(b"X-Test-Id: caf\xe9\r\n"),
    "UTF-8": run("X-Test-Id: é€\r\n".encode()),
    "a tab": run(b"X-Test-Id: a\tb\r\n"),
    "odd letters in a name": run(b"X!#$%&'*+-.^_`|~: a\r\n"),
    "many headers": run(b"".join(b"X-%d: a\r\n" % number for number in range(150))),
    "a long header": run(b"X-Long: " + b"a" * 60_000 + b"\r\n"),
    "cookies": run(b"Cookie: a=b\r\nCookie: c=d\r\n"),
    "an origin": run(b"Origin: https://app.test\r\n"),
    "proxy headers": run(b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\n"),
    "a TE header": run(b"TE: trailers\r\n"),
    "Via and Forwarded": run(b"Via: 1.1 a\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\n"),
    # targets
    "percent-encodings": asked(RUN, b"/acme%2Fplain?a=%C3%A9&b=%zz&c=%00"),
    "percent-encoded letters": asked(RUN, b"/%61cme/plain"),
    "double slashes": asked(RUN, b"//acme//plain"),
    "dots": asked(RUN, b"/acme/../acme/./plain"),
    "a bare question mark": asked(RUN, b"/acme/plain?"),
    "two question marks": asked(RUN, b"/acme/plain?a?b=c"),
    "a fragment": asked(RUN, b"/acme/plain#here"),
    "brackets": asked(RUN, b"/acme/plain?a[]=1&b={x}|y"),
    "a quote": asked(RUN, b"/acme/plain?a=\"b\"<c>'d'"),
    "a backslash": asked(RUN, b"/acme\\plain"),
    "a long target": asked(RUN, b"/acme/plain?" + b"a" * 12_000),
    "the root": asked(RUN, b"/"),
    "a semicolon": asked(RUN, b"/acme/plain;a=b"),
    # methods
    "HEAD of an endpoint": asked(RUN, b"/acme/plain", "HEAD"),
    "HEAD of a file": asked("v3.fal.media", b"/files/none/x.png", "HEAD"),
    "OPTIONS": asked(RUN, b"/acme/plain", "OPTIONS", b"Origin: https://a\r\nAccess-Control-Request-Method: POST\r\n"),
    "OPTIONS *": asked(RUN, b"*", "OPTIONS"),
    "DELETE": asked(RUN, b"/acme/plain", "DELETE"),
    "PATCH": asked(RUN, b"/acme/plain", "PATCH", b"Content-Length: 0\r\n"),
    "TRACE": asked(RUN, b"/acme/plain", "TRACE"),
    "a GET with a body": Odd(RUN, b"GET /acme/plain HTTP/1.1\r\n" + HOST + TWO),
    # versions and connections
    "HTTP/1.0": start(b"POST /acme/plain HTTP/1.0"),
    "HTTP/1.0, kept": Odd(RUN, b"POST /acme/plain HTTP/1.0\r\n" + HOST + JSON + b"Connection: keep-alive\r\n" + TWO),
    "HTTP/1.0 of a stream": Odd(RUN, b"POST /acme/streams/stream HTTP/1.0\r\n" + HOST + JSON + TWO),
    "close": run(b"Connection: close\r\n"),
    "close in upper case": run(b"CONNECTION: CLOSE\r\n"),
    "close among others": run(b"Connection: x-a, close\r\n"),
    "keep-alive": run(b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
    "close and a stream": Odd(RUN, b"POST /acme/streams/stream HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + TWO),
    "an upgrade that nobody makes": run(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    ),
    "an upgrade without Connection": run(b"Upgrade: websocket\r\n"),
    # bodies
    "no body and no length": Odd(RUN, POST + b"\r\n"),
    "a length of 0": run(b"", b"Content-Length: 0\r\n\r\n"),
    "a length with zeros": run(b"", b"Content-Length: 0002\r\n\r\n{}"),
    "chunks": chunks(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
    "chunks in capitals": Odd(RUN, POST + b'Transfer-Encoding: Chunked\r\n\r\nA\r\n{"a":1   }\r\n0\r\n\r\n'),
    "chunk sizes with zeros": chunks(b"0002\r\n{}\r\n000\r\n\r\n"),
    "chunk extensions": chunks(b'1;a=b\r\n{\r\n1;c="d;e"\r\n}\r\n0;f\r\n\r\n'),
    "trailers": chunks(b"2\r\n{}\r\n0\r\nX-Checksum: abc\r\nAuthorization: Key x:y\r\n\r\n"),
    "no chunks": chunks(b"0\r\n\r\n"),
    "Expect": run(b"Expect: 100-continue\r\n"),
    "Expect in capitals": run(b"EXPECT: 100-Continue\r\n"),
    "an Expect of something else": run(b"Expect: a-miracle\r\n"),
    "Expect and chunks": Odd(RUN, CHUNKED + b"Expect: 100-continue\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "an empty line before": Odd(RUN, b"\r\n" + POST + TWO),
    # hosts
    "a host in capitals": Odd(RUN, POST.replace(b"{host}", b"FAL.RUN") + TWO),
    "a host with a port": Odd(RUN, POST.replace(b"{host}", b"fal.run:443") + TWO),
    "a host with a dot": Odd(RUN, POST.replace(b"{host}", b"fal.run.") + TWO),
    "another host of fal's": Odd(RUN, POST.replace(b"{host}", QUEUE.encode()) + TWO),
    "another host": Odd(RUN, POST.replace(b"{host}", b"other.test") + TWO),
    "no host": Odd(RUN, POST.replace(HOST, b"") + TWO),
    "no host in HTTP/1.0": Odd(RUN, POST.replace(HOST, b"").replace(b"1.1", b"1.0") + TWO),
    "an empty host": Odd(RUN, POST.replace(b"{host}", b"") + TWO),
    "two hosts": Odd(RUN, POST + HOST.replace(b"{host}", b"other.test") + TWO),
    "an absolute target": start(b"POST https://fal.run/acme/plain HTTP/1.1"),
    "an absolute target of http": start(b"POST http://fal.run/acme/plain HTTP/1.1"),
    "an absolute target of another host of fal's": start(b"POST https://queue.fal.run/acme/plain HTTP/1.1"),
    "an absolute target of another host": start(b"POST https://other.test/acme/plain HTTP/1.1"),
}
"""Requests that are answered."""
REFUSED = {
    # what some read as one request and others as two
    "a length beside chunks": chunks(b"0\r\n\r\n")._replace(data=CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n"),
    "chunks beside a length": run(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"\r\n0\r\n\r\n"),
    "two lengths": run(b"Content-Length: 3\r\n"),
    "the same length twice": run(b"Content-Length: 2\r\n"),
    "a list of lengths": run(b"", b"Content-Length: 2, 2\r\n\r\n{}"),
    "a length with a sign": run(b"", b"Content-Length: +2\r\n\r\n{}"),
    "a negative length": run(b"", b"Content-Length: -2\r\n\r\n{}"),
    "a length in hexadecimal": run(b"", b"Content-Length: 0x2\r\n\r\n{}"),
    "a length with an underscore": run(b"", b"Content-Length: 0_2\r\n\r\n{}"),
    "a length of other digits": run(b"", "Content-Length: \uff12\r\n\r\n{}".encode()),
    "an empty length": run(b"", b"Content-Length:\r\n\r\n{}"),
    "a huge length": run(b"", b"Content-Length: 99999999999999999999999\r\n\r\n{}"),
    "two codings": run(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "a coding that is none": run(b"", b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "chunked and then gzip": run(b"", b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "chunked twice": run(b"", b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "chunked behind a vertical tab": run(b"", b"Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": Odd(RUN, CHUNKED.replace(b"1.1", b"1.0") + b"\r\n2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with a sign": chunks(b"+2\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk size": chunks(b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with 0x": chunks(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with an underscore": chunks(b"0_2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size behind a space": chunks(b" 2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size before a space": chunks(b"2 \r\n{}\r\n0\r\n\r\n"),
    "a huge chunk size": chunks(b"fffffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "no chunk size": chunks(b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer": chunks(b"1\r\n{}\r\n0\r\n\r\n"),
    "chunks that end with LF": chunks(b"2\n{}\n0\n\n"),
    "a bare CR behind a chunk size": chunks(b"2\r{}\r\n0\r\n\r\n"),
    "a bare CR in an extension": chunks(b"2;a\rb\r\n{}\r\n0\r\n\r\n"),
    "a bare LF in an extension": chunks(b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    # heads
    "a bare CR in a value": run(b"X-A: a\rb\r\n"),
    "a bare CR before a header": run(b"X-A: a\rX-B: b\r\n"),
    "a bare LF": run(b"X-A: a\nX-B: b\r\n"),
    "a folded header": run(b"X-A: a\r\n b\r\n"),
    "a folded length": run(b"Content-Length:\r\n 2\r\n", b"\r\n{}"),
    "a folded first header": Odd(RUN, POST.replace(b"Host", b" X: a\r\nHost") + TWO),
    "a space before the colon": run(b"X-A : a\r\n"),
    "a tab before the colon": run(b"X-A\t: a\r\n"),
    "a length with a space before the colon": run(b"", b"Content-Length : 2\r\n\r\n{}"),
    "chunks with a space before the colon": run(b"", b"Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "a NUL in a value": run(b"X-A: a\0b\r\n"),
    "a NUL in a name": run(b"X-\0A: a\r\n"),
    "a control character in a value": run(b"X-A: a\x01b\r\n"),
    "no name": run(b": a\r\n"),
    "no colon": run(b"X-A\r\n"),
    "a space in a name": run(b"X A: a\r\n"),
    "a parenthesis in a name": run(b"X(A): a\r\n"),
    "another letter in a name": run("X-É: a\r\n".encode()),
    # start lines
    "a method in small letters": start(b"post /acme/plain HTTP/1.1"),
    "an unknown method": start(b"BREW /acme/plain HTTP/1.1"),
    "no method": start(b" /acme/plain HTTP/1.1"),
    "a target with a space": start(b"POST /acme/plain a HTTP/1.1"),
    "a target with a tab": start(b"POST /acme/pl\tain HTTP/1.1"),
    "a target with a NUL": start(b"POST /acme/pl\0ain HTTP/1.1"),
    "a target of other letters": start("POST /acme/é HTTP/1.1".encode()),
    "no target": start(b"POST HTTP/1.1"),
    "no version": start(b"POST /acme/plain"),
    "HTTP/0.9": start(b"POST /acme/plain HTTP/0.9"),
    "HTTP/1.2": start(b"POST /acme/plain HTTP/1.2"),
    "HTTP/2.0": start(b"POST /acme/plain HTTP/2.0"),
    "HTTP/1": start(b"POST /acme/plain HTTP/1"),
    "a version in small letters": start(b"POST /acme/plain http/1.1"),
    "a version with a space": start(b"POST /acme/plain HTTP/1.1 "),
    "two spaces": start(b"POST  /acme/plain  HTTP/1.1"),
    "a relative target": start(b"POST acme/plain HTTP/1.1"),
    "an authority as a target": start(b"POST fal.run:443 HTTP/1.1"),
    "an absolute target without a host": start(b"POST http:///acme/plain HTTP/1.1"),
    "a start line that ends with LF": start(b"POST /acme/plain HTTP/1.1\nX-A: b"),
    "CONNECT in a tunnel": Odd(
        RUN, b"CONNECT queue.fal.run:443 HTTP/1.1\r\nHost: queue.fal.run:443\r\n\r\n", "CONNECT"
    ),
    "the preface of HTTP/2": Odd(RUN, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "no HTTP": Odd(RUN, b"\0\1\2\3hello\r\n\r\n"),
}
"""Requests that may be refused."""
