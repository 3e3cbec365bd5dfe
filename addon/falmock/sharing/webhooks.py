"""Webhooks of a store: takes those that are due, for this falmock to post, and commits what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from falmock.engine.shared.delivery import Name
from falmock.engine.shared.delivery import attempted
from falmock.engine.shared.errors import AnswerLost
from falmock.engine.shared.errors import UnknownForm
from falmock.engine.shared.webhooks import DUE
from falmock.engine.shared.webhooks import shared
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put

if TYPE_CHECKING:
    from falmock.engine.engines import Engines
    from falmock.engine.webhooks.request import Attempt
    from falmock.engine.webhooks.schedule import AttemptResult
    from falmock.sharing.calls import SharedCalls

logger = logging.getLogger(__name__)
DECIDING = 30.0
"""For how long (seconds) nobody else takes what is taken here, while it is decided whether to post it."""
KEY = "{}:hooks:key"
"""The record of the public key that all falmocks of the store sign with."""
KEY_TTL = 24 * 3600.0
_TOLD = 100
"""How many webhooks that cannot be posted from here are logged."""


class StoreWebhooks:
    """See `falmock.edge.SharedWebhooks`."""

    def __init__(self, calls: SharedCalls, engines: Engines) -> None:
        self._calls = calls
        self._engines = engines
        self._told: set[bytes] = set()

    def now(self) -> float:
        """The time by the store's clock, in seconds since the epoch."""
        return self._calls.now()

    def next(self) -> float | None:
        """When something is due that was scheduled here; None if there is nothing."""
        return self._engines.webhooks.next()

    async def take(self, most: int) -> list[Attempt]:
        """The attempts to make now, at most `most`; report the end of each to `posted`. Nobody else makes them.

        Raises Unavailable.
        """
        now = self.now()
        items = await self._calls.store.take(DUE, now, now + DECIDING, most)
        if len(items) < most:
            shared(self._engines.webhooks).passed(now)
        found = await asyncio.gather(*map(self._claim, items))
        return [attempt for attempt in found if attempt is not None]

    async def _claim(self, item: bytes) -> Attempt | None:
        """The attempt to make of a delivery that was taken. What fails is taken again later, here or elsewhere."""

        def decide(_: float) -> Attempt | None:
            name = Name.of(item)
            engine = self._engines.exactly(name.scope)
            return shared(engine.webhooks).claim(name, engine.outcome)

        try:
            return await self._calls.run(decide)
        except (AnswerLost, UnknownForm) as error:  # a falmock with the fixture, or of a newer release, posts it
            self._tell_once(item, f"webhook {item.decode(errors='replace')} is not posted from here: {error}")
        except Exception as error:  # noqa: BLE001 - the others are posted
            self._tell_once(item, f"webhook {item.decode(errors='replace')} is delayed: {error}")
        return None

    def _tell_once(self, item: bytes, text: str) -> None:
        if item not in self._told and len(self._told) < _TOLD:
            self._told.add(item)
            logger.warning("falmock: %s", text)

    async def posted(
        self, key: str, status: int | None, problem: str, *, is_refused: bool = False
    ) -> AttemptResult | None:
        """An attempt has ended: see `WebhookSchedule.posted`. None if its delivery was dropped or taken meanwhile.

        Raises Unavailable: the attempt is made again later, unless this is called again in time and succeeds.
        """
        _, name = attempted(key)

        def decide(_: float) -> AttemptResult | None:
            engine = self._engines.exactly(name.scope)
            posted = shared(engine.webhooks).posted_by(key, status, problem, is_refused=is_refused)
            if posted is None:
                return None
            engine.scope.journal.add(posted.entry)
            engine.scope.note_webhook(posted.entry)
            return posted.result

        return await self._calls.run(decide)

    async def give_back(self, keys: Iterable[str]) -> None:
        """See `SharedWebhooks`. What fails is made again when it may have taken its time."""
        given = [self._calls.run(partial(self._give_back, key)) for key in keys]
        await asyncio.gather(*given, return_exceptions=True)

    def _give_back(self, key: str, _: float) -> None:
        shared(self._engines.exactly(attempted(key)[1].scope).webhooks).give_back(key)

    async def agree(self, public_key: bytes) -> bool:
        """Whether all falmocks of the store sign with this key: the first one's counts. Raises Unavailable."""
        outcome = await self._calls.store.commit(Commit({KEY: None}, {KEY: Put(public_key, KEY_TTL)}))
        if outcome is Outcome.DONE:
            return True
        # Write it again, so that it stays for as long as one of them runs.
        return (
            await self._calls.store.commit(Commit({KEY: public_key}, {KEY: Put(public_key, KEY_TTL)})) is Outcome.DONE
        )
