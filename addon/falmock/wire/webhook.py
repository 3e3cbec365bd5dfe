"""Webhooks: what fal posts when a job ends, its signature and its retries (PROTOCOL.md section 3.7)."""

from __future__ import annotations

import base64
import enum
import hashlib
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import unquote
from urllib.parse import urlsplit

from falmock.wire.formats import jsontext
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import checked
from falmock.wire.message import Header

USER_ID = "falmock-user"
"""The account that sends the webhooks. There is only one, because falmock does not map keys to accounts."""
NOT_JSON = (
    "Response payload is not JSON serializable. Either return a JSON serializable object or use the queue endpoint to "
    "retrieve the response."
)
_PATH_SAFE = "/%:@!$&'()*+,;=-._~"
_PORTS = {"http": 80, "https": 443}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BadWebhookTarget(ValueError):
    """A `fal_webhook` is invalid. The text does not repeat it, because such URLs contain secrets."""


class WebhookTarget(NamedTuple):
    """Where a webhook goes. `host` is normalized (an IPv6 address has no brackets); `path` includes the query.

    `credentials` are the URL's `name:password`, or "".
    """

    scheme: str
    host: str
    port: int
    path: str
    credentials: str = ""

    @property
    def authority(self) -> str:
        """The value of the Host header: it has the port unless that is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL without credentials and query, safe to show."""
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"


def target(url: str) -> WebhookTarget:
    """Parse a `fal_webhook`. Raises BadWebhookTarget."""
    try:
        url.encode()
    except UnicodeEncodeError:
        raise BadWebhookTarget("expected a URL in UTF-8, found other bytes") from None
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadWebhookTarget(f"expected an http or https URL, found one that cannot be read: {error}") from None
    if parts.scheme not in _PORTS:
        found = f"the scheme {parts.scheme[:20]!r}" if parts.scheme else "no scheme"
        raise BadWebhookTarget(f"expected a URL that starts with http:// or https://, found {found}")
    if not host:
        raise BadWebhookTarget("expected a URL with a host name, found none")
    try:
        host = checked(host)
    except BadHost:
        raise BadWebhookTarget(
            "expected a URL with a host name (253 characters at most, 1 to 63 between two dots), found an invalid one"
        ) from None
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_PATH_SAFE + "?")
    credentials = unquote(parts.netloc.rpartition("@")[0])
    return WebhookTarget(parts.scheme, host, port or _PORTS[parts.scheme], path, credentials)


# the post


def payload(content_type: str, body: bytes) -> bytes | None:
    """A job's result for a webhook: its bytes as they are, so that numbers stay exact; None if it is not JSON."""
    is_payload = "json" in content_type.lower() and jsontext.is_json(body)
    return body.removeprefix(_BYTE_ORDER_MARK) if is_payload else None


def body(request_id: str, status: int, payload: bytes | None) -> bytes:
    """The body for a job whose result has this status and payload, with fal's keys in fal's order."""
    error = None if 200 <= status < 300 else f"Invalid status code: {status}"
    dump = jsontext.dump_queue
    values = {
        "error": dump(error),
        "gateway_request_id": dump(request_id),
        "payload": b"null" if payload is None else payload,
        "payload_error": dump(NOT_JSON if payload is None else None),
        "request_id": dump(request_id),
        "status": dump("ERROR" if error else "OK"),
    }
    return b"{%s}" % b", ".join(b'"%s": %s' % (key.encode(), value) for key, value in values.items())


def signed_message(request_id: str, timestamp: int, body: bytes, user_id: str = USER_ID) -> bytes:
    """The message to sign; `timestamp` is in whole seconds since the epoch."""
    return "\n".join((request_id, user_id, str(timestamp), hashlib.sha256(body).hexdigest())).encode()


def headers(target: WebhookTarget, request_id: str, timestamp: int, signature: bytes) -> tuple[Header, ...]:
    """The headers of a delivery, all except Content-Length."""
    fields: list[Header] = [
        (b"Host", target.authority.encode()),
        (b"User-Agent", b"falmock"),
        (b"Accept", b"*/*"),
        (b"Content-Type", b"application/json"),
        (b"X-Fal-Webhook-Request-Id", request_id.encode()),
        (b"X-Fal-Webhook-User-Id", USER_ID.encode()),
        (b"X-Fal-Webhook-Timestamp", str(timestamp).encode()),
        (b"X-Fal-Webhook-Signature", signature.hex().encode()),
    ]
    if target.credentials:
        fields.append((b"Authorization", b"Basic " + base64.b64encode(target.credentials.encode())))
    return tuple(fields)


def key_set(public_key: bytes) -> dict[str, list[dict[str, str]]]:
    """The JWKS document with one ED25519 key (its 32 bytes); `kid` is the thumbprint of RFC 7638."""
    x = _base64url(public_key)
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    key = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": _base64url(thumbprint), "use": "sig", "alg": "EdDSA"}
    return {"keys": [key]}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# retries


class Policy(NamedTuple):
    """How often a delivery is tried, the timeouts for an answer and the waits between tries, in seconds.

    The defaults are from fal's newer page: 15 s for the first answer, 120 s for later ones, up to 31 tries. fal does not
    document the waits; these double from 15 s to 5 minutes, so all tries take two hours, as the older page says.
    """

    tries: int = 31
    first_timeout: float = 15.0
    timeout: float = 120.0
    first_wait: float = 15.0
    longest_wait: float = 300.0

    def timeout_of(self, attempt: int) -> float:
        """How long the answer to an attempt (the first is 1) may take, in seconds."""
        return self.first_timeout if attempt == 1 else self.timeout

    def wait_after(self, attempt: int) -> float:
        """The wait after a failed attempt, in seconds."""
        return min(self.first_wait * 2.0 ** min(attempt - 1, 30), self.longest_wait)


class AttemptOutcome(enum.Enum):
    """The outcome of an attempt."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GIVEN_UP = "given up"


def judge(policy: Policy, attempt: int, status: int | None) -> AttemptOutcome:
    """The outcome of an attempt that got this status; None if it got no answer."""
    if status is not None and 200 <= status < 300:
        return AttemptOutcome.DELIVERED
    redirected = status is not None and 300 <= status < 400
    return AttemptOutcome.GIVEN_UP if redirected or attempt >= policy.tries else AttemptOutcome.AGAIN
