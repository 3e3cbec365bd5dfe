"""What a door is: a part of falmock's own address that speaks some API and knows what to ask of fal's."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Sequence
from typing import NamedTuple
from typing import Protocol

from falmock.engine import replies
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.fixtures.matching.miss import Miss
from falmock.wire.calls import Call
from falmock.wire.message import Request

OPENAI, AIMOCK, SERVER_PROXY = "openai", "aimock", "server-proxy"
NAMES = (OPENAI, AIMOCK, SERVER_PROXY)
"""The doors whose calls are in the journal, by the names that they have there."""

_LOOKS = ("GET", "HEAD", "OPTIONS")
"""How browsers and health checks look for what they would not miss."""

FALS_ANSWER = "fal's answer"
"""The `why` of an answer that the real fal gave."""


def as_it_is(effect: Reply | Stream) -> Reply | Stream:
    """An answer that leaves a door as fal gave it."""
    return effect


def noted(
    engines: Engines, request: Request, reply: Reply, now: float, kind: str = "", call: Call | None = None
) -> Reply:
    """An answer that a door gave by itself: the journal of the request's scope has it from now on, as `kind` or this call."""
    engines.common.redactor.learn(request.headers, request.query)
    engines.of(request.scope).scope.journal.note(request, call, reply, now, kind)
    return reply


def unmatched(engines: Engines, request: Request, reply: Reply, text: str) -> Reply:
    """An answer that says that there is none, marked as such: `text` is the report."""
    redactor = engines.common.redactor
    redactor.learn(request.headers, request.query)
    # What a client wrote may be nothing for a terminal.
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    told = plain if plain.startswith("falmock") else f"falmock: {plain}"
    miss = Miss(f"{request.door} {plain}", redactor.text(told), ())
    return reply._replace(headers=(*reply.headers, replies.MISS_HEADER), miss=miss)


class FalCall(NamedTuple):
    """A direct request that stands for one call to fal: `request`, on one of fal's hosts.

    It is answered as that call is, here or by the real fal, streams and all. `rewrite` changes an answer of falmock's on
    its way out; of the real fal's, where the body passes by, the status and headers alone. `instead` answers a call that
    would go on to fal; without it, the call may.
    """

    request: Request
    rewrite: Rewrite = as_it_is
    instead: InsteadOfFal | None = None


class Ask(Protocol):
    """Makes a call to fal, answered here or by the real fal as the mode says, and gives the whole answer."""

    def __call__(self, request: Request, rewrite: Rewrite | None = None) -> Awaitable[Reply]:
        """`rewrite` changes the answer, whoever gave it."""


class Door(Protocol):
    """One API at falmock's own address."""

    @property
    def name(self) -> str:
        """What people call it, with the paths it is found at."""

    def claims(self, request: Request) -> bool:
        """Whether a direct request is for this door. `request.host` is whatever the client called falmock."""

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply | Stream | FalCall:
        """What to do about a request of its own at `now` (seconds since the epoch)."""


class Doors:
    """All doors, the first that claims a request answers it."""

    def __init__(self, engines: Engines, doors: Sequence[Door]) -> None:
        self._engines = engines
        self._doors = tuple(doors)

    def find(self, request: Request) -> Door | None:
        """The door that a direct request is for."""
        return next((door for door in self._doors if door.claims(request)), None)

    def unknown(self, request: Request, now: float) -> Reply:
        """The answer to a request that is for falmock itself and for no door of it."""
        known = "; ".join(door.name for door in self._doors)
        nothing = f"falmock has nothing at {request.method} {request.path}"
        message = f"{nothing}. It answers: {known}; and fal's hosts, through the proxy"
        # OpenAI's clients show of a body nothing but this.
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        body = {"detail": message, "message": message, "error": error}
        reply = replies.json_reply(404, body, "no such door", replies.error_header("no such door"))
        if request.method not in _LOOKS:
            reply = unmatched(self._engines, request, reply, nothing)
        return noted(self._engines, request, reply, now)
