"""The state of all scopes in a store, for an app: decides each call in a transaction, among the falmocks of the store."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from falmock.edge import Client
from falmock.edge import Edge
from falmock.edge import SharingEdge
from falmock.engine import replies
from falmock.engine.effects import Effect
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.shared.current import Current
from falmock.engine.shared.files.registry import SharedAssets
from falmock.engine.shared.sharing import Sharing
from falmock.gateway import door
from falmock.gateway.control.door import Control
from falmock.gateway.door import Ask
from falmock.gateway.door import Door
from falmock.gateway.door import OfDoor
from falmock.sharing.calls import SharedCalls
from falmock.sharing.contents import FolderContents
from falmock.sharing.contents import StoreContents
from falmock.sharing.replicas import Replicas
from falmock.sharing.webhooks import StoreWebhooks
from falmock.store.interface import Store
from falmock.store.interface import Unavailable
from falmock.wire import errors
from falmock.wire.calls import ABOUT_JOB
from falmock.wire.calls import Call
from falmock.wire.message import Request

T = TypeVar("T")


class SharedState:
    """Runs the calls of an app whose engines have their state in a store.

    `secret` is the one of all its falmocks, `offset` what its clock is ahead of the one here (seconds), `shown` its address
    for people. `files` is a folder that they share: the content of files is in it, and not in the store.
    """

    def __init__(
        self,
        engines: Engines,
        edge: Edge,
        webhooks: SharingEdge | None,
        store: Store,
        secret: bytes,
        offset: float = 0.0,
        shown: str = "",
        files: Path | None = None,
    ) -> None:
        self._engines = engines
        self._webhooks = webhooks
        self.current = Current()
        self.calls = SharedCalls(store, self.current, edge.now, offset, shown)
        engines.share(Sharing(self.current, self.calls.start), secret)
        self.replicas = replicas = Replicas(self.calls, lambda: engines.files_digest)
        """This falmock among those of the store."""
        replicas.secret = secret
        engines.standing = lambda: replicas.standing
        if webhooks is not None:
            replicas.refusal = webhooks.share(StoreWebhooks(self.calls, engines))
        assets = engines.common.scope.assets
        if not isinstance(assets, SharedAssets):
            raise TypeError(f"expected shared files, found {assets!r}")
        if files is None:
            self.calls.contents = StoreContents(store, assets.local, edge.join, self.calls.now)
        else:
            self.calls.contents = contents = FolderContents(files)
            assets.use_folder(contents.place())

    async def decide(
        self,
        request: Request,
        in_scope: Callable[[Request], Request],
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: Call | None = None,
    ) -> tuple[Request, Effect]:
        """The request in its scope, and what is decided about it. Raises Unavailable, UnknownForm, AnswerLost."""
        engines = self._engines
        call = engines.common.route(request) if call is None else call

        current = self.current

        def decided(now: float) -> tuple[Request, Effect]:
            placed = in_scope(request)
            engine = engines.of(placed.scope)
            transaction = current.transaction
            if transaction.start is None:
                transaction.note_start(engines.start_of_job_keys(placed.scope))
            return placed, engine.handle(placed, now, rewrite, instead, call)

        expected = engines.common.expected(request.body) if request.body else ()
        about = call.request_id if isinstance(call, ABOUT_JOB) else ""
        return await self.calls.run(decided, expected, request.scope, about)

    async def at_door(self, found: Door, request: Request, ask: Ask) -> OfDoor | Awaitable[OfDoor]:
        """What a door answers: what it does before it waits is one transaction. Raises as `decide`."""

        def decided(now: float) -> OfDoor | Awaitable[OfDoor]:
            self._engines.peek(request.scope)  # as its scope is set up now
            return found.answer(request, ask, now)

        is_stateless = isinstance(found, Control) and found.is_stateless(request)
        if not (is_stateless and self.replicas.is_away):
            try:
                return await self.calls.run(decided)
            except Unavailable:
                if not is_stateless:
                    raise
        return found.answer(request, ask, self.calls.now())

    async def run(self, decide: Callable[[float], T]) -> T:
        """What `decide` returns for the current time, committed. Raises as `decide`."""
        return await self.calls.run(decide)

    def problem(self, request: Request, client: Client, error: Exception) -> Reply | Stream:
        """The answer to a request whose state is not available now: 503, which clients may repeat. Nothing is guessed."""
        text = self._engines.common.redactor.text(f"falmock cannot answer this now: {error}")
        why = "shared state is not available"
        self.calls.note_failure(error)
        if client.is_direct:
            return door.problem(503, request.path, text, why)
        return replies.for_pages(request, replies.problem(503, text, why, errors.WORTH_RETRYING))

    def join(self) -> None:
        """Tell the other falmocks of the store that this one is about to answer calls."""
        self.replicas.join_soon()
        if self._webhooks is not None:
            self._webhooks.changed()

    async def leave(self) -> None:
        """Answer no more calls: write what the others may ask for, and tell them."""
        if self._webhooks is not None:
            await self._webhooks.leave()
        await self.replicas.stop()

    def stop(self) -> None:
        """End what goes on in the background."""
        self.calls.stop()
