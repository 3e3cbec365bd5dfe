"""The opening handshake of a WebSocket, as a server has to check it (RFC 6455 sections 4.2.1 and 9.1, RFC 7692)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from collections.abc import Mapping
from typing import NamedTuple

VERSION = "13"
_SUPPORTED = ((b"Sec-WebSocket-Version", VERSION.encode()),)
UPGRADE_REQUIRED = 426
KEY_SIZE = 16
"""How many bytes a key has when it is decoded."""
DEFLATE = "permessage-deflate"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUED = ("client_max_window_bits", "server_max_window_bits")
_NOT_VALUED = ("client_no_context_takeover", "server_no_context_takeover")
_WINDOWS = tuple(map(str, range(8, 16)))
_NO_BODY = ("", "0")

Params = list[tuple[str, str]]


class BadHandshake(NamedTuple):
    """Why a handshake is refused: with this status, and this text."""

    status: int
    text: str

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of the refusal."""
        return headers_of(self.status)


def headers_of(status: int) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of a refusal with this status.

    It names the version to use, whatever is wrong, and for 426 the protocol (RFC 9110 section 15.5.22).
    """
    return (*_SUPPORTED, (b"Upgrade", b"websocket")) if status == UPGRADE_REQUIRED else _SUPPORTED


def asks_for_socket(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers (lower-case names) asks for a WebSocket, in a good handshake or a bad one."""
    return "upgrade" in headers and "websocket" in _items(headers["upgrade"])


def problem(method: str, http_version: str, headers: Mapping[str, str]) -> BadHandshake | None:
    """What is wrong with the handshake in a request that asks for a WebSocket; None if nothing is.

    `headers` has lower-case names, and of a repeated header all values, separated by commas.
    """
    if method != "GET":
        return BadHandshake(400, f"a WebSocket is opened with GET, found {method[:20]}")
    if http_version in ("HTTP/0.9", "HTTP/1.0"):
        return BadHandshake(400, f"a WebSocket needs HTTP/1.1, found {http_version}")
    if _items(headers.get("upgrade", "")) != ["websocket"]:
        return BadHandshake(400, "expected `Upgrade: websocket` and no other protocol")
    if "upgrade" not in _items(headers.get("connection", "")):
        return BadHandshake(400, "expected `Connection: Upgrade`")
    if headers.get("content-length", "") not in _NO_BODY or "transfer-encoding" in headers:
        return BadHandshake(400, "expected no body")
    version = headers.get("sec-websocket-version", "")
    if version != VERSION:
        return BadHandshake(
            UPGRADE_REQUIRED, f"expected `Sec-WebSocket-Version: {VERSION}`, found {version[:20] or 'none'}"
        )
    if not _is_key(headers.get("sec-websocket-key", "")):
        return BadHandshake(400, f"expected a Sec-WebSocket-Key: {KEY_SIZE} bytes in base64")
    protocols = headers.get("sec-websocket-protocol")
    if protocols is not None and not _are_protocols([item.strip() for item in protocols.split(",")]):
        return BadHandshake(400, "Sec-WebSocket-Protocol: expected different names, separated by commas")
    if any(params is None for params in _offers(headers.get("sec-websocket-extensions"))):
        return BadHandshake(400, "Sec-WebSocket-Extensions: expected names with parameters, separated by commas")
    return None


def deflate_offers(extensions: str | None) -> str:
    """The offers of compression in a Sec-WebSocket-Extensions header that are valid (RFC 7692 section 7.1)."""
    good = [params for params in _offers(extensions) if params is not None and _is_deflate(params)]
    return ", ".join("; ".join(f"{name}={value}" if value else name for name, value in params) for params in good)


def _items(text: str) -> list[str]:
    """The items of a list whose case does not matter."""
    return [item for part in text.split(",") if (item := part.strip().lower())]


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_SIZE
    except ValueError:
        return False


def _are_protocols(names: list[str]) -> bool:
    return all(map(_TOKEN.fullmatch, names)) and len(set(names)) == len(names)


def _offers(text: str | None) -> Iterator[Params | None]:
    """The extensions that a client offers: name and parameters, each with its value or ""; None for what cannot be read."""
    for offer in [] if text is None else text.split(","):
        yield _offer(offer)


def _offer(text: str) -> Params | None:
    params: Params = []
    for part in text.split(";"):
        name, equals, value = (each.strip() for each in part.partition("="))
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if not _TOKEN.fullmatch(name) or (equals and not (params and _TOKEN.fullmatch(value))):
            return None
        params.append((name, value))
    return params


def _is_deflate(params: Params) -> bool:
    (name, _), *rest = params
    return (
        name == DEFLATE
        and len({key for key, _ in rest}) == len(rest)
        and all(
            (key in _NOT_VALUED and not value)
            or (key in _VALUED and value in _WINDOWS)
            or (key == _VALUED[0] and not value)
            for key, value in rest
        )
    )
