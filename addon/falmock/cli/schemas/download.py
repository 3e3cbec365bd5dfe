"""Downloads one document, over TLS that is verified, and through the proxy that the environment names for it."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from urllib.parse import SplitResult
from urllib.parse import unquote
from urllib.parse import urlsplit
from urllib.request import getproxies
from urllib.request import proxy_bypass

from falmock.serving.outgoing import http_client
from falmock.serving.outgoing import names
from falmock.serving.outgoing.http_client import Answered
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.outgoing.names import UnresolvedName
from falmock.wire.message import Header

_PORTS = {"http": 80, "https": 443}


def tls_context(trusted_ca: str | None = None) -> ssl.SSLContext:
    """What verifies servers: the system's CAs, and those in a file. Raises OSError."""
    context = ssl.create_default_context()
    if trusted_ca:
        context.load_verify_locations(trusted_ca)
    return context


def get(url: str, tls: ssl.SSLContext, limit: int, seconds: float) -> Answered:
    """The answer to a GET of a URL, with at most `limit` bytes and one more of its body. No redirect is followed.

    Raises NoAnswer, also if it takes longer than `seconds`.
    """
    return asyncio.run(_get(urlsplit(url), tls, limit, seconds))


async def _get(url: SplitResult, tls: ssl.SSLContext, limit: int, seconds: float) -> Answered:
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    proxy = proxy_for(url)
    try:
        addresses = () if proxy is not None else await names.addresses_of(host, port, seconds)
    except UnresolvedName as error:
        raise NoAnswer(str(error)) from None
    destination = Destination(addresses, port, host, tls if url.scheme == "https" else None, proxy)
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    headers: list[Header] = [
        (b"Host", url.netloc.encode()),
        (b"Accept", b"application/json"),
        (b"User-Agent", b"falmock"),
    ]
    if proxy is not None and destination.tls is None:
        target, headers = url.geturl(), [*headers, *proxy.headers]
    return await http_client.fetch(destination, http_client.request_bytes("GET", target, headers), limit + 1, seconds)


def proxy_for(url: SplitResult) -> Proxy | None:
    """The proxy that the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY, or the system) has for a URL. Raises NoAnswer."""
    found = getproxies()
    text = found.get(url.scheme) or found.get("all")
    if not text or _is_loopback(url.hostname or "") or proxy_bypass(url.hostname or ""):
        return None
    try:
        proxy = urlsplit(text if "://" in text else f"http://{text}")
        port = proxy.port
    except ValueError:
        raise NoAnswer("the proxy in the environment is no URL") from None
    if proxy.scheme not in _PORTS or not proxy.hostname:
        raise NoAnswer(f"expected a proxy in the environment at http:// or https://, found one at {proxy.scheme}://")
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}" if proxy.username else ""
    return Proxy(proxy.scheme, proxy.hostname, port or _PORTS[proxy.scheme], credentials)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
