"""Posts webhooks through mitmproxy's client replay: with its TLS settings and upstream proxy, and as visible flows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mitmproxy import connection
from mitmproxy import ctx
from mitmproxy import http

from falmock.engine.effects import FileBody
from falmock.engine.engines import Engines
from falmock.engine.webhooks import destination
from falmock.engine.webhooks import request
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.proxy.own_requests import replayed
from falmock.proxy.webhooks import key
from falmock.proxy.webhooks.pinned_replay import PinnedReplay
from falmock.proxy.webhooks.pinned_replay import UnresolvedName
from falmock.proxy.webhooks.pinned_replay import addresses_of
from falmock.serving import bodies
from falmock.wire.addresses import literal
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import WebhookTarget

logger = logging.getLogger(__name__)
WEBHOOK = "falmock.webhook"
"""The key of a flow's metadata for the request id that the webhook is about."""
AT_ONCE = 64
"""How many posts may be in progress at the same time."""
NAMED = 20
"""How many of the undelivered webhooks the last log line names."""


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


class Webhooks:
    """Posts the webhooks that are due in the engines. One timer waits for the next, if there is one."""

    def __init__(self, engines: Callable[[], Engines]) -> None:
        self._engines = engines
        self._key: Ed25519PrivateKey | None = None
        self._timer: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[str, _Attempt] = {}

    # called by the engines

    def public_key(self) -> bytes:
        """The 32 bytes of the public key that verifies signatures. Raises NoKey."""
        return self._private().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """An ED25519 signature. Raises NoKey."""
        return self._private().sign(message)

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""
        return bodies.read_file(body)

    def changed(self) -> None:
        """Check the schedule soon, after the call that changed it is answered."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_soon(self._check)

    def warn(self, text: str) -> None:
        """Log a warning."""
        logger.warning("falmock: %s", text)

    def _private(self) -> Ed25519PrivateKey:
        if self._key is None:
            self._key = key.kept_in(Path(ctx.options.confdir).expanduser())
        return self._key

    # deliveries

    def _check(self) -> None:
        """Start the attempts that are due, and set the timer for the next."""
        loop = asyncio.get_running_loop()
        engines, now = self._engines(), time.time()
        for due in engines.due_webhooks(now, AT_ONCE - len(self._under_way)):
            post = request.post(self, due, now)
            flow = _flow(post)
            attempt = self._under_way[flow.id] = _Attempt(post)
            task = loop.create_task(self._deliver(flow, attempt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # At the limit, the end of an attempt triggers the next check.
        again = engines.webhooks.next() if len(self._under_way) < AT_ONCE else None
        self._timer = None if again is None else loop.call_later(max(again - time.time(), 0.0), self._check)

    async def _deliver(self, flow: http.HTTPFlow, attempt: _Attempt) -> None:
        try:
            found = await self._addresses(attempt.post.target, attempt.post.timeout)
            await _replay(flow, attempt, found)
        except RefusedDestination as error:
            attempt.problem, attempt.is_refused = str(error), True
        except UnresolvedName as error:
            attempt.problem = str(error)
        except Exception:  # a delivery whose end is not reported would never be retried
            logger.exception("falmock: a webhook could not be posted")
            attempt.problem = "mitmproxy failed to post it"
        self.ended(flow)

    async def _addresses(self, target: WebhookTarget, seconds: float) -> tuple[str, ...]:
        """The addresses to post to; none to leave the look-up to mitmproxy, because the user lists the host.

        Raises RefusedDestination, and UnresolvedName.
        """
        config = self._engines().config
        destination.check_name(config, target)  # again: options may have changed since the submit
        if config.webhook_hosts:
            return ()
        if literal(target.host) is not None:
            return destination.allowed(target, (target.host,))
        if _is_chained():
            raise destination.refuse_unresolved(target)
        return destination.allowed(target, await addresses_of(target.host, target.port, seconds))

    def ended(self, flow: http.HTTPFlow) -> None:
        """A flow has its answer, or failed. If it is a webhook not reported yet, report its result to the schedule."""
        attempt = self._under_way.pop(flow.id, None)
        if attempt is None:
            return
        post, problem = attempt.post, attempt.problem
        if problem is None and flow.error is not None:
            problem = flow.error.msg
            if "Certificate verify failed" in problem:
                problem += " (to trust it: --set ssl_verify_upstream_trusted_ca=FILE)"
        status = flow.response.status_code if flow.response is not None and problem is None else None
        is_refused, engines = attempt.is_refused, self._engines()
        result = engines.webhook_posted(post.key, status, problem or "no answer", time.time(), is_refused=is_refused)
        flow.comment = f"falmock: {engines.common.redactor.text(result.text)}"
        if not is_refused or engines.webhooks.note_refusal(post.target):
            _log(post, result)
        self.changed()

    def stop(self) -> None:
        """Stop posting, and cancel the posts in progress."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._under_way.clear()
        for task in self._tasks:
            task.cancel()
        left = self._engines().webhooks.standing
        if left:
            more = f"; and {len(left) - NAMED} more" if len(left) > NAMED else ""
            logger.warning("falmock: webhooks that were not delivered: %s%s", "; ".join(left[:NAMED]), more)


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


def _log(post: WebhookPost, result: AttemptResult) -> None:
    """Log the result of a delivery, and the first failed attempt."""
    text = f"{result.text}: {post.target.shown}"
    if result.outcome is AttemptOutcome.DELIVERED:
        logger.info("falmock: %s", text)
    elif result.outcome is AttemptOutcome.GIVEN_UP or post.attempt == 1:
        logger.warning("falmock: %s", text)
