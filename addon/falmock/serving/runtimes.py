"""The kinds of clients: how each is recognized, and what brings its calls to the proxy and makes it trust the CA."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Runtime(NamedTuple):
    """A kind of client: how it is recognized, and how it trusts a CA.

    `agent` is a pattern of the user agent in its CONNECT. `ciphers` are the first cipher suites of its TLS hello, for
    those that send no user agent: the order is that of the library that it is built with. `{ca}` in `remedy` is the
    CA's file, `{owner}` whose CA it is.
    """

    name: str
    agent: re.Pattern[str]
    ciphers: tuple[int, ...]
    remedy: str
    program: re.Pattern[str] = re.compile(r"(?!)")
    """The name of the program's file."""
    proxied: tuple[str, ...] = ("HTTPS_PROXY",)
    """The variables that bring its calls to the proxy."""
    trusting: tuple[str, ...] = ("SSL_CERT_FILE",)
    """The variables that make it trust the CA."""
    otherwise: str = ""
    """What helps with calls that go past the proxy although its variables are set."""


_TRANSPARENT = "run it with falmock run --transparent, which needs no proxy"
_GREASE = 0x0A0A
"""What the reserved cipher suites of RFC 8701 have in common, which Chromium begins with."""
RUNTIMES = (
    Runtime(
        "curl",
        re.compile(r"^curl/"),
        (),
        "set CURL_CA_BUNDLE={ca}, or pass --cacert",
        re.compile(r"curl"),
        trusting=("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    ),
    Runtime(
        "Java",
        re.compile(r"^Java[-/]"),
        (),
        "import {ca} into the JVM's trust store with keytool",
        re.compile(r"java"),
        proxied=("JAVA_TOOL_OPTIONS",),
        trusting=("JAVA_TOOL_OPTIONS",),
        otherwise=f"a client that sets a proxy or ProxySelector of its own ignores the JVM's: {_TRANSPARENT}",
    ),
    Runtime("Firefox", re.compile(r"Firefox/"), (), "import {ca} in its settings, under Certificates"),
    Runtime(
        "Chromium",
        re.compile(r"Chrom(e|ium)/"),
        (_GREASE,),
        "run mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n {owner} -i {ca}",
        re.compile(r"chrom(e|ium)\b.*"),
        proxied=(),
        trusting=(),
        otherwise="start it with --proxy-server=$HTTPS_PROXY (Playwright: the option proxy of the context)",
    ),
    Runtime("Go", re.compile(r"^Go-http-client/"), (), "set SSL_CERT_FILE={ca}"),
    Runtime(
        "Node.js",
        re.compile(r"^(node|undici)\b"),
        (0x1302, 0x1303, 0x1301, 0xC02F),
        "set NODE_EXTRA_CA_CERTS={ca} before it starts",
        re.compile(r"node(js)?"),
        proxied=("NODE_OPTIONS", "HTTPS_PROXY", "FALMOCK_HOSTS"),
        trusting=("NODE_EXTRA_CA_CERTS",),
        otherwise=f"Node.js takes no proxy from the environment by itself: it needs falmock's preload in NODE_OPTIONS. If it has that, {_TRANSPARENT}",
    ),
    Runtime(
        "Deno",
        re.compile(r"^Deno/"),
        (),
        "set DENO_CERT={ca}",
        re.compile(r"deno"),
        proxied=("HTTPS_PROXY", "NODE_OPTIONS", "FALMOCK_HOSTS"),
        trusting=("DENO_CERT", "NODE_EXTRA_CA_CERTS"),
        otherwise=f"packages for Node.js that open sockets themselves (ws) take no proxy: {_TRANSPARENT}",
    ),
    Runtime(
        "Bun",
        re.compile(r"^Bun/"),
        (),
        "set NODE_EXTRA_CA_CERTS={ca} before it starts",
        re.compile(r"bunx?"),
        proxied=("HTTPS_PROXY", "BUN_OPTIONS", "FALMOCK_HOSTS"),
        trusting=("NODE_EXTRA_CA_CERTS",),
        otherwise=f"Bun's WebSocket takes a proxy only as an option, which falmock's preload in BUN_OPTIONS gives it; the package ws on Bun takes none: {_TRANSPARENT}",
    ),
    Runtime(
        "Python",
        re.compile(r"\b(Python|aiohttp|python-\w+)/"),
        (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B),
        "set SSL_CERT_FILE={ca}, and REQUESTS_CA_BUNDLE={ca} for requests",
        re.compile(r"(python|pypy)[\d.]*"),
        proxied=("HTTPS_PROXY", "wss_proxy", "PYTHONPATH"),
        trusting=("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        otherwise=f"its library does not take the proxy from the environment (trust_env=False, or urllib3's PoolManager): pass the proxy in code, or {_TRANSPARENT}",
    ),
    Runtime(
        "Ruby",
        re.compile(r"^Ruby"),
        (),
        "set SSL_CERT_FILE={ca}",
        re.compile(r"ruby[\d.]*"),
        proxied=("http_proxy",),
    ),
    Runtime(
        "PHP",
        re.compile(r"^PHP"),
        (),
        "set curl.cainfo={ca} and openssl.cafile={ca} in php.ini",
        re.compile(r"php[\d.]*(-\w+)?"),
        trusting=("PHP_INI_SCAN_DIR",),
        otherwise=f"PHP's streams (file_get_contents) take no proxy from the environment: use curl, or {_TRANSPARENT}",
    ),
)


def runtime_of(agent: str, ciphers: Sequence[int]) -> Runtime | None:
    """The kind of client with this user agent ("" for none) and these cipher suites; None if it is not known."""
    if agent:
        return next((each for each in RUNTIMES if each.agent.search(agent)), None)
    known = [each for each in RUNTIMES if each.ciphers and _begins(ciphers, each.ciphers)]
    return max(known, key=lambda each: len(each.ciphers), default=None)


def runs(program: str) -> Runtime | None:
    """The kind of client that a program with this file name is; None if it is not known."""
    return next((each for each in RUNTIMES if each.program.fullmatch(program)), None)


def _begins(ciphers: Sequence[int], first: tuple[int, ...]) -> bool:
    if first == (_GREASE,):
        return bool(ciphers) and ciphers[0] & 0x0F0F == _GREASE
    return tuple(ciphers[: len(first)]) == first


class Library(NamedTuple):
    """A library that takes no proxy from the environment: what it calls itself, and what helps."""

    name: str
    agent: re.Pattern[str]
    remedy: str


LIBRARIES = (
    Library(
        "aiohttp",
        re.compile(r"\baiohttp/"),
        "aiohttp takes the proxy from the environment only with ClientSession(trust_env=True), which falmock's hook on PYTHONPATH makes the default",
    ),
    Library(
        "urllib3",
        re.compile(r"^python-urllib3/"),
        f"urllib3's PoolManager takes no proxy from the environment: use ProxyManager, or {_TRANSPARENT}",
    ),
    Library(
        "websockets",
        re.compile(r"\bwebsockets/"),
        f"websockets takes the proxy from the environment since version 15: upgrade, or {_TRANSPARENT}",
    ),
)


def library_of(agent: str) -> Library | None:
    """The library with this user agent; None if it is not one of those."""
    return next((each for each in LIBRARIES if each.agent.search(agent)), None)
