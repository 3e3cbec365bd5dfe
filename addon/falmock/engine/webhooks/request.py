"""The requests of webhooks: the signed request of one attempt, and the key to verify it with."""

from __future__ import annotations

from typing import NamedTuple
from typing import Protocol

from falmock.engine import replies
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.wire import webhook
from falmock.wire.message import Header
from falmock.wire.webhook import WebhookTarget


class NoKey(Exception):
    """There is no key to sign with; the text says which file is wrong and what to do."""


class WebhookEdge(Protocol):
    """What webhooks need from the edge, which posts and signs them."""

    def public_key(self) -> bytes:
        """The public ED25519 key of `sign`, 32 bytes. Raises NoKey."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes. Raises NoKey."""

    def read(self, body: FileBody) -> bytes:
        """The bytes of a body on disk. Raises OSError."""

    def changed(self) -> None:
        """Something may be due earlier than the last `next` said."""

    def warn(self, text: str) -> None:
        """Log a warning for the user."""


class Attempt(NamedTuple):
    """An attempt to make now. `key` names the delivery, `timeout` is in seconds, `result` is the job's.

    With `forged`, the signature is invalid.
    """

    key: int | str
    request_id: str
    attempt: int
    tries: int
    target: WebhookTarget
    timeout: float
    forged: bool
    result: Reply


class WebhookPost(NamedTuple):
    """The request of an attempt; `timeout` is in seconds."""

    key: int | str
    request_id: str
    attempt: int
    tries: int
    target: WebhookTarget
    headers: tuple[Header, ...]
    body: bytes
    timeout: float


def post(edge: WebhookEdge, attempt: Attempt, now: float) -> WebhookPost:
    """The request of an attempt, signed with the time `now` (seconds since the epoch). Raises NoKey."""
    key, request_id, number, tries, target, timeout, forged, result = attempt
    body = _body(edge, request_id, result)
    timestamp = int(now)
    signature = edge.sign(webhook.signed_message(request_id, timestamp, body))
    if forged:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    headers = webhook.headers(target, request_id, timestamp, signature)
    return WebhookPost(key, request_id, number, tries, target, headers, body, timeout)


def _body(edge: WebhookEdge, request_id: str, result: Reply) -> bytes:
    content_type = next((value.decode() for name, value in result.headers if name.lower() == b"content-type"), "")
    content = result.body
    if isinstance(content, FileBody):
        try:
            content = edge.read(content) if "json" in content_type.lower() else b""
        except OSError as error:
            edge.warn(f"the result of job {request_id} cannot be read for its webhook: {error}")
            content = b""
    return webhook.body(request_id, result.status, webhook.payload(content_type, content))


def keys(edge: WebhookEdge | None, *, head: bool) -> Reply:
    """The document with the key to verify signatures with."""
    if edge is None:
        return replies.problem(501, "Nothing here signs webhooks", "no webhook keys")
    try:
        document = webhook.key_set(edge.public_key())
    except NoKey as error:
        return replies.problem(500, str(error), "no webhook keys")
    # fal's documentation: verifiers may cache it for at most 24 hours.
    reply = replies.json_reply(200, document, "webhook keys", (b"Cache-Control", b"public, max-age=86400"))
    return reply._replace(body=b"", length=len(reply.body)) if head and isinstance(reply.body, bytes) else reply
