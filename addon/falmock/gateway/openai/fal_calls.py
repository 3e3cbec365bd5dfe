"""The calls to fal that answer one call to the OpenAI images API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.parse import urlsplit

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.gateway.door import OPENAI
from falmock.gateway.door import Ask
from falmock.gateway.openai import errors
from falmock.gateway.openai import model_inputs
from falmock.gateway.openai.errors import SERVER_ERROR
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.errors import json_of
from falmock.wire.auth import AuthRule
from falmock.wire.formats import data_uri
from falmock.wire.formats import jsontext
from falmock.wire.formats import media
from falmock.wire.formats.multipart import Part
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.hosts import checked
from falmock.wire.lifecycle import DEADLINE_HEADERS
from falmock.wire.message import Request

REST_HOST = "rest.fal.ai"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SECONDS = re.compile(r"[1-9]\d{0,6}(\.\d+)?")
_DEADLINE = "x-fal-request-timeout"
"""The older name, which fal's own clients send."""
_TIMEOUT_HEADERS = ("x-stainless-read-timeout", "x-stainless-timeout")
"""Headers in which OpenAI's clients send their timeout in seconds."""
PATIENCE = 3600.0
"""The timeout (seconds) of clients that do not send one."""
_OF_OURS = ("x-falmock-fault", "x-aimock-context")


def headers_of(request: Request, *, forwards: bool) -> dict[str, str]:
    """The headers of a client's request to send to fal; with `forwards`, the real fal may get them."""
    kept = {name: value for name, value in request.headers.items() if name.startswith("x-fal-")}
    kept["accept"] = "application/json"
    if not forwards:
        kept |= {name: request.headers[name] for name in (*_OF_OURS, "authorization") if name in request.headers}
        if "authorization" not in kept and key_of(request):
            kept["authorization"] = f"Bearer {key_of(request)}"
    if not any(name.lower() in kept for name in DEADLINE_HEADERS):
        # A job that starts after its client's timeout would be billed for nothing.
        seconds = _sent_timeout(request)
        if seconds is not None:
            kept[_DEADLINE] = seconds
    return kept


def fals_authorization(authorization: str, rule: AuthRule) -> str:
    """The Authorization for fal with the key of OpenAI's client, which sends any key as a bearer: fal takes none there.

    A key that is neither listed nor a pair gets an id, so that it passes where any key does.
    """
    scheme, _, given = authorization.partition(" ")
    given = given.strip()
    if not rule.required or scheme.lower() != "bearer" or not given:
        return authorization
    return f"Key {given}" if ":" in given or given in rule.keys else f"Key openai:{given}"


def key_of(request: Request) -> str:
    """The key that a client shows as OpenAI's clients do, or as Azure's; "" if it shows none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    given = given if scheme.lower() == "bearer" else ""
    return given.strip() or request.headers.get("api-key", "").strip()


def patience_of(request: Request) -> float:
    """How long the client of a request waits for the answer (seconds)."""
    return float(_sent_timeout(request) or PATIENCE)


def _sent_timeout(request: Request) -> str | None:
    sent = (request.headers.get(name, "") for name in _TIMEOUT_HEADERS)
    return next((text for text in sent if _SECONDS.fullmatch(text)), None)


class FalCalls:
    """Makes calls to fal in one scope, with these headers, for a client that waits for `patience` seconds."""

    def __init__(self, ask: Ask, scope: str, headers: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._ask = ask
        self._scope = scope
        self._headers = dict(headers)
        self.patience = patience

    def _request(
        self, method: str, host: str, path: str, query: str = "", body: bytes = b"", **headers: str
    ) -> Request:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(method, host, path, query, named, body, scope=self._scope, door=OPENAI)

    def submit(self, endpoint: str, given: Mapping[str, Any]) -> Request:
        """The submit of a job for a model."""
        path = "/" + quote(endpoint, safe="/")
        request = self._request("POST", QUEUE_HOST, path, body=jsontext.dump_model(given))
        return request._replace(headers={**self._headers, "content-type": "application/json"})

    def about(self, app: str, request_id: str, method: str, end: str) -> Request:
        """A status, result or cancel request for a job; `end` is the end of the path.

        The URLs in the answer to the submit are not used, so that no key is sent to a URL from an answer.
        """
        path = f"/{quote(app, safe='/')}/requests/{quote(request_id, safe='')}{end}"
        return self._request(method, QUEUE_HOST, path)._replace(headers=self._plain_headers())

    def _plain_headers(self) -> dict[str, str]:
        """The headers for calls other than a submit."""
        return {name: value for name, value in self._headers.items() if name in ("accept", "authorization")}

    def schema(self, endpoint: str) -> Request:
        """The request for a model's OpenAPI document."""
        query = f"endpoint_id={quote(endpoint, safe='/')}"
        return self._request("GET", model_inputs.URL_HOST, model_inputs.URL_PATH, query, accept="application/json")

    async def ask(self, request: Request, key: str | None = None) -> Reply:
        """Make a call, with this key of fal's if given; returns the complete answer."""
        if key is not None:
            request = request._replace(headers={**request.headers, "authorization": f"Key {key}"})
        reply = await self._ask(request)
        delivery = reply.delivery
        if delivery is not None and (delivery.cut is not None or delivery.reset is not None):
            broken = replies.problem(502, "The connection to fal broke", reply.why)
            return broken._replace(fixture=reply.fixture, fault=reply.fault)
        return reply

    async def upload(self, part: Part, key: str | None) -> str:
        """Upload a file to fal's storage; returns its URL. Raises RefusedCall."""
        content_type = part.content_type if media.is_type(part.content_type) else ""
        if not content_type or content_type == media.DEFAULT:
            content_type = media.sniffed(part.data)
        name = _UNSAFE.sub("_", (part.file_name or "").rpartition("/")[2]).strip("._")[-100:]
        body = {"content_type": content_type, "file_name": name or f"image.{media.extension_of(content_type)}"}
        initiate = self._request(
            "POST", REST_HOST, "/storage/upload/initiate", "storage_type=fal-cdn-v3", jsontext.dump_model(body)
        )
        headers = {**self._plain_headers(), "content-type": "application/json"}
        initiated = await self.ask(initiate._replace(headers=headers), key)
        urls = json_of(initiated)
        upload_url, file_url = urls.get("upload_url"), urls.get("file_url")
        if initiated.status >= 400:
            raise errors.of_fal(initiated, "")
        if not isinstance(upload_url, str) or not isinstance(file_url, str):
            raise RefusedCall(
                "fal answered without a URL to upload the image to", status=502, kind=SERVER_ERROR, cause=initiated
            )
        try:
            target = urlsplit(upload_url)
            host = checked(target.hostname or "")
        except ValueError as error:
            text = f"fal answered with a URL to upload the image to that is not valid: {error}"
            raise RefusedCall(text, status=502, kind=SERVER_ERROR, cause=initiated) from None
        put = self._request("PUT", host, target.path, target.query, part.data, content_type=content_type)
        stored = await self.ask(put)
        if stored.status >= 400:
            raise errors.of_fal(stored, "")
        return file_url

    async def fetch(self, url: str) -> bytes:
        """The bytes of a file that a model generated. Raises RefusedCall."""
        inline = data_uri.read(url)
        if inline is not None:
            return inline.content
        try:
            target = urlsplit(url)
            host = checked(target.hostname or "")
        except ValueError:
            raise _not_fetched(f"its URL is {url[:100]!r}") from None
        if target.scheme not in ("https", "http"):
            raise _not_fetched(f"its URL is {url[:100]!r}")
        get = self._request("GET", host, target.path or "/", target.query, accept="*/*")
        reply = await self.ask(get)
        if reply.miss is not None:
            raise _not_fetched(
                f'the file at {url[:200]} is not recorded: refer to a file in the fixture, as {{"url": {{"$file": "cat.png"}}}}, or '
                "request response_format=url"
            )
        if reply.status != 200 or not isinstance(reply.body, bytes):
            raise _not_fetched(f"{host} answered {reply.status}")
        return reply.body


def _not_fetched(why: str) -> RefusedCall:
    # A retry would generate, and bill, another image.
    text = f"The image was made, but could not be fetched: {why}"
    return RefusedCall(text, status=502, kind=SERVER_ERROR, headers=(errors.NO_RETRY,))
