"""Verifies webhooks as fal's documentation describes it, without any code of falmock's.

https://docs.fal.ai/model-endpoints/webhooks: fetch the key set, check that the four headers are there and the timestamp
is within five minutes, join request id, user id, timestamp and the SHA-256 of the raw body (hex) by newlines, and
verify the signature (hex) of that by any of the keys.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import nacl.exceptions
import nacl.signing
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE = 300


class NotGenuine(Exception):
    """A webhook is not valid; the text says why."""


def verify(headers: Mapping[str, str], body: bytes, key_set: Any, now: float) -> None:
    """Check a delivery (headers with lower-case names). Raises NotGenuine."""
    try:
        request_id, user_id, timestamp, signature = (
            headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise NotGenuine(f"no header {missing}") from None
    if not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
        raise NotGenuine(f"the timestamp {timestamp} is not within {TOLERANCE} s of {now}")
    message = "\n".join([request_id, user_id, timestamp, hashlib.sha256(body).hexdigest()]).encode()
    signed = bytes.fromhex(signature)
    keys = [_decoded(key["x"]) for key in key_set["keys"] if (key["kty"], key["crv"]) == ("OKP", "Ed25519")]
    verdicts = [(_by_cryptography(key, message, signed), _by_nacl(key, message, signed)) for key in keys]
    if any(first != second for first, second in verdicts):
        raise NotGenuine("two libraries disagree on the signature")
    if not any(first for first, _ in verdicts):
        raise NotGenuine("no key verifies the signature")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _by_cryptography(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _by_nacl(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(key).verify(message, signature)
    except nacl.exceptions.BadSignatureError:
        return False
    return True
