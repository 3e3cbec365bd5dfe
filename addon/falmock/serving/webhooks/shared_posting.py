"""Posts the webhooks that are due in a store, whichever of its falmocks scheduled them.

What was scheduled here is posted as soon as it is due. What others scheduled they post themselves: it is looked for each
second, for the case that one of them has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from contextlib import suppress

from falmock.edge import SharedWebhooks
from falmock.engine.webhooks.request import Attempt
from falmock.engine.webhooks.request import NoKey
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.store.interface import Unavailable

logger = logging.getLogger(__name__)
EVERY = 1.0
"""How often (seconds) to look for what others scheduled, and for a store that was away."""
AGREES_EVERY = 60.0
OTHER_KEY = (
    "The other falmocks of the store sign webhooks with another key than this one, so apps could not verify its webhooks: "
    "give all of them the same falmock-webhook-key.pem (it is in confdir), and restart this one"
)


class SharedPosting:
    """Runs from the first `wake` until `stop`. `begin` starts an attempt, `room` returns how many more may be started, `public_key` may raise NoKey."""

    def __init__(
        self,
        shared: SharedWebhooks,
        public_key: Callable[[], bytes],
        room: Callable[[], int],
        begin: Callable[[Attempt, float], None],
    ) -> None:
        self._shared = shared
        self._public_key = public_key
        self._room = room
        self._begin = begin
        self._changed = asyncio.Event()
        self._agrees_at = 0.0
        self._trouble = ""
        self.refusal = ""
        """Why nothing is signed here; "" if all falmocks of the store have the same key."""
        self._loop: asyncio.Task[None] | None = None
        self._ended = False

    def wake(self) -> None:
        """Something may be due. The first time, this begins to look for it."""
        self._changed.set()
        if self._loop is None and not self._ended:
            self._loop = asyncio.get_running_loop().create_task(self._run())

    async def leave(self, under_way: Iterable[object]) -> None:
        """Post nothing more, and let others post at once what is broken off here."""
        self._end()
        await self._shared.give_back(map(str, under_way))

    def _end(self) -> None:
        self._ended = True
        if self._loop is not None:
            self._loop.cancel()
            self._loop = None

    def stop(self, under_way: Collection[object]) -> None:
        """Post nothing more: other falmocks of the store do. These attempts are broken off."""
        self._end()
        if under_way:
            count = "1 webhook" if len(under_way) == 1 else f"{len(under_way)} webhooks"
            logger.warning("falmock: the posting of %s was broken off: another falmock of the store posts again", count)

    async def posted(
        self, key: str, status: int | None, problem: str, *, is_refused: bool = False
    ) -> AttemptResult | None:
        """See `SharedWebhooks.posted`; waits for a store that is away. None if it fails: the attempt is made again."""
        while True:
            try:
                result = await self._shared.posted(key, status, problem, is_refused=is_refused)
            except Unavailable:
                await asyncio.sleep(EVERY)
            except Exception:
                logger.exception("falmock: what became of a webhook could not be written: it is posted again")
                return None
            else:
                self.wake()
                return result

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._tell(await self._look())
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):
                    await self._changed.wait()

    async def _look(self) -> str:
        """Start the attempts that are due. Why that is not possible; "" if it is."""
        try:
            await self._agree()
            room = self._room()
            if room > 0 and not self.refusal:
                for attempt in await self._shared.take(room):
                    self._begin(attempt, self._shared.now())
        except Unavailable as error:
            return f"webhooks wait for the store: {error.reason}"
        except NoKey as error:
            return str(error)
        except Exception as error:  # a loop that has ended would never post again
            logger.exception("falmock: webhooks could not be posted")
            return f"webhooks wait: {error}"
        return self.refusal

    async def _agree(self) -> None:
        """Now and then, see to it that all falmocks of the store sign with one key. Raises Unavailable, NoKey."""
        if self._shared.now() >= self._agrees_at:
            self.refusal = "" if await self._shared.agree(self._public_key()) else OTHER_KEY
            self._agrees_at = self._shared.now() + AGREES_EVERY

    def _tell(self, trouble: str) -> None:
        """Log what is wrong once, and that it is not any more."""
        if trouble and not self._trouble:
            logger.warning("falmock: %s", trouble)  # mitmdump ends if there is an error when it starts
        elif self._trouble and not trouble:
            logger.info("falmock: webhooks are posted again")
        self._trouble = trouble

    def _wait(self) -> float:
        """How long to wait for something to change, in seconds."""
        due = self._shared.next()
        if self._trouble or due is None or self._room() <= 0:
            return EVERY
        return min(max(due - self._shared.now(), 0.0), EVERY)
