"""Authentication: checks the credentials of a request and words fal's refusals (PROTOCOL.md sections 1.3 and 1.4)."""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.wire import errors
from falmock.wire.formats import jsontext

_KEY, _BEARER = "Key", "Bearer"
# RFC 9110, 11.2: the characters that credentials consist of. Quotes, white space and a second scheme are none.
_PAIR = re.compile(r"[A-Za-z0-9._~+/=-]+:[A-Za-z0-9._~+/=-]+")


class AuthRule(NamedTuple):
    """What a request must show. If `required` is false, anything is accepted; if `keys` is not empty, only those keys."""

    required: bool
    keys: tuple[str, ...] = ()


ANYONE = AuthRule(required=False)


class Flaw(enum.Enum):
    """What is wrong with the credentials of a request."""

    MISSING = "no credentials"
    MALFORMED = "not a key"
    UNKNOWN = "not one of the keys"
    NOT_A_JWT = "a bearer that is no JWT"
    EXPIRED = "a JWT that has expired"


_WORDS: Mapping[Flaw, str] = MappingProxyType(
    {
        Flaw.MALFORMED: errors.MALFORMED_KEY,
        Flaw.UNKNOWN: errors.UNKNOWN_KEY,
        Flaw.NOT_A_JWT: errors.BEARER_NOT_DECODED,
        Flaw.EXPIRED: errors.BEARER_EXPIRED,
    }
)


def refusal(rule: AuthRule, headers: Mapping[str, str], missing: str, now: float = 0.0) -> str | None:
    """The text of fal's 401 for these credentials at `now` (seconds since the epoch); None if they are accepted.

    `missing` is the text for a request without credentials. At the default `now` no token has expired.
    """
    found = flaw(rule, headers, now)
    return None if found is None else _WORDS.get(found, missing)


def flaw(rule: AuthRule, headers: Mapping[str, str], now: float) -> Flaw | None:
    """What is wrong with these credentials at `now` (seconds since the epoch); None if they are accepted.

    `Key` takes a key and `Bearer` a JWT. falmock cannot check the signature of a JWT: any that is still valid passes,
    unless the rule lists keys.
    """
    if not rule.required:
        return None
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    if not scheme:
        return Flaw.MISSING
    if scheme not in (_KEY, _BEARER):
        return Flaw.MALFORMED
    # A key that is listed counts in any form, but a key is not a token.
    if is_listed(rule, credentials) and (scheme == _KEY or jwt_payload(credentials) is not None):
        return None
    return _flaw_of_key(rule, credentials) if scheme == _KEY else _flaw_of_token(rule, credentials, now)


def _flaw_of_key(rule: AuthRule, credentials: str) -> Flaw | None:
    if credentials.count(":") != 1 or credentials[0] == ":" or credentials[-1] == ":":
        return Flaw.MALFORMED
    # A pair with characters that no key has (quotes, `Key a:b`) has the form of one, so fal knows no such key.
    return Flaw.UNKNOWN if rule.keys or not _PAIR.fullmatch(credentials) else None


def _flaw_of_token(rule: AuthRule, token: str, now: float) -> Flaw | None:
    payload = jwt_payload(token)
    if payload is None:
        return Flaw.NOT_A_JWT
    if has_expired(payload, now):
        return Flaw.EXPIRED
    return Flaw.UNKNOWN if rule.keys else None


def is_listed(rule: AuthRule, credentials: str) -> bool:
    """Whether a key or a token is one of the rule's keys, compared in constant time."""
    sent = credentials.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(sent, key.encode("utf-8", "surrogatepass")) for key in rule.keys)


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request; "" if it has none."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token if scheme == _BEARER else ""


def jwt_payload(token: str) -> dict[str, Any] | None:
    """The payload of a JWT, without a check of its signature; None if it cannot be read."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        value = jsontext.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return value if isinstance(value, dict) else None


def has_expired(payload: Mapping[str, Any], now: float) -> bool:
    """Whether a JWT with this payload has expired at `now` (seconds since the epoch); without a time it never does."""
    expires = payload.get("exp")
    return isinstance(expires, int | float) and expires <= now
