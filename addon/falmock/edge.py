"""What the app needs from its surroundings, and what it returns to them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import NamedTuple
from typing import Protocol

from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.webhooks.request import Attempt
from falmock.engine.webhooks.request import WebhookEdge
from falmock.engine.webhooks.schedule import AttemptResult
from falmock.wire.message import Content
from falmock.wire.message import Request


class Client(NamedTuple):
    """The sender of a request.

    `is_direct` is true if the request was sent to falmock itself, not to one of fal's hosts. `is_there` returns whether
    the client is still connected; if it is not, the door's work is cancelled.
    """

    is_direct: bool = False
    is_there: Callable[[], bool] = lambda: True


class ForwardedCall(NamedTuple):
    """A call that goes on to the real fal.

    `rewrite` is set if a door made the call: it changes the status and headers of fal's answer. Any other call is
    forwarded unchanged.
    """

    forward: Forward
    request: Request
    rewrite: Rewrite | None = None


Answer = Reply | Stream | Socket | ForwardedCall
"""What to deliver to the client."""


class Edge(Protocol):
    """What the app needs from its surroundings."""

    def now(self) -> float:
        """The time in seconds since the epoch."""

    async def forward(self, request: Request, forward: Forward) -> Reply:
        """The real fal's complete answer to a call that a door makes."""

    def wake(self, request_id: str) -> None:
        """The job with this request id changed, or any job (`effects.EVERY_JOB`): continue the streams that report on it."""

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""

    async def join(self, parts: tuple[Content, ...]) -> Content:
        """Join these parts into one file. Raises OSError."""

    def remove(self, files: list[str]) -> None:
        """Remove uploaded files that are no longer needed."""


class SharedWebhooks(Protocol):
    """The webhooks of all falmocks of a store, each of which posts. Raises Unavailable when the store is away."""

    def now(self) -> float:
        """The time by the store's clock, in seconds since the epoch."""

    def next(self) -> float | None:
        """When something is due that was scheduled here; None if there is nothing."""

    async def take(self, most: int) -> list[Attempt]:
        """The attempts to make now, at most `most`; report the end of each to `posted`. Nobody else makes them meanwhile."""

    async def posted(
        self, key: str, status: int | None, problem: str, *, is_refused: bool = False
    ) -> AttemptResult | None:
        """An attempt has ended: see `WebhookSchedule.posted`. None if its delivery was dropped or taken by others since."""

    async def give_back(self, keys: Iterable[str]) -> None:
        """These attempts were broken off: others make the next ones at once."""

    async def agree(self, public_key: bytes) -> bool:
        """Whether all falmocks of the store sign with this key: that of the first one counts."""


class SharingEdge(WebhookEdge, Protocol):
    """What posts webhooks, also those of a store."""

    def share(self, shared: SharedWebhooks) -> Callable[[], str]:
        """Post what is due in a store, from the next `changed` on. Returns what says why nothing is posted here, "" if it is."""

    async def leave(self) -> None:
        """Post nothing more of what is in a store: others do."""


class Needs(NamedTuple):
    """Which shared state a call needs: that of its scope."""

    scope: str
