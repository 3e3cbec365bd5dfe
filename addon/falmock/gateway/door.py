"""The interface of a door: one API at falmock's own address, which answers by calls to fal."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import Protocol
from typing import TypeVar

from falmock.engine import replies
from falmock.engine.effects import InsteadOfFal
from falmock.engine.effects import Reply
from falmock.engine.effects import Rewrite
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.fixtures.matching.miss import Miss
from falmock.redaction.redactor import Redactor
from falmock.wire.calls import Call
from falmock.wire.formats import jsontext
from falmock.wire.message import Request

T = TypeVar("T")
OPENAI, AIMOCK, SERVER_PROXY = "openai", "aimock", "server-proxy"
NAMES = (OPENAI, AIMOCK, SERVER_PROXY)
"""The names in the journal of the doors whose calls it contains."""

_OPENAIS, _AZURES = "/v1/", "/openai/"
"""Below these all errors are in OpenAI's form, also those about paths that falmock does not have."""
_PROBES = ("GET", "HEAD", "OPTIONS")
"""Methods of browsers and health checks; for these an unknown path does not count as unmatched."""

MAX_BODY = jsontext.MAX_BYTES
"""How many bytes the body of a call to a model may have."""
FALS_ANSWER = "fal's answer"
"""The `why` of an answer from the real fal."""


def as_it_is(effect: Reply | Stream) -> Reply | Stream:
    """A `Rewrite` that changes nothing."""
    return effect


def noted(
    engines: Engines, request: Request, reply: Reply, now: float, kind: str = "", call: Call | None = None
) -> Reply:
    """Add a door's own answer to the journal of the request's scope, as `kind`, or ("") as this call to fal.

    An error is returned without the secrets that it repeats.
    """
    redactor = engines.common.redactor
    redactor.learn(request.headers, request.query)
    engines.of(request.scope).scope.journal.note(request, call, reply, now, kind)
    return without_secrets(reply, redactor) if reply.status >= 400 else reply


def unmatched(engines: Engines, request: Request, reply: Reply, text: str) -> Reply:
    """The reply marked as a miss: no answer exists for the request; `text` is the report."""
    redactor = engines.common.redactor
    redactor.learn(request.headers, request.query)
    # Text of a client may contain control characters.
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    report = plain if plain.startswith("falmock") else f"falmock: {plain}"
    miss = Miss(f"{request.door} {plain}", redactor.text(report), ())
    return reply._replace(headers=(*reply.headers, replies.MISS_HEADER), miss=miss)


def without_secrets(reply: Reply, redactor: Redactor) -> Reply:
    """A reply whose body is JSON without the secrets in it, such as those that an error repeats."""
    if not isinstance(reply.body, bytes):
        return reply
    text = reply.body.decode("utf-8", "surrogateescape")
    shown = redactor.value(text)
    return reply if shown is text else reply._replace(body=shown.encode("utf-8", "surrogateescape"))


def problem(status: int, path: str, message: str, why: str) -> Reply:
    """An error about a direct request with this path that no door answers."""
    is_azure = f"{path}/".startswith(_AZURES)
    # OpenAI's clients show only this part of a body.
    kind, code = "invalid_request_error" if status < 500 else "server_error", str(status) if is_azure else None
    body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    if not is_azure and not f"{path}/".startswith(_OPENAIS):
        body = {"detail": message, "message": message, **body}
    return replies.json_reply(status, body, why, replies.error_header(why))


def failed(path: str, *, is_direct: bool) -> Reply:
    """The answer to a request that falmock failed to answer: to one of its doors at this path, or to a host of fal's."""
    message, why = "falmock failed to answer this request; its log has the details", "internal error"
    return problem(500, path, message, why) if is_direct else replies.problem(500, message, why)


class FalCall(NamedTuple):
    """A direct request that is answered by one call to fal: `request`, to one of fal's hosts.

    falmock or the real fal answers that call, also with streams. `rewrite` changes the answer. If it comes from the real
    fal, its body is streamed through, so only status and headers can change. `instead` answers a call that would be
    forwarded to fal; without it, the call is forwarded. `call` is what the request calls, if that is known.
    """

    request: Request
    rewrite: Rewrite = as_it_is
    instead: InsteadOfFal | None = None
    call: Call | None = None


OfDoor = Reply | Stream | FalCall
"""The answer to a direct request, or the call to fal that answers it."""
OF_DOOR = (Reply, Stream, FalCall)


class Ask(Protocol):
    """Makes a call to fal, which falmock or the real fal answers depending on the mode; returns the complete answer."""

    def __call__(self, request: Request, rewrite: Rewrite | None = None) -> Awaitable[Reply]:
        """`rewrite` changes the answer, also one of the real fal."""


class Later(Awaitable[Reply]):
    """A reply that `begin` brings. It begins when somebody waits: what is decided again from its beginning began nothing."""

    def __init__(self, begin: Callable[[], Awaitable[Reply]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, Reply]:
        return self._begin().__await__()


class Decide(Protocol):
    """Returns what `decide` returns, and keeps what it changed: it may be called again, from its beginning.

    What a door does after it has waited, and what an `async` one does at all, needs this to use the state of a scope.
    """

    def __call__(self, decide: Callable[[], T]) -> Awaitable[T]:
        """`decide` must not wait, and has no effect but on the state."""


class Door(Protocol):
    """One API at falmock's own address."""

    @property
    def name(self) -> str:
        """The door's name and paths, for messages."""

    def claims(self, request: Request) -> bool:
        """Whether a direct request is for this door. `request.host` is the name by which the client addressed falmock."""

    def max_body(self, request: Request) -> int:
        """How many bytes the body of a request for this door may have when it is decoded; by its head.

        A request with a larger body has no body, but `too_large`.
        """

    def answer(self, request: Request, ask: Ask, now: float) -> OfDoor | Awaitable[OfDoor]:
        """The answer to a request for this door at `now` (seconds since the epoch), or the call to fal that answers it.

        It is awaitable if the door has to wait for something: see `Later` and `Decide`.
        """


class Doors:
    """All doors; the first that claims a request answers it."""

    def __init__(self, engines: Engines, doors: Sequence[Door]) -> None:
        self._engines = engines
        self._doors = tuple(doors)

    def max_body(self, request: Request) -> int:
        """How many bytes the body of this direct request may have."""
        door = self.find(request)
        return MAX_BODY if door is None else door.max_body(request)

    def find(self, request: Request) -> Door | None:
        """The door that a direct request is for; None if there is none."""
        return next((door for door in self._doors if door.claims(request)), None)

    def unknown(self, request: Request, now: float) -> Reply:
        """The answer to a direct request that no door claims."""
        known = "; ".join(door.name for door in self._doors)
        redactor = self._engines.common.redactor
        redactor.learn(request.headers, request.query)
        nothing = f"falmock has nothing at {redactor.text(f'{request.method} {request.path}')}"
        message = f"{nothing}. It answers: {known}; and fal's hosts, through the proxy"
        reply = problem(404, request.path, message, "no such door")
        if request.method not in _PROBES:
            reply = unmatched(self._engines, request, reply, nothing)
        return noted(self._engines, request, reply, now)
