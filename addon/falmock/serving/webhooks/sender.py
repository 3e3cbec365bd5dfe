"""Posts the webhooks that are due in the engines, and reports what became of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from falmock.engine.effects import FileBody
from falmock.engine.engines import Engines
from falmock.engine.webhooks import request
from falmock.engine.webhooks.destination import RefusedDestination
from falmock.engine.webhooks.request import Attempt
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.request import WebhookPost
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.serving import bodies
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.serving.outgoing.names import UnresolvedName
from falmock.serving.webhooks.poster import WebhookPoster
from falmock.wire.webhook import AttemptOutcome

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from falmock.edge import SharedWebhooks
    from falmock.serving.webhooks.shared_posting import SharedPosting

logger = logging.getLogger(__name__)
AT_ONCE = 64
"""How many posts may be in progress at the same time."""
ENDING = 1.0
"""How long (seconds) to wait at the end until the store has what became of posts."""
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
        self._reports: set[asyncio.Task[None]] = set()
        self._under_way: set[int | str] = set()
        self._shared: SharedPosting | None = None

    # called by the engines

    def public_key(self) -> bytes:
        """The 32 bytes of the public key that verifies signatures. Raises NoKey."""
        if self._shared is not None and self._shared.refusal:
            raise NoKey(self._shared.refusal)
        return self._private().public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """An ED25519 signature. Raises NoKey."""
        return self._private().sign(message)

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""
        return bodies.read_file(body)

    def changed(self) -> None:
        """Check the schedule soon, after the call that changed it is answered."""
        if self._shared is not None:
            self._shared.wake()
            return
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
            self._begin(due, now)
        # At the limit, the end of an attempt triggers the next check.
        again = engines.webhooks.next() if len(self._under_way) < AT_ONCE else None
        self._timer = None if again is None else loop.call_later(max(again - time.time(), 0.0), self._check)

    def _begin(self, due: Attempt, now: float) -> None:
        post = request.post(self, due, now)
        self._under_way.add(post.key)
        _run(self.deliver(post), self._tasks)

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

    def report(
        self,
        post: WebhookPost,
        status: int | None,
        problem: str,
        *,
        is_refused: bool = False,
        later: Callable[[str], None] | None = None,
    ) -> str:
        """An attempt got this status, or none because of a problem; returns what it leads to, "" if that is told already.

        It is also "" with a store, where `later` is called with it. `is_refused`: nothing was sent, because the target is not allowed.
        """
        if post.key not in self._under_way:
            return ""
        self._under_way.discard(post.key)
        engines, problem = self.engines(), problem or "no answer"
        if self._shared is not None:
            work = self._report_shared(self._shared, post, status, problem, is_refused=is_refused, later=later)
            _run(work, self._reports)
            return ""
        result = engines.webhook_posted(int(post.key), status, problem, time.time(), is_refused=is_refused)
        self._log(post, result, is_refused=is_refused)
        self.changed()
        return result.text

    async def _report_shared(
        self,
        shared: SharedPosting,
        post: WebhookPost,
        status: int | None,
        problem: str,
        *,
        is_refused: bool,
        later: Callable[[str], None] | None,
    ) -> None:
        result = await shared.posted(str(post.key), status, problem, is_refused=is_refused)
        if result is None:
            return
        self._log(post, result, is_refused=is_refused)
        if later is not None:
            later(result.text)

    def _log(self, post: WebhookPost, result: AttemptResult, *, is_refused: bool) -> None:
        if not is_refused or self.engines().webhooks.note_refusal(post.target):
            _log(post, result)

    def share(self, shared: SharedWebhooks) -> Callable[[], str]:
        """See `falmock.edge.SharingEdge`."""
        from falmock.serving.webhooks.shared_posting import SharedPosting

        self._shared = posting = SharedPosting(
            shared,
            lambda: self._private().public_key().public_bytes_raw(),
            lambda: AT_ONCE - len(self._tasks) - len(self._reports),
            self._begin,
        )
        return lambda: posting.refusal

    async def leave(self) -> None:
        """See `falmock.edge.SharingEdge`."""
        if self._shared is None:
            return
        if self._reports:
            await asyncio.wait(self._reports, timeout=ENDING)
        for task in self._tasks:
            task.cancel()
        under_way, self._under_way = self._under_way, set()
        await self._shared.leave(under_way)

    def stop(self) -> None:
        """Stop posting, and cancel the posts in progress."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in (*self._tasks, *self._reports):
            task.cancel()
        if self._shared is not None:
            self._shared.stop(self._under_way)
            return
        self._under_way.clear()
        left = self.engines().webhooks.standing
        if left:
            more = f"; and {len(left) - NAMED} more" if len(left) > NAMED else ""
            logger.warning("falmock: webhooks that were not delivered: %s%s", "; ".join(left[:NAMED]), more)


def _run(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _log(post: WebhookPost, result: AttemptResult) -> None:
    """Log the result of a delivery, and the first failed attempt."""
    text = f"{result.text}: {post.target.shown}"
    if result.outcome is AttemptOutcome.DELIVERED:
        logger.info("falmock: %s", text)
    elif result.outcome is AttemptOutcome.GIVEN_UP or post.attempt == 1:
        logger.warning("falmock: %s", text)
