"""falmock as one object, without mitmproxy: takes a request and its client, returns what to deliver.

An edge (mitmproxy's, a listener's, a test's) reads requests and delivers effects. Everything about a call happens
here, whatever the transport: scopes, faults, fixtures, doors, logging misses, waking streams, joining parts of
uploads, the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import TypeVar
from urllib.parse import urlsplit

from falmock.edge import Answer
from falmock.edge import Client
from falmock.edge import Edge
from falmock.edge import ForwardedCall
from falmock.edge import Needs
from falmock.edge import SharingEdge
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.context import NewId
from falmock.engine.effects import Effect
from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.engine import Engine
from falmock.engine.engines import Engines
from falmock.engine.known_forms import KnownForm
from falmock.engine.miss_log import MissLog
from falmock.engine.miss_log import MissReporting
from falmock.engine.shared.errors import AnswerLost
from falmock.engine.shared.errors import FileElsewhere
from falmock.engine.shared.errors import UnknownForm
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.fixtures.disk.watching import LiveFixtures
from falmock.fixtures.matching.index import Index
from falmock.gateway import door
from falmock.gateway.aimock.control import AimockControl
from falmock.gateway.aimock.door import Aimock
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.control.door import Control
from falmock.gateway.door import OF_DOOR
from falmock.gateway.door import Door
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.gateway.door import OfDoor
from falmock.gateway.health import Health
from falmock.gateway.inspector.door import Inspector
from falmock.gateway.openai.door import OpenAIImages
from falmock.gateway.server_proxy import ServerProxy
from falmock.recording.uploads import File
from falmock.redaction.redactor import Redactor
from falmock.store.interface import Unavailable
from falmock.wire.calls import Call
from falmock.wire.formats.regex import one_call
from falmock.wire.hosts import normalize
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import sendable

if TYPE_CHECKING:
    from falmock.recording.recorder import Recorder
    from falmock.sharing.state import SharedState
    from falmock.store.interface import Store

logger = logging.getLogger(__name__)
T = TypeVar("T")
_UNSHARED = (Unavailable, UnknownForm, AnswerLost, FileElsewhere)
"""What happens to calls whose state is in a store."""
_ANSWERS = (Reply, Stream, Socket, ForwardedCall)
LOOKS_AGAIN = 1.0
"""How often (seconds) to check whether the client of a slow answer is still connected."""


class App:
    """falmock, composed. `new_id` makes a request id from the time, `secret` signs tokens, `environ` holds fal's keys.

    `webhooks` posts webhooks: without one there are none.
    """

    def __init__(
        self,
        edge: Edge,
        new_id: NewId,
        secret: bytes,
        environ: Mapping[str, str],
        webhooks: SharingEdge | None = None,
    ) -> None:
        self._edge = edge
        self._webhooks = webhooks
        self.engines = Engines(Config(), Index(), new_id, secret, webhooks)
        self.misses = MissLog()
        self.fixtures = LiveFixtures(self._use_fixtures)
        self._steering = Steering()
        self._doors = Doors(self.engines, self._all_doors(new_id, environ))
        self._tidy_timer: asyncio.TimerHandle | None = None
        self.shared: SharedState | None = None
        """Runs calls on the state in a store; None if the state is in memory."""

    def share(
        self, store: Store, secret: bytes, offset: float = 0.0, shown: str = "", files: Path | None = None
    ) -> None:
        """Have the state of all scopes in a store, before the first call. See SharedState."""
        from falmock.gateway.aimock.shared_steering import SharedSteeredScopes  # what is alone needs none of this
        from falmock.sharing.state import SharedState

        self.shared = SharedState(self.engines, self._edge, self._webhooks, store, secret, offset, shown, files)
        self._steering.scopes = SharedSteeredScopes(self.shared.current)

    def clock(self) -> float:
        """The time by the clock of this machine, in seconds since the epoch."""
        return self._edge.now()

    def _all_doors(self, new_id: NewId, environ: Mapping[str, str]) -> tuple[Door, ...]:
        """The doors that answer direct requests. The first one that claims a request answers it."""
        steering = self._steering
        return (
            Health(self.engines),
            Inspector(self.engines),
            Control(self.engines, self.fixtures),
            OpenAIImages(
                self.engines, self._decided, _together, asyncio.sleep, partial(logger.info, "falmock: openai: %s")
            ),
            AimockControl(self.engines, steering),
            Aimock(self.engines, new_id, steering),
            ServerProxy(self.engines, environ),
        )

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self.engines.config

    @property
    def redactor(self) -> Redactor:
        """Hides secrets in everything that is shown."""
        return self.engines.common.redactor

    @property
    def store_address(self) -> str:
        """The address of the store, without its password; "" if the state is in memory."""
        return "" if self.shared is None else self.shared.calls.shown

    def _use_fixtures(self, loaded: LoadedFixtures) -> None:
        self.engines.use_fixtures(loaded.index)
        self.engines.use_faults(loaded.faults)
        self.misses.clear()

    # recording

    def recorder(self, config: Config, join: Callable[[list[Content]], Content]) -> Recorder:
        """A recorder for this configuration; `join` makes one content from the parts of an upload."""
        from falmock.recording.recorder import Recorder  # what only replays starts faster without it

        return Recorder(
            config.hosts, self.redactor, config.ignore, join, max_jobs=config.max_jobs, errors=config.record_errors
        )

    def learned(self, file: File) -> None:
        """A recording learned the content of a file URL: from now on, calls that contain the URL match by that content."""
        url = urlsplit(file.url)
        if self.config.hosts.claims(normalize(url.hostname or ""), url.path):
            self.engines.common.scope.assets.note(url.path, file.sha256, file.content_type)

    # calls

    def claims(self, request: Request) -> bool:
        """Whether a door answers this direct request. `request.host` is the name the client used for falmock."""
        return self._doors.find(request) is not None

    def max_body(self, request: Request, *, is_direct: bool = False) -> int:
        """How many bytes the body of a request may have when it is decoded, by its head."""
        return self._doors.max_body(request) if is_direct else self.engines.max_body(request)

    async def answer(self, request: Request, client: Client = Client()) -> Answer:  # noqa: B008 - a tuple of constants
        """What to deliver to the client of a request to one of fal's hosts, or to falmock itself.

        If falmock fails, that is status 500 in the form of the door that was asked. Nothing goes to fal because of it.
        """
        answer = self.answer_soon(request, client)
        return await answer if isinstance(answer, Awaitable) else answer

    def answer_soon(self, request: Request, client: Client = Client()) -> Answer | Awaitable[Answer]:  # noqa: B008
        """The same as `answer`: at once for what needs no waiting, as most calls to fal do."""
        if self.shared is not None and not client.is_direct:  # nothing of it happens at once
            return self._guarded(request, client, self._answer_shared(self.shared, request))
        try:
            with one_call():
                answer = self._answer_at_door(request, client) if client.is_direct else self._answer_call(request)
        except Exception as error:  # noqa: BLE001 - a call must get an answer
            return self.failed(request, client, error)
        return _sendable(answer) if isinstance(answer, _ANSWERS) else self._guarded(request, client, answer)

    async def _guarded(self, request: Request, client: Client, answer: Awaitable[Answer]) -> Answer:
        try:
            with one_call():
                return _sendable(await answer)
        except Exception as error:  # noqa: BLE001 - a call must get an answer
            return self.failed(request, client, error)

    def form_of(self, request: Request, client: Client) -> KnownForm | None:
        """The form of a call about a job that was answered, for `answer_known`; None if it has to be read each time."""
        if self.shared is not None:
            return None  # the job has to be loaded each time
        inner = request
        if client.is_direct:
            found = self._doors.find(request)
            handed_on = found.unchanged(request) if isinstance(found, Aimock) else None
            if handed_on is None:
                return None
            inner = handed_on
        engine = self.engines.of(inner.scope)
        return engine.known_forms.form_of(inner, engine.route(inner))

    def answer_known(self, form: KnownForm, request_id: str) -> Reply | None:
        """The answer to a call about a job; None if `answer` has to be asked: nothing has happened then."""
        reply = self.engines.of(form.request.scope).known_forms.answer(form, request_id, self._edge.now())
        if reply is None:
            return None
        why = self.redactor.text(reply.why)
        return reply if why is reply.why else reply._replace(why=why)

    def failed(self, request: Request, client: Client, error: Exception) -> Answer:
        """The answer to a request at which falmock failed."""
        if request.content is not None:
            self.engines.common.scope.assets.release(request.content)
            self.tidy()
        if self.shared is not None and isinstance(error, _UNSHARED):
            return self.shared.problem(request, client, error)
        shown = self.redactor.text(f"{request.host}{request.path}")
        logger.error("falmock: %s %s failed", request.method, shown, exc_info=error)
        if not client.is_direct and not self.config.mode.answers:
            return ForwardedCall(Forward(self.config.mode.value), request)
        return door.failed(request.path, is_direct=client.is_direct)

    def _answer_at_door(self, request: Request, client: Client) -> Answer | Awaitable[Answer]:
        found = self._doors.find(request)
        if found is None:
            if self.shared is not None:
                return self._shared_unknown(self.shared, request)
            return self._of_door(self._doors.unknown(request, self._edge.now()))
        if self.shared is not None and not isinstance(found, Health | Inspector | OpenAIImages):
            return self._shared_at_door(self.shared, found, request, client)
        now = self._edge.now() if self.shared is None else self.shared.calls.now()
        result = found.answer(request, self.ask, now)
        return self._of_door(result) if isinstance(result, OF_DOOR) else self._later_of_door(result, client)

    async def _decided(self, decide: Callable[[], T]) -> T:
        """See `Decide`."""
        return decide() if self.shared is None else await self.shared.run(lambda _: decide())

    async def _shared_unknown(self, shared: SharedState, request: Request) -> Answer:
        reply = await shared.run(lambda now: self._doors.unknown(request, now))
        self._report(reply)
        return reply

    async def _shared_at_door(self, shared: SharedState, found: Door, request: Request, client: Client) -> Answer:
        if isinstance(found, Aimock) and found.unchanged(request) is not None:
            # Of what is shared, only the call to fal needs any.
            result = found.answer(request, self.ask, shared.calls.now())
        else:
            result = await shared.at_door(found, request, self.ask)
        answer = self._of_door(result) if isinstance(result, OF_DOOR) else await self._later_of_door(result, client)
        return answer if isinstance(answer, _ANSWERS) else await answer

    async def _later_of_door(self, coming: Awaitable[OfDoor], client: Client) -> Answer:
        answer = self._of_door(await _while_there(coming, client))
        return answer if isinstance(answer, _ANSWERS) else await answer

    def _of_door(self, result: OfDoor) -> Answer | Awaitable[Answer]:
        if isinstance(result, FalCall):
            return self._answer_call(*result)
        if isinstance(result, Reply):
            self._report(result)
        return result

    def _answer_call(
        self,
        request: Request,
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: Call | None = None,
    ) -> Answer | Awaitable[Answer]:
        if self.shared is not None:
            return self._answer_shared(self.shared, request, rewrite, instead, call)
        request = self._in_scope(request)
        effect = self._handle(request, rewrite, instead, call)
        if isinstance(effect, Join):
            return self._answer_joined(request, effect, rewrite)
        return self._deliver(request, effect, rewrite)

    async def _answer_shared(
        self,
        shared: SharedState,
        request: Request,
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: Call | None = None,
    ) -> Answer:
        placed, effect = await shared.decide(request, self._in_scope, rewrite, instead, call)
        if isinstance(effect, Join):
            effect = await self._join(placed, effect, rewrite)
        return self._deliver(placed, effect, rewrite)

    async def _answer_joined(self, request: Request, join: Join, rewrite: Rewrite | None) -> Answer:
        return self._deliver(request, await self._join(request, join, rewrite), rewrite)

    def _deliver(self, request: Request, effect: Reply | Stream | Socket | Forward, rewrite: Rewrite | None) -> Answer:
        self.tidy()
        redacted = self.redactor.text
        why = redacted(effect.why)
        if isinstance(effect, Forward):
            return ForwardedCall(effect._replace(why=why), request, rewrite)
        if isinstance(effect, Socket):
            effect = effect._replace(
                conversation=MissReporting(effect.conversation, self.misses.tell, self.misses.warn)
            )
        else:
            self._report(effect)
        if isinstance(effect, Reply | Stream) and effect.warning:
            effect = effect._replace(warning=redacted(effect.warning))
        if isinstance(effect, Reply) and effect.progress:
            effect = effect._replace(progress=redacted(effect.progress))
        if effect.fault is not None:
            effect = effect._replace(fault=redacted(effect.fault))
        return effect if why is effect.why else effect._replace(why=why)

    def _handle(
        self,
        request: Request,
        rewrite: Rewrite | None = None,
        instead: InsteadOfFal | None = None,
        call: Call | None = None,
    ) -> Effect:
        """Handle a call in three steps, two of them in the engine. State is in memory, so none of them waits."""
        engine = self._load(self.needs(request))
        return engine.handle(request, self._edge.now(), rewrite, instead, call)

    def _in_scope(self, request: Request) -> Request:
        """The request in the scope that its calls belong to, which recordings name."""
        scope = self.engines.named(request.scope)
        return request if scope == request.scope else request._replace(scope=scope)

    def needs(self, request: Request) -> Needs:
        """Which shared state a call needs."""
        return Needs(request.scope)

    def _load(self, needs: Needs) -> Engine:
        return self.engines.of(needs.scope)

    async def ask(self, request: Request, rewrite: Rewrite | None = None) -> Reply:
        """The complete answer to a call that a door makes, after its delay: from falmock, or from the real fal."""
        effect: Effect
        if self.shared is not None:
            request, effect = await self.shared.decide(request, self._in_scope, rewrite)
        else:
            request = self._in_scope(request)
            effect = self._handle(request, rewrite)
        if isinstance(effect, Forward):
            reply = await self._edge.forward(request, effect)
            effect = reply if rewrite is None else rewrite(reply)
        if not isinstance(effect, Reply):
            return replies.problem(501, "falmock does not make this call for others", "no whole answer")
        self._report(effect)
        try:
            body = self._edge.read(effect.body) if isinstance(effect.body, FileBody) else effect.body
        except OSError as error:
            return replies.unreadable_asset(error)
        if effect.delay > 0:
            await asyncio.sleep(effect.delay)
        return effect._replace(body=body, delay=0.0)

    def _report(self, answer: Reply | Stream) -> None:
        """Log the miss and the warning of an answer, and wake the streams that wait for its job."""
        if answer.warning:
            self.misses.warn(answer.warning)
        if isinstance(answer, Stream):
            return
        if answer.miss is not None:
            self.misses.tell(answer.miss)
        if answer.wakes:
            self._edge.wake(answer.wakes)

    # uploads

    async def _join(self, request: Request, join: Join, rewrite: Rewrite | None) -> Reply | Stream:
        """Join the parts of an upload; returns the answer to the request that completed it."""
        whole: Content | Reply
        try:
            whole = await self._edge.join(join.parts)
        except OSError as error:
            whole = replies.no_disk(error)
        if self.shared is None:
            return self.engines.joined(request, join, whole, self._edge.now(), rewrite)
        return await self.shared.run(lambda now: self.engines.joined(request, join, whole, now, rewrite))

    def tidy(self) -> None:
        """Remove the files that the engines no longer need, and schedule the next clean-up."""
        if self.engines.common.scope.assets.is_tidy:
            return
        self._edge.remove(self.engines.take_dropped())
        at = self.engines.common.tidy_at
        if at is not None and self._tidy_timer is None:
            wait = max(at - self._edge.now(), 0.1)
            self._tidy_timer = asyncio.get_running_loop().call_later(wait, self._forget_unfinished)

    def _forget_unfinished(self) -> None:
        self._tidy_timer = None
        self.engines.common.tidy(self._edge.now())
        self.tidy()

    def join(self) -> None:
        """Tell the other falmocks of the store, if there is one, that this one is about to answer calls."""
        if self.shared is not None:
            self.shared.join()

    async def leave(self) -> None:
        """Answer no more calls: write what the others may ask for, and tell them."""
        if self.shared is not None:
            await self.shared.leave()

    def stop(self) -> None:
        """Stop watching fixtures and cancel the clean-up timer."""
        self.fixtures.stop_watching()
        if self.shared is not None:
            self.shared.stop()
        if self._tidy_timer is not None:
            self._tidy_timer.cancel()
            self._tidy_timer = None


def _sendable(answer: Answer) -> Answer:
    """An answer without headers that HTTP cannot carry."""
    if isinstance(answer, ForwardedCall):
        return answer
    headers = sendable(answer.headers)
    return answer if headers is answer.headers else answer._replace(headers=headers)


async def _while_there(coming: Awaitable[OfDoor], client: Client) -> OfDoor:
    """What a door answers later; the work is cancelled if its client is gone."""
    answering = asyncio.ensure_future(coming)
    is_given_up = False
    try:
        while not (await asyncio.wait((answering,), timeout=LOOKS_AGAIN))[0]:
            if not is_given_up and not client.is_there():
                is_given_up = answering.cancel()
    finally:
        answering.cancel()
    if answering.cancelled():
        return replies.problem(499, "The client went away before it was answered", "the client is gone")
    return answering.result()


async def _together(calls: Sequence[Awaitable[Reply]]) -> list[Reply]:
    """The answers to concurrent calls, in the order of the calls."""
    return list(await asyncio.gather(*calls))
