"""Asks mitmproxy's option `proxyauth`, whose hooks do not see connections in the lane."""

from __future__ import annotations

from mitmproxy import ctx
from mitmproxy.addons import proxyauth

from falmock.engine.effects import Reply
from falmock.serving.gate import user_in


def user_or_refusal(header: str) -> str | Reply:
    """The user name in a `proxy-authorization` header ("" for none), or mitmproxy's own answer to one that it refuses."""
    addon = ctx.master.addons.get("proxyauth")
    validator = None if addon is None else addon.validator
    if validator is not None and not _is_valid(validator, header):
        made = proxyauth.make_auth_required_response(is_proxy=True)
        return Reply(made.status_code, tuple(made.headers.fields)[:1], made.content or b"", "no proxy authentication")
    return user_in(header)


def is_required() -> bool:
    """Whether mitmproxy requires authentication."""
    addon = ctx.master.addons.get("proxyauth")
    return addon is not None and addon.validator is not None


def _is_valid(validator: proxyauth.Validator, header: str) -> bool:
    try:
        _, user, password = proxyauth.parse_http_basic_auth(header)
        return validator(user, password)
    except Exception:  # noqa: BLE001 - mitmproxy does so too
        return False
