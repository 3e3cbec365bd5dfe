"""Plays calls to a falmock over HTTP and WebSockets."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgpack  # type: ignore[import-untyped, unused-ignore]

from clients.golden import bodies
from clients.golden import varying
from clients.golden.session import SECONDS
from clients.golden.session import Session
from clients.golden.session import tunnel
from clients.running import KEY


@dataclass(frozen=True)
class Where:
    """Where a falmock is: the address of its proxy, which is that of its own doors too, and the CA to trust."""

    proxy: str
    ca: Path


@dataclass
class Player:
    """Plays calls one after the other; `known` are the values that earlier answers gave, by the name they are kept by."""

    where: Where
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known |= {"key": KEY, "here": self.where.proxy.removeprefix("http://"), "ca": str(self.where.ca)}

    def play(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self._talk(call) if "socket" in call else self._ask(call)

    def _ask(self, call: Mapping[str, Any]) -> dict[str, Any]:
        method, _, url = self._filled(call["ask"]).partition(" ")
        is_direct = url.startswith("/")
        request = httpx.Request(
            method,
            self.where.proxy + url if is_direct else url,
            headers=[*json_type(call), *self._headers(call)],
            content=self._body(call),
        )
        trust = ssl.create_default_context(cafile=str(self.where.ca))
        proxy = None if is_direct else self.where.proxy
        answer: dict[str, Any] = {}
        body = b""
        with httpx.Client(proxy=proxy, verify=trust, trust_env=False, timeout=SECONDS) as client:
            try:
                response = client.send(request, stream=True)
                answer["status"] = response.status_code
                for part in response.iter_raw():
                    body += part
            except httpx.TimeoutException:
                answer["silent"] = True
            except httpx.TransportError:
                # How it broke off is not the same on all versions of Python: some take a reset for the end.
                answer["broken"] = True
        if "status" not in answer:
            return answer
        raw = [(name.decode(), value.decode("latin-1")) for name, value in response.headers.raw]
        return answer | self._answered(call, raw, body)

    def _answered(self, call: Mapping[str, Any], headers: Sequence[tuple[str, str]], body: bytes) -> dict[str, Any]:
        """What an answer with these headers and this body tells."""
        self._keep(call, body)
        told = ((name, _length(name, value, len(body))) for name, value in headers)
        content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
        return {"headers": [self._plain(f"{name}: {value}") for name, value in told]} | self._told(body, content_type)

    def _talk(self, call: Mapping[str, Any]) -> dict[str, Any]:
        url = urlsplit(self._filled(call["socket"]))
        with tunnel(self.where.proxy, self.where.ca, url.hostname or "") as line:
            session = Session(line, self._plain)
            target = f"{url.path}?{url.query}" if url.query else url.path
            headers = [(name.encode(), value.encode()) for name, value in self._headers(call)]
            answer = session.open(url.hostname or "", target, headers)
            if answer["status"] == 101:
                steps = call["says"]
                answer["heard"] = [
                    session.say(self._message(step), int(bodies.dumps(step.get("frames", 1)))) for step in steps
                ]
                answer["heard"][-1] += session.rest()
            return answer

    def _message(self, step: Mapping[str, Any]) -> str | bytes | None:
        if "msgpack" in step:
            packed: bytes = msgpack.packb(bodies.with_bytes(json.loads(self._filled(bodies.dumps(step["msgpack"])))))
            return packed
        return base64.b64decode(step["base64"]) if "base64" in step else self._text(step)

    def _headers(self, call: Mapping[str, Any]) -> list[tuple[str, str]]:
        pairs = (self._filled(line).partition(": ") for line in call.get("headers", ()))
        return [(name, value) for name, _, value in pairs]

    def _body(self, call: Mapping[str, Any]) -> bytes | None:
        if "base64" in call:
            return base64.b64decode(call["base64"])
        text = self._text(call)
        return None if text is None else text.encode()

    def _text(self, of: Mapping[str, Any]) -> str | None:
        if "json" in of:
            return self._filled(bodies.dumps(of["json"]))
        return self._filled(of["text"]) if "text" in of else None

    def _filled(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def _keep(self, call: Mapping[str, Any], body: bytes) -> None:
        """Keep what is asked for; an answer that does not have it is a difference, and so are those to what follows."""
        for name, path in call.get("keep", {}).items():
            with suppress(ValueError, LookupError, TypeError):
                value = json.loads(body)
                for key in path.split(".") if path else ():
                    value = value[int(key) if isinstance(value, list) else key]
                self.known[name] = str(value)

    def _plain(self, text: str) -> str:
        """A text less what differs from run to run: what is known under a name first, the longest of it first."""
        for name, value in sorted(self.known.items(), key=lambda item: -len(item[1])):
            text = text.replace(value, f"{{{name}}}")
        return varying.settled(text)

    def _told(self, body: bytes, content_type: str) -> dict[str, Any]:
        try:
            text = self._plain(body.decode())
        except UnicodeDecodeError:
            text = None
        if text is None or "\0" in text:
            return (
                {"base64": bodies.base64(body)}
                if len(body) <= bodies.LONGEST
                else {"sha256": bodies.sha256(body), "bytes": len(body)}
            )
        if content_type.startswith("text/event-stream"):
            return {"events": list(bodies.events(text))}
        return bodies.as_json(text, "json") or ({"text": bodies.lines(text)} if text else {})


def json_type(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The type of the body of a call, if nothing else says it."""
    has_own = any(line.lower().startswith("content-type:") for line in call.get("headers", ()))
    return [("Content-Type", "application/json")] if "json" in call and not has_own else []


def _length(name: str, value: str, length: int) -> str:
    """The value of a header; a length that is right follows from the body."""
    return "{length}" if length and name.lower() == "content-length" and value == str(length) else value
