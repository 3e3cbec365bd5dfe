"""Posts one webhook: the name is looked up once, and the post goes to an address that the rule for webhooks allows.

The Host header, and the name that TLS sends and verifies, stay as they are. Nothing is redirected.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import NamedTuple

from falmock.engine.config import Config
from falmock.engine.webhooks import destination
from falmock.engine.webhooks.request import WebhookPost
from falmock.serving.outgoing import http_client
from falmock.serving.outgoing.http_client import Destination
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.outgoing.names import addresses_of
from falmock.wire.addresses import literal
from falmock.wire.webhook import WebhookTarget

ENOUGH = 64 * 1024
"""How many bytes of an answer's body are read: only the status counts, but receivers expect their answers to be read."""


class PostingRules(NamedTuple):
    """How receivers are reached: the files with CAs to trust besides the system's, whether TLS verifies, and the proxy.

    `to_trust` is what a user does so that a CA is trusted.
    """

    trusted_ca: tuple[str, ...] = ()
    is_verified: bool = True
    proxy: Proxy | None = None
    to_trust: str = ""


class WebhookPoster:
    """Posts webhooks by `rules`, which are asked for at each post."""

    def __init__(self, rules: Callable[[], PostingRules]) -> None:
        self._rules = rules
        self._tls: tuple[PostingRules, ssl.SSLContext] | None = None

    async def post(self, config: Config, post: WebhookPost) -> int:
        """The status of the receiver's answer. Raises RefusedDestination, UnresolvedName, NoAnswer."""
        rules, target = self._rules(), post.target
        addresses = await addresses_for(config, target, post.timeout, is_chained=rules.proxy is not None)
        tls = self._context(rules) if target.scheme == "https" else None
        path, headers = target.path, post.headers
        if rules.proxy is not None and tls is None:
            path, headers = f"http://{target.authority}{path}", (*headers, *rules.proxy.headers)
        to = Destination(addresses, target.port, target.host, tls, rules.proxy)
        data = http_client.request_bytes("POST", path, headers, post.body)
        try:
            return (await http_client.fetch(to, data, ENOUGH, post.timeout)).status
        except NoAnswer as error:
            if "Certificate verify failed" in str(error) and rules.to_trust:
                raise NoAnswer(f"{error} (to trust it: {rules.to_trust})") from None
            raise

    def _context(self, rules: PostingRules) -> ssl.SSLContext:
        """Raises NoAnswer for a file that holds no CA."""
        if self._tls is not None and self._tls[0] == rules:
            return self._tls[1]
        context = ssl.create_default_context()
        try:
            for file in rules.trusted_ca:
                context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise NoAnswer(f"the CA in {file} cannot be used: {error}") from None
        if not rules.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._tls = rules, context
        return context


async def addresses_for(config: Config, target: WebhookTarget, seconds: float, *, is_chained: bool) -> tuple[str, ...]:
    """The addresses that a webhook may be posted to; none where an upstream proxy looks up a name that the user lists.

    Raises RefusedDestination, UnresolvedName.
    """
    destination.check_name(config, target)  # again: options may have changed since the submit
    if literal(target.host) is not None:
        found: tuple[str, ...] = (target.host,)
    elif is_chained and not config.webhook_hosts:
        raise destination.refuse_unresolved(target)
    else:
        found = () if is_chained else await addresses_of(target.host, target.port, seconds)
    return destination.allowed(config, target, found)
