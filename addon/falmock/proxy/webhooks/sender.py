"""Posts webhooks from within mitmproxy: by falmock's own poster, or, where somebody looks at flows, as visible flows.

Those go through mitmproxy's client replay.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http
from mitmproxy.net import server_spec

from falmock.engine.engines import Engines
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import WebhookPost
from falmock.proxy.own_requests import replayed
from falmock.proxy.webhooks.pinned_replay import PinnedReplay
from falmock.serving.outgoing.http_client import Proxy
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.webhooks import poster
from falmock.serving.webhooks.poster import PostingRules
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.serving.webhooks.sender import WebhookSender

logger = logging.getLogger(__name__)
WEBHOOK = "falmock.webhook"
"""The key of a flow's metadata for the request id that the webhook is about."""
_TO_TRUST = "--set ssl_verify_upstream_trusted_ca=FILE"


def is_delivery(flow: http.HTTPFlow) -> bool:
    """Whether a flow is a webhook on its way to the app."""
    return WEBHOOK in flow.metadata


@dataclass(slots=True)
class _Attempt:
    """A post in progress; `problem` is an error that its flow does not show.

    `is_refused`: nothing is sent, because the target is not allowed.
    """

    post: WebhookPost
    problem: str | None = None
    is_refused: bool = False


class Webhooks(WebhookSender):
    """Posts the webhooks that are due in the engines. `why_flows` returns why they have to be flows, "" if they need not."""

    def __init__(
        self, engines: Callable[[], Engines], why_flows: Callable[[], str] = lambda: "flows are shown"
    ) -> None:
        super().__init__(engines, WebhookPoster(_rules), lambda: Path(ctx.options.confdir).expanduser())
        self._why_flows = why_flows
        self._flows: dict[str, _Attempt] = {}

    async def deliver(self, post: WebhookPost) -> None:
        """See `WebhookSender`."""
        if not self._why_flows():
            await super().deliver(post)
            return
        flow = _flow(post)
        attempt = self._flows[flow.id] = _Attempt(post)
        try:
            found = await self._addresses(post)
            await _replay(flow, attempt, found)
        except RefusedDestination as error:
            attempt.problem, attempt.is_refused = str(error), True
        except UnresolvedName as error:
            attempt.problem = str(error)
        except Exception:  # a delivery whose end is not reported would never be retried
            logger.exception("falmock: a webhook could not be posted")
            attempt.problem = "mitmproxy failed to post it"
        self.ended(flow)

    async def _addresses(self, post: WebhookPost) -> tuple[str, ...]:
        """The addresses to post to; none to leave the look-up to mitmproxy, because the user lists the host.

        Raises RefusedDestination, and UnresolvedName.
        """
        config = self.engines().config
        is_left = bool(config.webhook_hosts)
        found = await poster.addresses_for(config, post.target, post.timeout, is_chained=is_left or _is_chained())
        return () if is_left else found

    def ended(self, flow: http.HTTPFlow) -> None:
        """A flow has its answer, or failed. If it is a webhook not reported yet, report its result to the schedule."""
        attempt = self._flows.pop(flow.id, None)
        if attempt is None:
            return
        problem = attempt.problem
        if problem is None and flow.error is not None:
            problem = flow.error.msg
            if "Certificate verify failed" in problem:
                problem += f" (to trust it: {_TO_TRUST})"
        status = flow.response.status_code if flow.response is not None and problem is None else None

        def comment(text: str) -> None:
            flow.comment = f"falmock: {self.engines().common.redactor.text(text)}"

        text = self.report(attempt.post, status, problem or "", is_refused=attempt.is_refused, later=comment)
        if text:
            comment(text)

    def stop(self) -> None:
        """See `WebhookSender`."""
        super().stop()
        self._flows.clear()


def _rules() -> PostingRules:
    """How mitmproxy itself reaches servers."""
    options, proxy = ctx.options, None
    if _is_chained():
        scheme, (host, port) = server_spec.parse(options.mode[0].removeprefix("upstream:").partition("@")[0], "http")
        proxy = Proxy(scheme, host, port, options.upstream_auth or "")
    trusted = options.ssl_verify_upstream_trusted_ca
    return PostingRules((trusted,) if trusted else (), not options.ssl_insecure, proxy, _TO_TRUST)


def _flow(post: WebhookPost) -> http.HTTPFlow:
    here = ("127.0.0.1", 0)
    client = connection.Client(peername=here, sockname=here, timestamp_start=time.time())
    flow = http.HTTPFlow(client, connection.Server(address=None))
    target = post.target
    flow.request = http.Request(
        target.host,
        target.port,
        b"POST",
        target.scheme.encode(),
        # A proxy needs the whole URL; for TLS, the CONNECT request names the host.
        target.authority.encode() if target.scheme == "http" and _is_chained() else b"",
        target.path.encode(),
        b"HTTP/1.1",
        http.Headers([*post.headers, (b"Content-Length", str(len(post.body)).encode())]),
        post.body,
        None,
        time.time(),
        None,
    )
    flow.is_replay = "request"
    flow.metadata[WEBHOOK] = post.request_id
    flow.comment = f"falmock: webhook of job {post.request_id}, attempt {post.attempt} of {post.tries}"
    return flow


def _is_chained() -> bool:
    """Whether mitmproxy replays through an upstream proxy."""
    return bool(ctx.options.mode) and ctx.options.mode[0].startswith("upstream:")


async def _replay(flow: http.HTTPFlow, attempt: _Attempt, addresses: tuple[str, ...]) -> None:
    """Send a request to one of these addresses (see PinnedReplay), and wait for its complete answer or its timeout.

    Like `replay.client`, but that command has no timeout: a receiver that never answers would keep its connection for
    ever.
    """
    seconds = attempt.post.timeout
    async with replayed(PinnedReplay(flow, ctx.options, addresses), seconds) as is_over:
        if not is_over:
            attempt.problem = f"no answer within {seconds:.3g} s"
