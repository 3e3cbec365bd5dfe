"""What is posted of a webhook: the signed request of one attempt, and the key that receivers verify it by."""

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
    """There is no key to sign with; the text says which file is wrong, and what to do."""


class WebhookEdge(Protocol):
    """What webhooks need of the world: who posts them, and who signs."""

    def public_key(self) -> bytes:
        """The 32 bytes of the ED25519 key that `sign` signs by. Raises NoKey."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of a signature. Raises NoKey."""

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""

    def changed(self) -> None:
        """Something may be due earlier than was told."""

    def warn(self, text: str) -> None:
        """People should know of this."""


class Attempt(NamedTuple):
    """An attempt to be made now. `key` names the delivery; `timeout` is in seconds. `result` is what the job came to.

    A `forged` one is signed by a signature that does not hold.
    """

    key: int
    request_id: str
    attempt: int
    tries: int
    target: WebhookTarget
    timeout: float
    forged: bool
    result: Reply


class WebhookPost(NamedTuple):
    """What is sent at an attempt."""

    key: int
    request_id: str
    attempt: int
    tries: int
    target: WebhookTarget
    headers: tuple[Header, ...]
    body: bytes
    timeout: float


def post(edge: WebhookEdge, attempt: Attempt, now: float) -> WebhookPost:
    """What is sent at an attempt, stamped and signed at `now`. Raises NoKey."""
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
    """The document with the key that signatures are verified by."""
    if edge is None:
        return replies.problem(501, "Nothing here signs webhooks", "no webhook keys")
    try:
        document = webhook.key_set(edge.public_key())
    except NoKey as error:
        return replies.problem(500, str(error), "no webhook keys")
    # Verifiers are told to keep it for 24 hours at most.
    reply = replies.json_reply(200, document, "webhook keys", (b"Cache-Control", b"public, max-age=86400"))
    return reply._replace(body=b"", length=len(reply.body)) if head and isinstance(reply.body, bytes) else reply
