"""What a door is: a part of falmock's own address that speaks some API and knows what to ask of fal's."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from typing import NamedTuple
from typing import Protocol

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.wire.message import Request

Leave = Callable[[Reply | Stream], Reply | Stream]
"""Changes an answer on its way out of a door."""


FALS_ANSWER = "fal's answer"
"""The `why` of an answer that the real fal gave."""


def as_it_is(effect: Reply | Stream) -> Reply | Stream:
    """An answer that leaves a door as fal gave it."""
    return effect


class Onward(NamedTuple):
    """A direct request that stands for one call to fal: `request`, on one of fal's hosts.

    It is answered as that call is, here or by the real fal, streams and all. `leave` changes an answer of falmock's on
    its way out; of the real fal's, where the body passes by, the status and headers alone.
    """

    request: Request
    leave: Leave = as_it_is


Ask = Callable[[Request], Awaitable[Reply]]
"""Makes a call to fal, answered here or by the real fal as the mode says, and gives the whole answer."""


class Door(Protocol):
    """One API at falmock's own address."""

    @property
    def name(self) -> str:
        """What people call it, with the paths it is found at."""

    def claims(self, request: Request) -> bool:
        """Whether a direct request is for this door. `request.host` is whatever the client called falmock."""

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply | Stream | Onward:
        """What to do about a request of its own at `now` (seconds since the epoch)."""


class Doors:
    """All doors, the first that claims a request answers it."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = tuple(doors)

    def find(self, request: Request) -> Door | None:
        """The door that a direct request is for."""
        return next((door for door in self._doors if door.claims(request)), None)

    def unknown(self, request: Request) -> Reply:
        """The answer to a request that is for falmock itself and for no door of it."""
        known = "; ".join(door.name for door in self._doors)
        message = f"falmock has nothing at {request.method} {request.path}. It answers: {known}; and fal's hosts, through the proxy"
        return replies.problem(404, message, "no such door")
