"""Plays golden calls as bytes, each on a connection of its own, and looks whether the connection goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.golden.player import Player
from clients.golden.player import json_type
from clients.parity import wire
from clients.running import Mitmdump

PREFLIGHT = (
    b"OPTIONS %s HTTP/1.1\r\nHost: %s\r\nOrigin: https://app.test\r\nAccess-Control-Request-Method: POST\r\n\r\n"
)
"""A call that changes nothing and that no fault is for."""


_FAST = re.compile(r" --set fal_fast=\w+")
"""In what reports of misses repeat of the command line."""


@dataclass
class RawPlayer(Player):
    """A player that tells of an answer also its phrase, how it ended, and whether another one came after it."""

    mock: Mitmdump | None = None

    def _plain(self, text: str) -> str:
        return without_way(super()._plain(text))

    def _ask(self, call: Mapping[str, Any]) -> dict[str, Any]:
        assert self.mock is not None
        method, _, url = self._filled(call["ask"]).partition(" ")
        scheme, separator, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        is_tunnel = scheme == "https"
        target = slash + path if is_tunnel else url
        host = authority if separator else self.known["here"]
        body = self._body(call)
        fields = [*json_type(call), *self._headers(call)]
        if not any(name.lower() == "host" for name, _ in fields):
            fields.insert(0, ("Host", host))
        lines = [f"{name}: {value}" for name, value in fields]
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body or b'')}")
        head = "\r\n".join([f"{method} {target or '/'} HTTP/1.1", *lines, "", ""])
        with wire.connected(self.mock, authority if is_tunnel else "") as line:
            line.send(head.encode() + (body or b""))
            answer = line.answer(method)
            line.send(PREFLIGHT % (b"/" if is_tunnel or not separator else url.encode(), host.encode()))
            goes_on = line.answer().status != ""
        told = {"status": answer.status, "end": answer.end, "interim": answer.interim, "goes on": goes_on}
        headers = [(name, value) for name, _, value in (each.partition(": ") for each in answer.headers)]
        return told | self._answered(call, headers, answer.body)


def without_way(text: str) -> str:
    """A text without the option that says which way calls go."""
    return _FAST.sub("", text)
