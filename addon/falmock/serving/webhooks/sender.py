"""Posts the webhooks that are due in the engines, and reports what became of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from falmock.engine.effects import FileBody
from falmock.engine.engines import Engines
from falmock.engine.webhooks import request
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.serving import bodies
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.wire.webhook import AttemptOutcome

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

logger = logging.getLogger(__name__)
AT_ONCE = 64
"""How many posts may be in progress at the same time."""
NAMED = 20
"""How many of the undelivered webhooks the last log line names."""


class WebhookSender:
    """One timer waits for the next webhook, if there is one. `confdir` returns the folder of the key that signs."""

    def __init__(self, engines: Callable[[], Engines], poster: WebhookPoster, confdir: Callable[[], Path]) -> None:
        self.engines = engines
        self._poster = poster
        self._confdir = confdir
        self._key: Ed25519PrivateKey | None = None
        self._timer: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[int] = set()

    # called by the engines

    def public_key(self) -> bytes:
        """The 32 bytes of the public key that verifies signatures. Raises NoKey."""
        return self._private().public_key().public_bytes_raw()

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
            from falmock.serving.webhooks import key

            self._key = key.kept_in(self._confdir())
        return self._key

    # deliveries

    def _check(self) -> None:
        """Start the attempts that are due, and set the timer for the next."""
        loop = asyncio.get_running_loop()
        engines, now = self.engines(), time.time()
        for due in engines.due_webhooks(now, AT_ONCE - len(self._under_way)):
            post = request.post(self, due, now)
            self._under_way.add(post.key)
            task = loop.create_task(self.deliver(post))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # At the limit, the end of an attempt triggers the next check.
        again = engines.webhooks.next() if len(self._under_way) < AT_ONCE else None
        self._timer = None if again is None else loop.call_later(max(again - time.time(), 0.0), self._check)

    async def deliver(self, post: WebhookPost) -> None:
        """Post it, and report what became of it."""
        status, problem, is_refused = None, "", False
        try:
            status = await self._poster.post(self.engines().config, post)
        except RefusedDestination as error:
            problem, is_refused = str(error), True
        except (UnresolvedName, NoAnswer) as error:
            problem = str(error)
        except Exception:  # a delivery whose end is not reported would never be retried
            logger.exception("falmock: a webhook could not be posted")
            problem = "falmock failed to post it"
        self.report(post, status, problem, is_refused=is_refused)

    def report(self, post: WebhookPost, status: int | None, problem: str, *, is_refused: bool = False) -> str:
        """An attempt got this status, or none because of a problem; returns what it leads to, "" if that is told already.

        `is_refused`: nothing was sent, because the target is not allowed.
        """
        if post.key not in self._under_way:
            return ""
        self._under_way.discard(post.key)
        engines = self.engines()
        result = engines.webhook_posted(post.key, status, problem or "no answer", time.time(), is_refused=is_refused)
        if not is_refused or engines.webhooks.note_refusal(post.target):
            _log(post, result)
        self.changed()
        return result.text

    def stop(self) -> None:
        """Stop posting, and cancel the posts in progress."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._under_way.clear()
        for task in self._tasks:
            task.cancel()
        left = self.engines().webhooks.standing
        if left:
            more = f"; and {len(left) - NAMED} more" if len(left) > NAMED else ""
            logger.warning("falmock: webhooks that were not delivered: %s%s", "; ".join(left[:NAMED]), more)


def _log(post: WebhookPost, result: AttemptResult) -> None:
    """Log the result of a delivery, and the first failed attempt."""
    text = f"{result.text}: {post.target.shown}"
    if result.outcome is AttemptOutcome.DELIVERED:
        logger.info("falmock: %s", text)
    elif result.outcome is AttemptOutcome.GIVEN_UP or post.attempt == 1:
        logger.warning("falmock: %s", text)
