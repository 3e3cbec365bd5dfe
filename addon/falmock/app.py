"""falmock as one object, without mitmproxy: from a request, and who sends it, to what is to be delivered.

An edge (mitmproxy's, a listener's, a test's) reads requests and delivers effects. All that belongs to a call happens
here, whatever carries it: scopes, faults, fixtures, doors, misses in the log, streams that are woken, parts of uploads
that are joined, the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple
from typing import Protocol
from urllib.parse import urlsplit

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
from falmock.engine.miss_log import MissLog
from falmock.engine.miss_log import MissReporting
from falmock.engine.webhooks.request import WebhookEdge
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.fixtures.disk.watching import LiveFixtures
from falmock.fixtures.matching.index import Index
from falmock.gateway.aimock.control import AimockControl
from falmock.gateway.aimock.door import Aimock
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.control.door import Control
from falmock.gateway.door import Door
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.gateway.health import Health
from falmock.gateway.openai.door import OpenAIImages
from falmock.gateway.server_proxy import ServerProxy
from falmock.recording.recorder import Recorder
from falmock.recording.uploads import File
from falmock.redaction.redactor import Redactor
from falmock.wire import cors
from falmock.wire.message import Content
from falmock.wire.message import Request

logger = logging.getLogger(__name__)
LOOKS_AGAIN = 1.0
"""How often (seconds) it is looked whether the client of an answer that takes time is still there."""


class Client(NamedTuple):
    """Who sends a request.

    `is_direct` says that it was sent to falmock itself, not to a host of fal's. `is_there` tells whether the client
    still waits: without one, a door stops what it is at.
    """

    is_direct: bool = False
    is_there: Callable[[], bool] = lambda: True


class ForwardedCall(NamedTuple):
    """A call that goes on to the real fal.

    `rewrite` is set where a door made the call: it changes the status and headers of fal's answer. Any other call goes on
    as it came.
    """

    forward: Forward
    request: Request
    rewrite: Rewrite | None = None


Answer = Reply | Stream | Socket | ForwardedCall
"""What is to be delivered."""


class Edge(Protocol):
    """What the app needs of the world."""

    def now(self) -> float:
        """The time in seconds since the epoch."""

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """The real fal's answer to a call that a door makes, whole."""

    def wake(self, request_id: str) -> None:
        """The job with this request id changed, or any (`effects.EVERY_JOB`): streams that tell of it go on."""

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""

    async def join(self, parts: tuple[Content, ...]) -> Content:
        """One file of these parts. Raises OSError."""

    def remove(self, files: list[str]) -> None:
        """Remove uploaded files that are of no use any more."""


class Needs(NamedTuple):
    """What of the state that calls share one call needs: that of its scope."""

    scope: str


class App:
    """falmock, composed. `new_id` makes a request id from the time, `secret` signs tokens, `environ` has fal's keys.

    `webhooks` posts webhooks: without one there are none.
    """

    def __init__(
        self,
        edge: Edge,
        new_id: NewId,
        secret: bytes,
        environ: Mapping[str, str],
        webhooks: WebhookEdge | None = None,
    ) -> None:
        self._edge = edge
        self.engines = Engines(Config(), Index(), new_id, secret, webhooks)
        self.misses = MissLog()
        self.fixtures = LiveFixtures(self._use_fixtures)
        self._doors = Doors(self.engines, self._all_doors(new_id, environ))
        self._tidy_timer: asyncio.TimerHandle | None = None

    def _all_doors(self, new_id: NewId, environ: Mapping[str, str]) -> tuple[Door, ...]:
        """What answers direct requests, in the order in which each is asked whether one is for it."""
        steering = Steering()
        return (
            Health(),
            Control(self.engines, self.fixtures.reload),
            OpenAIImages(self.engines, _together, asyncio.sleep, _tell_of_openai),
            AimockControl(self.engines, steering),
            Aimock(self.engines, new_id, steering),
            ServerProxy(self.engines, environ),
        )

    @property
    def config(self) -> Config:
        """How falmock was asked to work."""
        return self.engines.config

    @property
    def redactor(self) -> Redactor:
        """Knows what must never be shown."""
        return self.engines.common.redactor

    def _use_fixtures(self, loaded: LoadedFixtures) -> None:
        self.engines.use_fixtures(loaded.index)
        self.engines.use_faults(loaded.faults)
        self.misses.clear()

    # recording

    def recorder(self, config: Config, join: Callable[[list[Content]], Content]) -> Recorder:
        """A recorder as the configuration asks for; `join` makes one content of the parts of an upload."""
        return Recorder(
            config.hosts, self.redactor, config.ignore, join, max_jobs=config.max_jobs, errors=config.record_errors
        )

    def learned(self, file: File) -> None:
        """A recording learned which content a file URL stands for: calls that name the URL match by that from now on."""
        self.engines.common.scope.assets.note(urlsplit(file.url).path, file.sha256, file.content_type)

    # calls

    def claims(self, request: Request) -> bool:
        """Whether a door is for this direct request. `request.host` is whatever the client called falmock."""
        return self._doors.find(request) is not None

    async def answer(self, request: Request, client: Client = Client()) -> Answer:  # noqa: B008 - a tuple of constants
        """What is to be delivered to the client of a request to one of fal's hosts, or to falmock itself."""
        if not client.is_direct:
            return await self._answer_call(request)
        result = await self._at_door(request, client)
        if isinstance(result, FalCall):
            return await self._answer_call(*result)
        if isinstance(result, Reply):
            self._tell(result)
        return result

    async def _answer_call(
        self, request: Request, rewrite: Rewrite | None = None, instead: InsteadOfFal | None = None
    ) -> Answer:
        effect = self._handle(request, rewrite, instead)
        if isinstance(effect, Join):
            effect = await self._join(request, effect, rewrite)
        self.tidy()
        if isinstance(effect, Forward):
            return ForwardedCall(effect, request, rewrite)
        if isinstance(effect, Reply):
            self._tell(effect)
        elif isinstance(effect, Socket):
            effect = effect._replace(conversation=MissReporting(effect.conversation, self.misses.tell))
        return effect._replace(why=self.redactor.text(effect.why))

    def _handle(self, request: Request, rewrite: Rewrite | None = None, instead: InsteadOfFal | None = None) -> Effect:
        """A call in its three steps, two of which are the engine's. With state in memory none of them waits."""
        engine = self._load(self.needs(request))
        return engine.handle(request, self._edge.now(), rewrite, instead)

    def needs(self, request: Request) -> Needs:
        """What of the shared state a call needs."""
        return Needs(request.scope)

    def _load(self, needs: Needs) -> Engine:
        return self.engines.of(needs.scope)

    async def _at_door(self, request: Request, client: Client) -> Reply | Stream | FalCall:
        door = self._doors.find(request)
        if door is None:
            return self._doors.unknown(request, self._edge.now())
        answering = asyncio.ensure_future(door.answer(request, self.ask, self._edge.now()))
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

    async def ask(self, request: Request, rewrite: Rewrite | None = None) -> Reply:
        """The answer to a call that a door makes, whole, after the time it takes: given here, or by the real fal."""
        effect = self._handle(request, rewrite)
        if isinstance(effect, Forward):
            reply = await self._edge.forward(request, effect)
            effect = reply if rewrite is None else rewrite(reply)
        if not isinstance(effect, Reply):
            return replies.problem(501, "falmock does not make this call for others", "no whole answer")
        self._tell(effect)
        try:
            body = self._edge.read(effect.body) if isinstance(effect.body, FileBody) else effect.body
        except OSError as error:
            return replies.unreadable_asset(error)
        if effect.delay > 0:
            await asyncio.sleep(effect.delay)
        return effect._replace(body=body, delay=0.0)

    def _tell(self, reply: Reply) -> None:
        """Have those hear of an answer who wait for one like it."""
        if reply.miss is not None:
            self.misses.tell(reply.miss)
        if reply.wakes:
            self._edge.wake(reply.wakes)

    # uploads

    async def _join(self, request: Request, join: Join, rewrite: Rewrite | None) -> Reply | Stream:
        """Join the parts of an upload; the answer to the request that completed it."""
        whole: Content | Reply
        try:
            whole = await self._edge.join(join.parts)
        except OSError as error:
            whole = no_disk(error)
        return self.engines.joined(request, join, whole, self._edge.now(), rewrite)

    def tidy(self) -> None:
        """Remove the files that the engines have no use for any more, and see when there will be more of them."""
        self._edge.remove(self.engines.take_dropped())
        at = self.engines.common.tidy_at
        if at is not None and self._tidy_timer is None:
            wait = max(at - self._edge.now(), 0.1)
            self._tidy_timer = asyncio.get_running_loop().call_later(wait, self._forget_unfinished)

    def _forget_unfinished(self) -> None:
        self._tidy_timer = None
        self.engines.common.tidy(self._edge.now())
        self.tidy()

    def stop(self) -> None:
        """falmock ends: nothing is looked at any more."""
        self.fixtures.stop_watching()
        if self._tidy_timer is not None:
            self._tidy_timer.cancel()
            self._tidy_timer = None


def no_disk(error: OSError) -> Reply:
    """The answer to an upload that there is no room for."""
    return replies.problem(
        507,
        f"falmock cannot keep this upload on disk: {error.strerror or error}. It is kept in the folder for temporary files "
        "until mitmproxy ends: set TMPDIR to one with more room",
        "no room on disk",
        *cors.public(),
    )


async def _together(calls: Sequence[Awaitable[Reply]]) -> list[Reply]:
    """The answers to calls that are made at once, in the order of the calls."""
    return list(await asyncio.gather(*calls))


def _tell_of_openai(text: str) -> None:
    logger.info("falmock: openai: %s", text)
