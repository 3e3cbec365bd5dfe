"""Short-lived tokens, so that browsers connect without the key (PROTOCOL.md sections 1.3 and 5.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.wire import auth
from falmock.wire import errors
from falmock.wire.auth import AuthRule
from falmock.wire.calls import Token
from falmock.wire.endpoint import EndpointId
from falmock.wire.formats import jsontext
from falmock.wire.message import Request
from falmock.wire.routes import query_value

DEFAULT_SECONDS = 120
MAX_SECONDS = 1_000_000_000
PARAMETER = "fal_jwt_token"
_HEADER = {"alg": "HS256", "typ": "JWT"}


class BadTokenRequest(ValueError):
    """A token request that cannot be read; the text says what was expected."""


class Tokens:
    """Issues tokens signed with `secret`: JWTs that the real fal does not accept."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def give(self, request: Request, call: Token, now: float) -> Reply:
        """Issue a token for the apps in the body: as a JSON string, or an object on the newer route."""
        try:
            apps, seconds = _requested(request.body)
        except BadTokenRequest as error:
            return replies.invalid_body(str(error), "value_error")
        token = self._sign({"allowed_apps": apps, "exp": int(now) + seconds})
        return replies.json_reply(200, {"token": token} if call.newer else token, "token")

    def refusal(
        self, rule: AuthRule, request: Request, endpoint: EndpointId, now: float, *, trusts_fal: bool = False
    ) -> str | None:
        """fal's error text for a call with a bad key or token; None if they are accepted.

        A token of falmock's, in the query or as a bearer, must be for this endpoint, and no token may have expired.
        Tokens of others cannot be checked further: in the query they are accepted if no key is required, or if
        `trusts_fal` says that tokens come from fal.
        """
        missing = errors.no_authorization(endpoint.app)
        in_header = "authorization" in request.headers
        if in_header and not rule.required:
            return None
        token = auth.bearer(request.headers) if in_header else query_value(request.query, PARAMETER)
        payload = auth.jwt_payload(token)
        if payload is not None and hmac.compare_digest(self._sign(payload).encode(), token.encode()):
            allowed = any(_allows(app, endpoint) for app in payload["allowed_apps"])
            return None if allowed and not auth.has_expired(payload, now) else missing
        if in_header or not token:
            return auth.refusal(rule, request.headers, missing, now)
        refused = rule.required and not trusts_fal
        return missing if refused or (payload is not None and auth.has_expired(payload, now)) else None

    def _sign(self, payload: Any) -> str:
        text = ".".join(_base64(jsontext.dump_model(part)) for part in (_HEADER, payload))
        return f"{text}.{_base64(hmac.digest(self._secret, text.encode(), hashlib.sha256))}"


def _allows(app: str, endpoint: EndpointId) -> bool:
    """Whether a token for `app` is for an endpoint: clients request one by the alias, on the newer route by the path."""
    name = f"{endpoint}/"
    return app == endpoint.alias or name.startswith(f"{app}/") or f"{app}/".startswith(name)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _requested(body: bytes) -> tuple[list[str], int]:
    """The apps and the lifetime in seconds of the requested token. Raises BadTokenRequest."""
    try:
        value = jsontext.loads(body)
    except jsontext.BadJSON as error:
        raise BadTokenRequest(f"Input should be JSON with allowed_apps: {error}") from None
    if not isinstance(value, dict):
        raise BadTokenRequest("Input should be a JSON object with allowed_apps")
    apps = value.get("allowed_apps", [value["app"]] if "app" in value else None)
    if not isinstance(apps, list) or not apps or not all(isinstance(app, str) and app for app in apps):
        raise BadTokenRequest(
            f"allowed_apps should be a list of app names, found {jsontext.dump_queue(apps).decode()[:80]}"
        )
    seconds = value.get("token_expiration", value.get("duration", DEFAULT_SECONDS))
    if type(seconds) is not int or not 0 < seconds <= MAX_SECONDS:
        found = jsontext.dump_queue(seconds).decode()[:80]
        raise BadTokenRequest(
            f"token_expiration should be a whole number of seconds from 1 to {MAX_SECONDS}, found {found}"
        )
    return apps, seconds
