"""Who may call: the credentials a request carries and what fal says when they do not do (PROTOCOL.md section 1.4)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from falmock.wire import errors


class AuthRule(NamedTuple):
    """`required` asks for credentials at all; `keys`, when not empty, are the only ones accepted."""

    required: bool
    keys: tuple[str, ...] = ()


ANYONE = AuthRule(required=False)


def refusal(rule: AuthRule, headers: Mapping[str, str], missing: str) -> str | None:
    """The text of fal's 401 for these credentials, None when they will do.

    `missing` is the sentence for a call without any.
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
