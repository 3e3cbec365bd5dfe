"""The falmocks of one store: each tells the others now and then that it is there, and writes its journal when one asks."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

import falmock
from falmock.engine.shared.errors import UnknownForm
from falmock.engine.shared.forms import Form
from falmock.engine.standing import Replica
from falmock.engine.standing import Standing
from falmock.engine.standing import StoreStanding
from falmock.sharing.calls import SCORE_TTL
from falmock.sharing.calls import SharedCalls
from falmock.sharing.journal_writer import JournalWriter
from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.interface import Unavailable

logger = logging.getLogger(__name__)
BEAT = 2.0
"""Seconds between two times at which a falmock tells that it is there."""
ALIVE = 3 * BEAT
"""After how many seconds of silence it counts as gone."""
PATIENCE = 1.0
"""How long (seconds) to wait at most until the others have written their journals."""
_WATCH = 10.0
_KEPT = 3600.0
_MINUTE = 60.0
_MOST = 1000
_FLUSH = "flush"
_ALL, _CONTROL = "{}:replicas", "{}:control"
SECRET = "{}:secret"  # noqa: S105 - the name of the record
SECRET_FOR = 30 * 24 * 3600.0
RECORDER = "{}:recorder"
"""The record with the name of the one that records."""
RECORDS_FOR = 1.5 * ALIVE
"""For how many seconds it counts as recording after it told so."""
_FORM = Form("replica", 1, Replica)


class Replicas:
    """This falmock among those of its store. `fixtures` returns the digest of its fixtures."""

    def __init__(self, shared: SharedCalls, fixtures: Callable[[], str]) -> None:
        self.own = secrets.token_hex(4)
        self.writer = JournalWriter(shared, shared.behind, self.own)
        self._shared = shared
        self._fixtures = fixtures
        self._started = shared.now()
        self._tasks: list[asyncio.Task[None]] = []
        self._joined_in: asyncio.AbstractEventLoop | None = None
        self._joining: asyncio.Task[None] | None = None
        self._reason = ""
        self._known: tuple[Replica, ...] = ()
        self._told: frozenset[str] = frozenset()
        self._seen = 0.0
        self.secret = b""
        """What signs the tokens of all falmocks of the store: one that starts after the store lost its data gets it too."""
        self.recorder = ""
        """The name by which this falmock records, as the only one of the store; "" if it does not record."""
        self.refusal: Callable[[], str] = str
        """Says what else is wrong with this falmock, so that it should get no calls; "" if nothing is."""
        shared.join, shared.has_joined, shared.flush_all = self.join, self._has_joined, self.flush_all

    # life

    async def join(self) -> None:
        """Be one of the falmocks from now on. Raises Unavailable, UnknownForm."""
        loop = asyncio.get_running_loop()
        if loop is self._joined_in:
            if self._shared.now() - self._seen > ALIVE / 2:  # it slept: the others may count it as gone
                await self._beat()
            return
        self.join_soon()
        if self._joining is not None:
            await asyncio.shield(self._joining)

    def _has_joined(self, now: float) -> bool:
        """Whether `join` has nothing to do."""
        return asyncio.get_running_loop() is self._joined_in and now - self._seen <= ALIVE / 2

    def join_soon(self) -> None:
        """Be one of the falmocks soon, before the first call if that is possible."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop is not self._joined_in and (self._joining is None or self._joining.get_loop() is not loop):
            self._joining = loop.create_task(self._join())
            self._joining.add_done_callback(self._joined)

    def _joined(self, joining: asyncio.Task[None]) -> None:
        if self._joining is joining:
            self._joining = None
        if not joining.cancelled():
            joining.exception()  # that is told as `reason`

    async def _join(self) -> None:
        try:
            _, last = await self._shared.store.bounds(_CONTROL)
        except Unavailable as error:
            self._reason = str(error)
            raise
        await self._beat()
        self._tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._listen(last))]
        self._joined_in = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Write what waits, and be none of them any more."""
        tasks = self._tasks if self._joining is None else [*self._tasks, self._joining]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks = []
        await self.writer.stop()
        self._joined_in = None
        with suppress(Unavailable):
            puts = {_record(self.own): Put(None, _KEPT)}
            if self.recorder:
                puts[RECORDER] = Put(None, _KEPT)
            await self._shared.store.commit(Commit(puts=puts, scores=[Score(_ALL, self.own.encode(), None)]))

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            with suppress(Unavailable, UnknownForm):
                await self._beat()

    async def _beat(self) -> None:
        """Tell that it is there, and look who else is. Raises Unavailable, UnknownForm."""
        now = self._shared.now()
        own = Replica(self.own, falmock.__version__, self._fixtures(), self._started, now, self.writer.lag)
        puts = {_record(self.own): Put(_FORM.write(own), _KEPT)}
        if self.secret:
            puts[SECRET] = Put(self.secret, SECRET_FOR)
        if self.recorder:
            puts[RECORDER] = Put(self.recorder.encode(), RECORDS_FOR)
        try:
            await self._shared.store.commit(
                Commit(
                    puts=puts,
                    scores=[Score(_ALL, self.own.encode(), now)],
                    limits={_ALL: _MOST},
                    now=now - _KEPT,
                    score_ttl=_KEPT,
                )
            )
            names = await self._alive()
            records = await self._shared.store.load([_record(name) for name in names])
            self._known = tuple(_FORM.read(data) for data in records if data is not None)
            self._seen = now
            self._compare(own)
        except (Unavailable, UnknownForm) as error:
            self._reason = str(error)
            raise
        self._reason = ""

    def _compare(self, own: Replica) -> None:
        """Tell it once if others have other fixtures."""
        others = frozenset(each.id for each in self._known if each.fixtures != own.fixtures)
        if others - self._told:
            logger.warning(
                "falmock: %s of the same store %s other fixtures than this falmock: let all have the same files",
                " and ".join(sorted(others)),
                "has" if len(others) == 1 else "have",
            )
        self._told = others

    async def _alive(self) -> list[str]:
        found = await self._shared.store.ranged(_ALL, self._shared.now() - ALIVE, float("inf"), _MOST)
        return [item.decode() for item, _ in found]

    # writing what all have answered

    async def flush_all(self) -> None:
        """Have all falmocks write what they have answered before. Raises Unavailable if this one cannot.

        One that does not within PATIENCE seconds is not waited for: it is about to be counted as gone.
        """
        await self.writer.flush()
        others = set(await self._alive()) - {self.own}
        if not others:
            return
        name = secrets.token_hex(8)
        done = _confirmations(name)
        store = self._shared.store
        await store.append([Append(_CONTROL, [f"{_FLUSH} {name} {self.own}".encode()], _MOST, SCORE_TTL)])
        ends, seen = asyncio.get_running_loop().time() + PATIENCE, 0
        while others and (left := ends - asyncio.get_running_loop().time()) > 0:
            await store.watch({done: seen}, left)
            found = await store.read(done, seen, _MOST)
            others -= {data.decode() for _, data in found}
            seen = found[-1][0] if found else seen
        if others:
            logger.warning("falmock: %s did not write the journal in time", ", ".join(sorted(others)))

    async def _listen(self, last: int) -> None:
        """Write the journal whenever another falmock asks for it."""
        store = self._shared.store
        while True:
            try:
                await store.watch({_CONTROL: last}, _WATCH)
                first, newest = await store.bounds(_CONTROL)
                if newest < last:
                    last = first - 1  # it is another log by now
                found = await store.read(_CONTROL, last, _MOST)
                last = found[-1][0] if found else last
                await self._obey([data.decode() for _, data in found])
            except (Unavailable, UnknownForm) as error:
                self._reason = str(error)
                await asyncio.sleep(BEAT / 2)

    async def _obey(self, said: list[str]) -> None:
        """Do what others asked all to do. Raises Unavailable, UnknownForm."""
        words = [text.split(" ") for text in said]
        asked = [each[1] for each in words if each[0] == _FLUSH and each[2] != self.own]
        if asked:
            await self.writer.flush()
            own = self.own.encode()
            await self._shared.store.append([Append(_confirmations(name), [own], _MOST, _MINUTE) for name in asked])

    # health

    @property
    def standing(self) -> Standing:
        """How it stands now, as far as it knows: the store is not waited for."""
        self.join_soon()
        reason = self._reason or self.writer.reason
        writer = self.writer
        store = StoreStanding(self._shared.shown, not reason, reason, writer.lag, writer.waiting, writer.dropped)
        unready = f"its store is not available: {reason}" if reason else "" if self._joined_in else "it is starting"
        return Standing(self.own, store, self._known, unready or self.refusal())

    @property
    def is_away(self) -> bool:
        """Whether the store did not answer last."""
        return bool(self._reason)


def _record(name: str) -> str:
    return f"{{}}:replica:{name}"


def _confirmations(name: str) -> str:
    return f"{{}}:flushed:{name}"
