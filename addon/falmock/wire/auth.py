"""Authentication: checks the credentials of a request and words fal's refusals (PROTOCOL.md section 1.4)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from falmock.wire import errors


class AuthRule(NamedTuple):
    """What a request must show. If `required` is false, anything is accepted; if `keys` is not empty, only those keys."""

    required: bool
    keys: tuple[str, ...] = ()


ANYONE = AuthRule(required=False)


def refusal(rule: AuthRule, headers: Mapping[str, str], missing: str) -> str | None:
    """The text of fal's 401 for these credentials; None if they are accepted.

    `missing` is the text for a request without credentials.
    """
    if not rule.required:
        return None
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    credentials = credentials.strip()
    if not scheme:
        return missing
    if scheme.lower() not in ("key", "bearer") or not credentials:
        return errors.MALFORMED_KEY
    if rule.keys:
        known = any(hmac.compare_digest(credentials.encode(), key.encode()) for key in rule.keys)
        return None if known else errors.UNKNOWN_KEY
    key_id, colon, secret = credentials.partition(":")
    if scheme.lower() == "key" and not (key_id and colon and secret):
        return errors.MALFORMED_KEY
    return None
