"""The calls to fal that stand behind one call to the OpenAI images API."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.parse import unquote_to_bytes
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
from falmock.gateway.openai.multipart import Part
from falmock.wire.formats import jsontext
from falmock.wire.formats import media
from falmock.wire.message import Request

QUEUE_HOST = "queue.fal.run"
REST_HOST = "rest.fal.ai"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DEADLINE = "x-fal-request-timeout"
_PATIENCE = ("x-stainless-read-timeout", "x-stainless-timeout")
"""Headers by which OpenAI's clients tell for how many seconds they wait."""
PATIENCE = 3600.0
"""For how many seconds one is thought to wait that does not tell."""
_OF_OURS = ("x-falmock-fault", "x-aimock-context")


def headers_of(request: Request, *, forwards: bool) -> dict[str, str]:
    """The headers of a client's request that are for fal as well; `forwards` tells that the real fal may get them."""
    kept = {name: value for name, value in request.headers.items() if name.startswith("x-fal-")}
    kept["accept"] = "application/json"
    if not forwards:
        kept |= {name: request.headers[name] for name in (*_OF_OURS, "authorization") if name in request.headers}
    if _DEADLINE not in kept:
        # A job that starts when its client has gone is paid for in vain.
        seconds = _told_patience(request)
        if seconds is not None:
            kept[_DEADLINE] = seconds
    return kept


def patience_of(request: Request) -> float:
    """For how many seconds the client of a request waits for the answer."""
    return float(_told_patience(request) or PATIENCE)


def _told_patience(request: Request) -> str | None:
    told = (request.headers.get(name, "") for name in _PATIENCE)
    return next((text for text in told if re.fullmatch(r"[1-9]\d{0,6}(\.\d+)?", text)), None)


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
        """A question about a job of an app's, or its cancellation; `end` is the end of the path.

        The URLs that a submit is answered with are not followed: nobody's key goes to where an answer leads.
        """
        path = f"/{quote(app, safe='/')}/requests/{quote(request_id, safe='')}{end}"
        return self._request(method, QUEUE_HOST, path)._replace(headers=self._plain_headers())

    def _plain_headers(self) -> dict[str, str]:
        """The headers that are for every call, not for a submit alone."""
        return {name: value for name, value in self._headers.items() if name in ("accept", "authorization")}

    def schema(self, endpoint: str) -> Request:
        """The question for a model's OpenAPI document."""
        query = f"endpoint_id={quote(endpoint, safe='/')}"
        return self._request("GET", model_inputs.URL_HOST, model_inputs.URL_PATH, query, accept="application/json")

    async def ask(self, request: Request, key: str | None = None) -> Reply:
        """The answer, whole, to a call made with this key of fal's, or with what it has."""
        if key is not None:
            request = request._replace(headers={**request.headers, "authorization": f"Key {key}"})
        reply = await self._ask(request)
        delivery = reply.delivery
        if delivery is not None and (delivery.cut is not None or delivery.reset is not None):
            broken = replies.problem(502, "The connection to fal broke", reply.why)
            return broken._replace(fixture=reply.fixture, fault=reply.fault)
        return reply

    async def upload(self, part: Part, key: str | None) -> str:
        """Put a file into fal's storage, and give its URL. Raises Refused."""
        content_type = part.content_type if media.is_type(part.content_type) else ""
        if not content_type or content_type == media.DEFAULT:
            content_type = media.sniffed(part.data)
        name = _UNSAFE.sub("_", (part.file_name or "").rpartition("/")[2]).strip("._")[-100:]
        body = {"content_type": content_type, "file_name": name or f"image.{media.extension_of(content_type)}"}
        begin = self._request(
            "POST", REST_HOST, "/storage/upload/initiate", "storage_type=fal-cdn-v3", jsontext.dump_model(body)
        )
        headers = {**self._plain_headers(), "content-type": "application/json"}
        begun = await self.ask(begin._replace(headers=headers), key)
        urls = json_of(begun)
        upload_url, file_url = urls.get("upload_url"), urls.get("file_url")
        if begun.status >= 400:
            raise errors.of_fal(begun, "")
        if not isinstance(upload_url, str) or not isinstance(file_url, str):
            raise RefusedCall("fal told no URL to upload the image to", status=502, kind=SERVER_ERROR, cause=begun)
        target = urlsplit(upload_url)
        put = self._request("PUT", target.netloc, target.path, target.query, part.data, content_type=content_type)
        stored = await self.ask(put)
        if stored.status >= 400:
            raise errors.of_fal(stored, "")
        return file_url

    async def fetch(self, url: str) -> bytes:
        """The bytes of a file that a model made. Raises Refused."""
        if url.startswith("data:"):
            return _inline(url)
        target = urlsplit(url)
        if target.scheme not in ("https", "http") or not target.hostname:
            raise _not_fetched(f"its URL is {url[:100]!r}")
        get = self._request("GET", target.hostname, target.path or "/", target.query, accept="*/*")
        reply = await self.ask(get)
        if reply.miss is not None:
            raise _not_fetched(
                f'nothing recorded is the file at {url[:200]}: have the fixture name a file, as {{"url": {{"$file": "cat.png"}}}}, or '
                "ask for response_format=url"
            )
        if reply.status != 200 or not isinstance(reply.body, bytes):
            raise _not_fetched(f"{target.hostname} answered {reply.status}")
        return reply.body


def _inline(url: str) -> bytes:
    head, _, data = url.partition(",")
    if not head.endswith(";base64"):
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _not_fetched("its data URI is broken") from None


def _not_fetched(why: str) -> RefusedCall:
    # Asked again, the model would make, and bill, another one.
    text = f"The image was made, but could not be fetched: {why}"
    return RefusedCall(text, status=502, kind=SERVER_ERROR, headers=(errors.NO_RETRY,))
